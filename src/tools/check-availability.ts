import { z } from 'zod';
import { localDate } from '#booking/open-hours.ts';

import { ofPractitioners } from '#booking/open-slots.ts';
import type { OpenSlot } from '#booking/slot-days.ts';

import type { Organization } from '#organization/organization.ts';
import { spokenDate, spokenDateName, spokenList, spokenWeekday } from '#prompts/spoken-time.ts';
import { outcomeOf } from '#prompts/template-variables.ts';
import type { Prompts } from '#prompts/templates.ts';
import { type Offering, offer, offerNearest } from './offering.ts';
import { resolveDate, resolveTime } from './resolve-date.ts';
import type { Tool, ToolContext, ToolRun } from './tool.ts';

const args = z.object({
  date: z
    .string()
    .min(1)
    .describe('The day: an ISO date, or the caller’s own words, e.g. "next Tuesday", "the 3rd"'),
  time: z
    .string()
    .optional()
    .describe('Time of day if the caller named one, in their words, e.g. "after lunch"'),
  practitioner: z.string().optional().describe('Name of the practitioner if the caller named one'),
});

/** What is free on a day, near the wish: read from the day's ledger; what it offers is written behind the speech. */
export function checkAvailability(offering: Offering, prompts: Prompts): Tool<typeof args> {
  return {
    name: 'check_availability',
    description:
      'Looks up free appointment times on one day. Call it whenever the caller names or changes a day or a time of day. Offer only times it returns.',
    arguments: args,
    async run(wanted, context) {
      const { organization, now, language } = context;
      const { zone, schedule } = organization;
      const day = resolveDate({ date: wanted.date, now, zone, schedule });
      if (!day.ok) return refusal({ offering, prompts, context }, day);

      const time = resolveTime({ time: wanted.time ?? day.time ?? '' });
      // Words about a time that cannot be understood narrow nothing; the offers themselves ask the question.
      const wish = time.ok ? time.wish : undefined;
      const open = await offering.openSlots.onDay(organization, day.date, now);
      const offered = offer(offering, context, ofPractitioner(organization, open, wanted.practitioner), {
        wish,
      });
      if (offered.slots.length === 0) {
        return refusal({ offering, prompts, context }, { reason: 'full', date: day.date });
      }
      const today = localDate(zone, now);
      return {
        result: { success: true, date: day.date, slots: offered.slots },
        speech: prompts.speak('offered', context, {
          ...offered.words,
          day: spokenDate(day.date, language, { today }),
        }),
        settled: offered.settled,
      };
    },
  };
}

interface Refused {
  reason: 'closed' | 'full' | 'past' | 'beyond_horizon' | 'unclear' | 'mismatch';
  date?: string | undefined;
  otherDate?: string;
  saidWeekday?: number;
  actualWeekday?: number;
}

async function refusal(
  { offering, prompts, context }: { offering: Offering; prompts: Prompts; context: ToolContext },
  refused: Refused,
): Promise<ToolRun> {
  const { organization, now, language } = context;
  const today = localDate(organization.zone, now);
  // A question is answered with a question; everything else with the nearest times there are.
  const asks = refused.reason === 'unclear' || refused.reason === 'mismatch';
  const ahead = refused.reason === 'closed' || refused.reason === 'full' ? (refused.date ?? today) : today;
  const nearest = asks ? undefined : await offerNearest(offering, context, ahead);
  return {
    result: { success: false, reason: refused.reason, nearest: nearest?.slots ?? [] },
    speech: prompts.speak(outcomeOf(refused.reason), context, {
      ...(nearest?.words ?? { times: null, nearestDay: null, count: 0 }),
      ...dayWords(refused, language, today),
    }),
    settled: nearest?.settled ?? Promise.resolve(),
  };
}

/** The refused day for templates: `choice` is the two days a weekday that does not match its date may have meant. */
function dayWords(refused: Refused, language: string, today: string) {
  const { date, otherDate, saidWeekday, actualWeekday } = refused;
  const spoken = (day: string) => spokenDate(day, language, { today });
  return {
    day: date === undefined ? null : spoken(date),
    dateName: date === undefined ? null : spokenDateName(date, language),
    saidWeekday: saidWeekday === undefined ? null : spokenWeekday(saidWeekday, language),
    actualWeekday: actualWeekday === undefined ? null : spokenWeekday(actualWeekday, language),
    choice:
      date === undefined || otherDate === undefined
        ? null
        : spokenList([date, otherDate].toSorted().map(spoken), language),
  };
}

/** Slots of the practitioner the caller named. A name nobody here has narrows nothing. */
function ofPractitioner(
  organization: Organization,
  open: OpenSlot[],
  wanted: string | undefined,
): OpenSlot[] {
  const words = (wanted ?? '').toLowerCase();
  const named = organization.practitioners.filter(
    (one) => words !== '' && (words.includes(one.key) || one.name.toLowerCase().includes(words)),
  );
  if (named.length === 0) return open;
  return ofPractitioners(open, named);
}
