import type { CallSnapshot } from '#booking/calls.ts';
import type { Languages } from '#language/languages.ts';
import { defaultLanguage, type Organization, practitionerOf } from '#organization/organization.ts';
import type { FitTemplate } from '#prompts/template-check.ts';
import type { Prompts } from '#prompts/templates.ts';
import { clinicIso, spokenAppointment } from '#tools/offering.ts';
import { createTemporalContexts } from './temporal-context.ts';

export interface PromptParts {
  organization: Organization;
  facts: CallSnapshot;
  language: string;
  now: Date;
  /** What is written in Vapi's dashboard, if the platform sent it. */
  dashboardPrompt: string | null;
}

/** One stretch of the system message, named as its template; `call_state` is made by code. */
export interface PromptPart {
  name: 'system' | 'dashboard' | 'context' | 'call' | 'call_state';
  text: string;
}

/**
 * The one system message in front of the history, as the parts it is made of: `system`, the same bytes for the whole
 * call; `dashboard`, what the clinic wrote at Vapi; `context`, the same for a minute; then what is so in this call.
 * A provider's prompt cache holds what stands in front and stays the same, and the time and the facts are right on
 * every turn. The dashboard's text comes second: Vapi fills its own variables into it, and where one of them is the
 * time it changes from turn to turn, after which nothing is cached any more.
 */
export function createPromptParts(
  prompts: Prompts,
  languages: Languages,
  contexts = createTemporalContexts(languages),
) {
  const stable = keeper();
  const minutely = keeper();
  const ofCalls = new WeakMap<Organization, OfCalls>();
  return (parts: PromptParts): PromptPart[] => {
    const { organization, facts, now, language } = parts;
    const minute = Math.floor(now.getTime() / 60_000);
    const dashboardPrompt = organization.vapiPrompt === 'ignore' ? null : parts.dashboardPrompt;
    const ofCall = ofCalls.get(organization) ?? { call: keeper(), state: keeper(), dashboard: keeper() };
    ofCalls.set(organization, ofCall);
    // Turns between which nothing changed in the call share what was read of it, the list of offers among it.
    const { offers } = facts;
    const call = prompts.serving('call', organization);
    const stamp = `${minute} ${language}`;
    const told: PromptPart[] = [
      {
        name: 'system',
        text: stable(organization, prompts.serving('system', organization), 'always', () =>
          prompts.render('system', organization, whoIsCalled(organization)),
        ),
      },
      {
        name: 'context',
        text: minutely(organization, prompts.serving('context', organization), minute, () =>
          prompts.render('context', organization, {
            ...contexts({ organization, now }),
            tenantId: organization.id,
          }),
        ),
      },
      {
        name: 'call',
        text: ofCall.call(offers, call, stamp, () =>
          prompts.render('call', organization, {
            tenantId: organization.id,
            step: facts.step,
            language,
            confirmDate: confirmDate(parts),
            patientPhone:
              (facts.hold?.fromEarlierCall ? undefined : facts.patient['phone']) ?? facts.caller ?? null,
          }),
        ),
      },
      { name: 'call_state', text: ofCall.state(offers, call, stamp, () => callState(parts, languages)) },
    ];
    if (dashboardPrompt !== null && dashboardPrompt.trim() !== '')
      told.splice(1, 0, {
        name: 'dashboard',
        text: ofCall.dashboard(offers, prompts.serving('dashboard', organization), dashboardPrompt, () =>
          prompts.render('dashboard', organization, { dashboardPrompt }),
        ),
      });
    return told.filter(({ text }) => text !== '');
  };
}

/** The parts as the model receives them. */
export function inOneMessage(parts: PromptPart[]): string {
  return parts.map(({ text }) => text).join('\n\n');
}

export function createSystemPrompt(...made: Parameters<typeof createPromptParts>) {
  const promptParts = createPromptParts(...made);
  return (about: PromptParts): string => inOneMessage(promptParts(about));
}

/** A call of which nothing is known yet. */
const newCall: CallSnapshot = {
  turn: 0,
  now: new Date(0),
  step: 'greeting',
  userTurns: null,
  caller: null,
  patient: {},
  holdVersion: null,
  hold: null,
  appointment: null,
  found: [],
  offers: [],
};

