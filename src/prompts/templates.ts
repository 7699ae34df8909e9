import type { Sql } from 'postgres';
import { fallbackTag } from '#language/language.ts';
import type { Organization } from '#organization/organization.ts';
import type { Log } from '#telemetry/log.ts';
import { type OverrideShelf, openOverrideShelf, type UnfitOverride } from './override-shelf.ts';
import { type FitTemplate, renderTemplate } from './template-check.ts';
import { openTemplateFiles } from './template-files.ts';
import type {
  PlainTemplate,
  PlainValues,
  SpokenOutcome,
  SpokenValues,
  TextTemplate,
  TextValues,
} from './template-variables.ts';

/** Whom words are for: whose templates count, and in which language. */
export interface Listener {
  /** `null` before anybody knows who was called: the shipped templates speak. */
  organization: Pick<Organization, 'id' | 'name' | 'receptionistName'> | null;
  /** A language tag, e.g. `en` or `es-MX`. */
  language: string;
}

/** Every template, ready to render: an organization's own where it has one, else the shipped one. */
export interface Prompts extends AsyncDisposable {
  /** The template that serves; the same object until it is edited, so that what it makes can be kept. */
  serving(name: PlainTemplate, organization: Listener['organization']): FitTemplate;
  render<Name extends PlainTemplate>(
    name: Name,
    organization: Listener['organization'],
    values: Omit<PlainValues<Name>, General>,
  ): string;
  /** What the caller hears, in the listener's language, or in English where that language has no such sentence. */
  speak<Outcome extends SpokenOutcome>(outcome: Outcome, to: Listener, values: SpokenValues<Outcome>): string;
  /** The words of a text message, by the same rule. */
  text<Wording extends TextTemplate>(wording: Wording, to: Listener, values: TextValues<Wording>): string;
  /** The same templates, but these in place of those of their names: for one call that tries texts nobody has saved. */
  withDrafts(drafts: readonly FitTemplate[]): Prompts;
  /** Shipped templates by name, as they serve. */
  readonly shipped: ReadonlyMap<string, FitTemplate>;
  /** What is wrong with the files as they are on disk; the last good ones serve meanwhile. */
  readonly fileProblems: string[];
  /** Organizations' templates that cannot serve; the shipped ones do. */
  readonly unfitOverrides: UnfitOverride[];
  /** All that in one line for whoever watches the process, without naming anybody. */
  readonly problem: string | undefined;
  /** Reads an organization's templates again. Every process does so by itself when they change. */
  refreshOverrides(tenantId?: string): Promise<void>;
}

type General = 'clinic' | 'receptionist';

/**
 * Opens the shipped templates (Liquid, checked strictly) and the organizations' own, and follows changes of both:
 * they count from the next turn on, on every process.
 *
 * @param keptIn a file in which the last good versions of the shipped ones outlive the process
 * @param sql where organizations' templates are; without it, only the shipped ones serve
 * @throws with every problem, if a shipped template is not fit at the start and no version of it is kept
 */
export async function openPrompts({
  folder,
  keptIn,
  sql,
  log,
}: {
  folder: string;
  keptIn?: string;
  sql?: Sql;
  log: Log;
}): Promise<Prompts> {
  await using opening = new AsyncDisposableStack();
  const files = opening.use(await openTemplateFiles({ folder, keptIn, log }));
  const overrides = sql === undefined ? undefined : opening.use(await openOverrideShelf({ sql, log }));
  const opened = opening.move();
  const find: Find = (names, organization) => {
    for (const name of names) {
      const override = organization === null ? undefined : overrides?.find(organization.id, name)?.template;
      const template = override ?? files.serving.get(name);
      if (template !== undefined) return template;
    }
    throw new Error(`there is no template ${names.join(' or ')}`);
  };
  const state = {
    get shipped() {
      return files.serving;
    },
    get fileProblems() {
      return files.problems;
    },
    get unfitOverrides() {
      return overrides?.unfit ?? [];
    },
    get problem() {
      return problemOf(files.problems, overrides);
    },
    refreshOverrides: async (tenantId?: string) => overrides?.refresh(tenantId),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
  return promptsBy(find, state, log);
}

/** The first of these names there is a template of, for whoever was called. */
type Find = (names: string[], organization: Listener['organization']) => FitTemplate;
type Speaking = 'serving' | 'render' | 'speak' | 'text' | 'withDrafts';

/** Everything that is said by whichever templates are found. `state` is passed on as it is at each moment. */
function promptsBy(find: Find, state: Omit<Prompts, Speaking>, log: Log): Prompts {
  const renderFor = (names: string[], organization: Listener['organization'], values: object): string => {
    const all = {
      clinic: organization?.name ?? '',
      receptionist: organization?.receptionistName ?? '',
      ...values,
    };
    const template = find(names, organization);
    try {
      return renderTemplate(template, all);
    } catch (error) {
      // It was tried with examples before it served; what shows only with a caller's values is not the caller's fault.
      const shipped = find(names, null);
      if (shipped === template) throw error;
      const { name } = template;
      log.error(
        { err: error, organization: organization?.id, template: name },
        'the shipped template serves',
      );
      return renderTemplate(shipped, all);
    }
  };
  const speaking: Pick<Prompts, Speaking> = {
    serving: (name, organization) => find([name], organization),
    render: (name, organization, values) => renderFor([name], organization, values),
    speak: (outcome, { organization, language }, values) =>
      renderFor(inLanguage('speech', language, outcome), organization, values),
    text: (wording, { organization, language }, values) =>
      renderFor(inLanguage('sms', language, wording), organization, values),
    withDrafts(drafts) {
      const byName = new Map(drafts.map((draft) => [draft.name, draft]));
      const drafted: Find = (names, organization) => {
        // What was shipped is asked for when a template fails in the middle of a call.
        if (organization === null) return find(names, null);
        for (const name of names) {
          const draft = byName.get(name);
          if (draft !== undefined) return draft;
          // A draft in the caller's own language goes before what there is in a more general one, and the other way.
          const found = find(names, organization);
          if (found.name === name) return found;
        }
        return find(names, organization);
      };
      // It lives for a turn, and what it stands on is not its own to close.
      return promptsBy(drafted, { ...state, [Symbol.asyncDispose]: async () => {} }, log);
    },
  };
  return Object.defineProperties(speaking, Object.getOwnPropertyDescriptors(state)) as Prompts;
}

/** `es-MX` is answered in Mexico's Spanish, else in Spanish, else in English. */
function inLanguage(folder: string, language: string, name: string): string[] {
  const [base = language] = language.split('-');
  return [...new Set([language, base, fallbackTag])].map((one) => `${folder}/${one}/${name}`);
}

function problemOf(files: string[], overrides: OverrideShelf | undefined): string | undefined {
  const unfit = overrides?.unfit.length ?? 0;
  const all = [
    ...files,
    ...(unfit === 0
      ? []
      : [`${unfit} templates of organizations cannot serve; npm run prompts -- check names them`]),
  ];
  return all.length === 0 ? undefined : all.join('; ');
}
