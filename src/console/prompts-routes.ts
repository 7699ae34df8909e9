import type { Sql } from 'postgres';
import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { readHoldLifetimeMs } from '#booking/holds.ts';
import { presentValues, previewPrompt } from '#conversation/prompt-preview.ts';
import type { Languages } from '#language/languages.ts';
import { defaultLanguage, type Organization } from '#organization/organization.ts';
import { type Changed, changeOverride, overrideHistory, rollBackOverride } from '#prompts/overrides.ts';
import { checkTemplate } from '#prompts/template-check.ts';
import { diffToShipped, listTemplates, tryTemplate } from '#prompts/template-list.ts';
import type { Prompts } from '#prompts/templates.ts';
import { type AddRoute, instant, Refusal } from './route.ts';
import type { Session } from './session.ts';

/** As long as a template may be; a longer text is told to be too long by the check, up to here. */
const textMax = 100_000;

const problemAnswer = z.object({ line: z.number(), column: z.number(), message: z.string() });
const step = z.enum(['greeting', 'check_avail', 'reserve', 'confirm_sms', 'booked', 'failed']);

const listAnswer = z.object({
  templates: z.array(
    z.object({
      name: z.string(),
      kind: z.string(),
      language: z.string().nullable(),
      changed: z.boolean(),
      /** Of a saved text that is not spoken, because it is not fit any more. */
      problems: z.number(),
    }),
  ),
});

const version = z.object({
  version: z.number(),
  text: z.string().nullable(),
  author: z.string(),
  note: z.string(),
  createdAt: instant,
});

const templateAnswer = z.object({
  name: z.string(),
  kind: z.string(),
  variables: z.array(
    z.object({
      name: z.string(),
      meaning: z.string(),
      optional: z.boolean(),
      /** What it is now, or an example where only a call gives it a value. */
      value: z.string(),
      present: z.boolean(),
    }),
  ),
  shipped: z.string().nullable(),
  /** What is spoken now, when it is not the shipped text. */
  own: z.string().nullable(),
  /** The newest version, 0 for none: what an edit is based on. */
  version: z.number(),
  history: z.array(version),
});

const tryBody = z.object({
  text: z.string().max(textMax),
  /** The clinic's own clock, e.g. 2026-11-27T09:00; now, if absent. */
  at: z.union([z.literal(''), z.iso.datetime({ local: true })]).optional(),
  step: step.default('greeting'),
  language: z.string().max(35).optional(),
});

const tryAnswer = z.object({
  problems: z.array(problemAnswer),
  /** As it would be spoken or read; `null` while there are problems. */
  rendered: z.string().nullable(),
  /** The whole prompt with it, for a template the model reads. */
  prompt: z
    .object({
      parts: z.array(z.object({ name: z.string(), text: z.string(), tokens: z.number() })),
      cachedTokens: z.number(),
    })
    .nullable(),
  /** Against the shipped text, as a unified diff; empty when they are the same. */
  diff: z.string(),
});

const savedAnswer = z.object({ version: z.number() });

export type TemplatesAnswer = z.input<typeof listAnswer>;
export type TemplateAnswer = z.input<typeof templateAnswer>;
export type TryAnswer = z.input<typeof tryAnswer>;
export type TemplateProblemAnswer = z.input<typeof problemAnswer>;

const nameParams = z.object({ organization: z.string(), name: z.string().max(200) });
const note = z.string().max(500).default('');

export interface PromptsParts {
  sql: Sql;
  prompts: Prompts;
  languages: Languages;
  /** The tools' definitions, as the model is shown them. */
  toolsFor: (organization: Organization) => unknown[];
}

/** What the receptionist says: read, checked and tried while it is written, saved, and rolled back. */
export function promptsRoutes(add: AddRoute, parts: PromptsParts): void {
  const { sql, prompts, languages } = parts;
  add({
    method: 'GET',
    path: '/prompts',
    summary: 'Every template, without its text',
    role: 'see',
    answer: listAnswer,
    async handle({ organization }) {
      const templates = await listTemplates(prompts, sql, organization.id);
      return {
        templates: templates.map(({ name, kind, language, override }) => ({
          name,
          kind,
          language: language ?? null,
          changed: override !== undefined && override.text !== null,
          problems: override?.problems.length ?? 0,
        })),
      };
    },
  });
  add({
    method: 'GET',
    path: '/prompts/:name',
    summary: 'One template with its versions and what it may use',
    role: 'see',
    params: nameParams,
    answer: templateAnswer,
    async handle({ organization, params: { name } }) {
      const all = await listTemplates(prompts, sql, organization.id);
      const found = all.find((one) => one.name === name);
      if (found === undefined) return new Refusal(404, 'there is no such template');
      const present = presentValues(organization, new Date(), languages);
      return {
        ...found,
        variables: found.variables.map(({ name: variable, meaning, optional, example }) => ({
          name: variable,
          meaning,
          optional,
          value: inWords(variable in present ? present[variable] : example),
          present: variable in present,
        })),
        own: found.override?.text ?? null,
        version: found.override?.version ?? 0,
        history: await overrideHistory(sql, { tenantId: organization.id, name }),
      };
    },
  });
  trying(add, parts);
  saving(add, parts);
}

