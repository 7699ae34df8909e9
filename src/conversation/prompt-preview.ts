import { slotsOf, timetableOf } from '#availability/open-hours.ts';
import type { CallSnapshot } from '#booking/calls.ts';
import type { Languages } from '#language/languages.ts';
import { addDays, localDate } from '#organization/clinic-clock.ts';
import type { Organization } from '#organization/organization.ts';
import type { Prompts } from '#prompts/templates.ts';
import { approximateTokens } from '#prompts/token-count.ts';
import { createPromptParts, inOneMessage, type PromptPart, whoIsCalled } from './prompt.ts';
import { createTemporalContexts } from './temporal-context.ts';

export type Step = CallSnapshot['step'];

/** What the model would receive in front of the history. */
export interface PromptPreview {
  /** The system message, byte for byte. */
  message: string;
  /** What it is made of, in order, with about how many tokens each has. */
  parts: (PromptPart & { tokens: number })[];
  /** Of the tools' definitions, which providers put in front of the message. */
  toolTokens: number;
  /**
   * Length of the part of the message that is the same on every turn of a call, in characters and, tools included,
   * about in tokens: what a provider's prompt cache can hold.
   */
  cached: { characters: number; tokens: number };
}

export interface PreviewWish {
  organization: Organization;
  step: Step;
  /** The turn's instant. */
  now: Date;
  language: string;
  languages: Languages;
  dashboardPrompt: string | null;
  /** As the model is shown them. */
  tools: unknown[];
  /** How long the imagined call's hold lasts. */
  holdLifetimeMs: number;
}

/** Makes the prompt of an imagined call at a step, by the code that makes it in a real one. */
export async function previewPrompt(prompts: Prompts, wish: PreviewWish): Promise<PromptPreview> {
  const { organization, now, language, languages, dashboardPrompt, tools } = wish;
  const facts = imaginedCall(wish);
  const promptParts = createPromptParts(prompts, languages);
  const told = promptParts({ organization, facts, language, now, dashboardPrompt });
  const parts = await Promise.all(
    told.map(async (part) => ({ ...part, tokens: await approximateTokens(part.text) })),
  );
  const toolTokens = await approximateTokens(JSON.stringify(tools));
  // Vapi may fill the time into the dashboard's text: nobody can promise that it stays the same.
  const [stable] = parts;
  return {
    message: inOneMessage(told),
    parts,
    toolTokens,
    cached: { characters: stable?.text.length ?? 0, tokens: toolTokens + (stable?.tokens ?? 0) },
  };
}

/** What the variables of a template are at this moment, as far as there is a value without a call. */
export function presentValues(
  organization: Organization,
  now: Date,
  languages: Languages,
): Record<string, unknown> {
  return {
    clinic: organization.name,
    receptionist: organization.receptionistName,
    tenantId: organization.id,
    ...whoIsCalled(organization),
    ...createTemporalContexts(languages)({ organization, now }),
  };
}

const offersImagined = 3;
const daysLookedAhead = 31;

/** What the ledger would say about a call that has come that far, with the clinic's own hours and practitioners. */
function imaginedCall({ organization, step, now, holdLifetimeMs }: PreviewWish): CallSnapshot {
  const today = localDate(organization.zone, now);
  const [practitioner] = organization.practitioners;
  const ahead =
    practitioner === undefined
      ? []
      : slotsOf(timetableOf(organization, practitioner), {
          from: today,
          to: addDays(today, daysLookedAhead),
        });
  const offers = ahead
    .filter(({ startsAt }) => startsAt > now)
    .slice(0, offersImagined)
    .map(({ startsAt }, index) => ({
      number: index + 1,
      slotId: `${startsAt.toISOString().replace('.000', '')}/${practitioner?.key ?? ''}`,
      version: 'imagined',
      startsAt,
      practitionerId: practitioner?.id ?? '',
      userTurns: 1,
      offeredAt: now,
    }));
  const [chosen] = offers;
  const is = (...steps: Step[]) => chosen !== undefined && steps.includes(step);
  return {
    turn: 2,
    now,
    step,
    userTurns: 1,
    caller: '+12125550142',
    patient: is('booked') ? { name: 'Ann Miller' } : {},
    holdVersion: is('reserve', 'confirm_sms', 'booked') ? 'imagined' : null,
    hold:
      chosen !== undefined && is('reserve', 'confirm_sms')
        ? { ...chosen, expiresAt: new Date(now.getTime() + holdLifetimeMs), fromEarlierCall: false }
        : null,
    appointment: chosen !== undefined && is('booked') ? { ...chosen, id: 'imagined' } : null,
    found: [],
    offers: is('greeting', 'failed') ? [] : offers,
  };
}
