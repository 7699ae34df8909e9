import { z } from 'zod';
import { isOpenAt, practitionerHoursOn } from '#availability/open-hours.ts';
import { ofPractitioners } from '#availability/open-slots.ts';
import type { Language } from '#language/language.ts';
import type { TimeWish } from '#language/read-time.ts';
import { spokenDate, spokenDateName, spokenList, spokenWeekday } from '#language/spoken-time.ts';
import { localDate } from '#organization/clinic-clock.ts';
import type { OpenStretch, Organization, Practitioner } from '#organization/organization.ts';
import { outcomeOf } from '#prompts/template-variables.ts';
import type { Prompts } from '#prompts/templates.ts';
import { type Offering, offerNearest, offerSlots } from './offering.ts';
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
      const { organization, now, language, languages } = context;
      const named = practitionersNamed(organization, wanted.practitioner);
      const practitioners = named ?? organization.practitioners;
      const day = resolveDate({ ...context, date: wanted.date, practitioners });
      const hours = 'date' in day ? hoursOn(organization, practitioners, day.date) : [];
      const saidTime = wanted.time ?? ('time' in day ? day.time : undefined) ?? '';
      const time = resolveTime({ ...context, time: saidTime, hours });
      // Words about a time that cannot be understood narrow nothing; the offers themselves ask the question.
      const wish = time.ok ? time.wish : undefined;
      if (!day.ok) return refusal({ offering, prompts, context }, { ...day, named, wish });

      const all = await offering.openSlots.onDay(organization, day.date, now);
      const offered = offerSlots(offering, context, ofPractitioners(all, practitioners), { wish });
      if (offered.slots.length === 0) {
        return refusal({ offering, prompts, context }, { reason: 'full', date: day.date, named, wish });
      }
      const today = localDate(organization.zone, now);
      return {
        result: { success: true, date: day.date, slots: offered.slots },
        speech: prompts.speak('offered', context, {
          ...offered.words,
          day: spokenDate(day.date, languages.of(language), { today }),
          openNow: isOpenAt(organization.schedule, organization.zone, now),
        }),
        settled: offered.settled,
      };
    },
  };
}

interface Refused {
  reason: 'closed' | 'full' | 'past' | 'beyond_horizon' | 'unclear' | 'mismatch';
  date?: string;
  otherDate?: string;
  saidWeekday?: number;
  actualWeekday?: number;
  /** Whom the caller asked for, if anybody. */
  named: Practitioner[] | undefined;
  wish: TimeWish | undefined;
}

async function refusal(
  { offering, prompts, context }: { offering: Offering; prompts: Prompts; context: ToolContext },
  refused: Refused,
): Promise<ToolRun> {
  const { organization, now, language, languages } = context;
  const { reason, date, named, wish } = refused;
  const today = localDate(organization.zone, now);
  // A question is answered with a question; everything else with the nearest times there are.
  const asks = reason === 'unclear' || reason === 'mismatch';
  const ahead = reason === 'closed' || reason === 'full' ? (date ?? today) : today;
  const nearest = asks
    ? undefined
    : await offerNearest(offering, context, ahead, { wish, practitioners: named });
  return {
    result: { success: false, reason, nearest: nearest?.slots ?? [] },
    speech: prompts.speak(outcomeOf(reason), context, {
      ...(nearest?.words ?? { times: null, nearestDay: null, count: 0 }),
      ...dayWords(refused, languages.of(language), today),
      practitioner: named?.[0]?.spokenName ?? null,
    }),
    settled: nearest?.settled ?? Promise.resolve(),
  };
}

/** The refused day for templates: `choice` is the two days a weekday that does not match its date may have meant. */
function dayWords(refused: Refused, language: Language, today: string) {
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

/** When any of them is there on a day. */
function hoursOn({ schedule }: Organization, practitioners: Practitioner[], date: string): OpenStretch[] {
  return practitioners.flatMap((one) => practitionerHoursOn(schedule, one, date));
}

/** Whom the caller named; nobody in particular when the name is nobody's here. */
function practitionersNamed(
  { practitioners }: Organization,
  wanted: string | undefined,
): Practitioner[] | undefined {
  const words = (wanted ?? '').toLowerCase();
  const named = practitioners.filter(
    (one) => words !== '' && (words.includes(one.key) || one.name.toLowerCase().includes(words)),
  );
  return named.length === 0 || named.length === practitioners.length ? undefined : named;
}