function trying(add: AddRoute, { sql, prompts, languages, toolsFor }: PromptsParts): void {
  add({
    method: 'POST',
    path: '/prompts/:name/try',
    summary: 'Checks and renders a text that is not saved; it changes nothing',
    role: 'see',
    params: nameParams,
    body: tryBody,
    answer: tryAnswer,
    async handle({ organization, params: { name }, body }) {
      const now = clockOf(organization, body.at);
      const checked = checkTemplate(name, body.text);
      const shipped = prompts.shipped.get(name)?.text ?? '';
      const diff = diffToShipped(name, shipped, body.text);
      if (!checked.fit) return { problems: checked.problems, rendered: null, prompt: null, diff };
      const tried = tryTemplate(name, body.text, presentValues(organization, now, languages));
      if (!tried.fit) return { problems: tried.problems, rendered: null, prompt: null, diff };
      const { kind } = checked.template.place;
      if (kind === 'speech' || kind === 'sms')
        return { problems: [], rendered: tried.text, prompt: null, diff };
      const preview = await previewPrompt(prompts.withDrafts([checked.template]), {
        organization,
        step: body.step,
        now,
        language: body.language ?? defaultLanguage(organization),
        languages,
        // A dashboard's own words are not known here; the template around them shows where they go.
        dashboardPrompt: kind === 'dashboard' ? 'What is written at Vapi stands here.' : null,
        tools: toolsFor(organization),
        holdLifetimeMs: await readHoldLifetimeMs(sql),
      });
      return {
        problems: [],
        rendered: tried.text,
        prompt: { parts: preview.parts, cachedTokens: preview.cached.tokens },
        diff,
      };
    },
  });
}

function saving(add: AddRoute, { sql, prompts }: PromptsParts): void {
  const outcome = async (organization: Organization, changed: Changed) => {
    if (!changed.changed) return refusalOf(changed);
    // The others hear of it by themselves; who saved wants to hear it in the next breath.
    await prompts.refreshOverrides(organization.id);
    return { version: changed.version };
  };
  const author = (session: Session) => `${session.who}, by the console`;
  add({
    method: 'PUT',
    path: '/prompts/:name',
    summary: 'Saves a text as the organization’s own; every call uses it from its next turn on',
    role: 'edit',
    params: nameParams,
    body: z.object({ text: z.string().max(textMax), note, basedOn: z.int().nonnegative() }),
    answer: savedAnswer,
    async handle({ organization, session, params: { name }, body }) {
      const key = { tenantId: organization.id, name };
      return outcome(organization, await changeOverride(sql, key, { ...body, author: author(session) }));
    },
  });
  add({
    method: 'POST',
    path: '/prompts/:name/rollback',
    summary: 'Makes an earlier version the newest again; 0 is the shipped text',
    role: 'edit',
    params: nameParams,
    body: z.object({ toVersion: z.int().nonnegative(), note }),
    answer: savedAnswer,
    async handle({ organization, session, params: { name }, body }) {
      const key = { tenantId: organization.id, name };
      return outcome(organization, await rollBackOverride(sql, key, { ...body, author: author(session) }));
    },
  });
}

function refusalOf(changed: Extract<Changed, { changed: false }>): Refusal {
  switch (changed.reason) {
    case 'unfit': {
      const [first] = changed.problems;
      return new Refusal(422, `line ${first?.line ?? 1}: ${first?.message ?? 'this text is not fit'}`);
    }
    case 'overtaken':
      return new Refusal(409, `somebody saved version ${changed.version} meanwhile; look at it first`);
    case 'no_such_version':
      return new Refusal(404, 'there is no such version');
  }
}

function clockOf({ zone }: Organization, at: string | undefined): Date {
  if (at === undefined || at === '') return new Date();
  return new Date(Temporal.PlainDateTime.from(at).toZonedDateTime(zone).epochMilliseconds);
}

/** A value in one line, for a list of variables. */
function inWords(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 160)} …` : text;
}