/** Makes the parts that are kept, so that a call's first turn finds them made. */
export function preparePrompt(
  systemPrompt: (about: PromptParts) => string,
  about: { organization: Organization; now: Date },
): void {
  const language = defaultLanguage(about.organization);
  systemPrompt({ ...about, language, facts: newCall, dashboardPrompt: null });
}

/** What is kept of calls of an organization; an edited one is another object. */
type OfCalls = Record<'call' | 'state' | 'dashboard', ReturnType<typeof keeper>>;

/** Keeps what was rendered for something until its template or the stamp changes. */
function keeper() {
  const kept = new WeakMap<object, { template: FitTemplate; stamp: unknown; text: string }>();
  return (about: object, template: FitTemplate, stamp: unknown, render: () => string): string => {
    // An edited organization is another object, as an edited template is.
    const found = kept.get(about);
    if (found?.template === template && found.stamp === stamp) return found.text;
    const text = render();
    kept.set(about, { template, stamp, text });
    return text;
  };
}

/** What the `system` template may say about a clinic beside its name. */
export function whoIsCalled({ languages, practitioners, country }: Organization) {
  return {
    languages: languages.map(languageName),
    practitioners: practitioners.map((one) => one.spokenName),
    emergencyNumber: emergencyNumbers[country] ?? null,
  };
}

const languageNames = new Intl.DisplayNames(['en'], { type: 'language' });

/** "Spanish" for `es`; what is no language tag is told as it stands. */
function languageName(tag: string): string {
  try {
    return languageNames.of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/**
 * Where a caller with an emergency is sent; elsewhere the model says "the emergency number". 112 works in the whole
 * European Union (Directive (EU) 2018/1972, article 109), and beside the national one in the other countries here.
 */
const emergencyNumbers: Record<string, string> = {
  ...Object.fromEntries(['US', 'CA', 'MX', 'PR'].map((country) => [country, '911'])),
  ...Object.fromEntries(
    'AT BE BG CH CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK'
      .split(' ')
      .map((country) => [country, '112']),
  ),
  GB: '999',
  AU: '000',
  NZ: '111',
};

/** The day being discussed: of the hold, else of what was offered last. */
function confirmDate({ facts, organization }: PromptParts): string | null {
  const instant =
    (facts.hold?.fromEarlierCall ? undefined : facts.hold?.startsAt) ?? facts.offers.at(-1)?.startsAt;
  return instant === undefined ? null : clinicIso(instant, organization.zone).slice(0, 10);
}

/** What the tools returned in this call. Vapi's history holds only what was spoken, so it is told every turn. */
function callState({ facts, organization, language, now }: PromptParts, languages: Languages): string {
  const { zone } = organization;
  const latest = facts.offers.at(-1)?.offeredAt.getTime();
  const say = (slot: { startsAt: Date; practitionerId: string }) => ({
    startsAt: clinicIso(slot.startsAt, zone),
    practitioner: practitionerOf(organization, slot.practitionerId)?.name ?? '',
    spoken: spokenAppointment({ organization, language, languages, now }, slot),
  });
  const holdNumber = facts.offers.findLast((one) => one.slotId === facts.hold?.slotId)?.number;
  const state = {
    step: facts.step,
    language,
    offers: facts.offers
      .filter((one) => one.offeredAt.getTime() === latest)
      .map((one) => ({ slotId: `slot_${one.number}`, ...say(one) })),
    hold:
      facts.hold === null
        ? null
        : // Whose hold this is, the caller has to say first; until then not even the model is told more.
          facts.hold.fromEarlierCall
          ? { fromEarlierCall: true }
          : {
              ...(holdNumber === undefined ? {} : { slotId: `slot_${holdNumber}` }),
              ...say(facts.hold),
              expiresAt: facts.hold.expiresAt.toISOString(),
            },
    appointment:
      facts.appointment === null ? null : { appointmentId: facts.appointment.id, ...say(facts.appointment) },
    patient: facts.hold?.fromEarlierCall ? {} : facts.patient,
    ...(facts.found.length === 0
      ? {}
      : { found: facts.found.map((one) => ({ appointmentId: `appointment_${one.number}`, ...say(one) })) }),
  };
  return `What is so in this call:\n<call_state>${JSON.stringify(state)}</call_state>`;
}
