import { Temporal } from 'temporal-polyfill';
import { lastBookableDay, practitionersOn } from '#availability/open-hours.ts';
import type { Languages } from '#language/languages.ts';
import { plainIn, readDay } from '#language/read-day.ts';
import { readTime, type TimeWish } from '#language/read-time.ts';
import { addDays } from '#organization/clinic-clock.ts';
import type { OpenStretch, Organization, Practitioner } from '#organization/organization.ts';

/** ISO dates of the clinic's calendar. */
export type ResolvedDate =
  /** `time`: words about the time of day that stood beside the date. */
  | { ok: true; date: string; time?: string }
  | { ok: false; reason: 'past' | 'beyond_horizon' | 'closed'; date: string; time?: string }
  /** `date` falls on another weekday (1 is Monday) than was said; `otherDate` is the nearest day to come that is one. */
  | {
      ok: false;
      reason: 'mismatch';
      date: string;
      otherDate: string;
      saidWeekday: number;
      actualWeekday: number;
    }
  | { ok: false; reason: 'unclear' };

/**
 * The day a caller or a model means, in the clinic's zone, and whether anybody can be booked on it. A stretch of days
 * ("next week") is the first of its days that is open. A weekday that does not match its date is not guessed at.
 *
 * @param practitioners whose open days count; everybody's if left out
 */
export function resolveDate(said: {
  date: string;
  language: string;
  languages: Languages;
  now: Date;
  organization: Pick<Organization, 'zone' | 'schedule' | 'practitioners'>;
  practitioners?: Practitioner[];
}): ResolvedDate {
  const { now, organization } = said;
  const practitioners = said.practitioners ?? organization.practitioners;
  const local = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(organization.zone);
  const today = local.toPlainDate();
  const read = readDay(said.date, said, local);
  if (read === undefined) return { ok: false, reason: 'unclear' };
  if (read.kind === 'mismatch') {
    const { date, saidWeekday } = read;
    const otherDate = `${nearestWeekday(date, saidWeekday, today)}`;
    return {
      ok: false,
      reason: 'mismatch',
      date: `${date}`,
      otherDate,
      saidWeekday,
      actualWeekday: date.dayOfWeek,
    };
  }
  const time = read.time === '' ? {} : { time: read.time };
  const last =
    practitioners
      .map((one) => lastBookableDay(organization, one, now))
      .sort()
      .at(-1) ?? `${today}`;
  const isOpen = (date: string) =>
    practitionersOn({ schedule: organization.schedule, practitioners }, date).length > 0;
  const date = read.kind === 'day' ? `${read.date}` : dayOfSpan(read, { today: `${today}`, last, isOpen });
  if (date < `${today}`) return { ok: false, reason: 'past', date, ...time };
  if (date > last) return { ok: false, reason: 'beyond_horizon', date, ...time };
  if (!isOpen(date)) return { ok: false, reason: 'closed', date, ...time };
  return { ok: true, date, ...time };
}

/**
 * The time of day a caller or a model means; no words mean no wish.
 *
 * @param hours when there is somebody that day, which decides what "at seven" means
 */
export function resolveTime(said: {
  time: string;
  language: string;
  languages: Languages;
  hours?: OpenStretch[];
}): { ok: true; wish?: TimeWish } | { ok: false; reason: 'unclear' } {
  const words = plainIn(said.time, said);
  if (words === '') return { ok: true };
  const wish = readTime(words, said.hours);
  return wish === undefined ? { ok: false, reason: 'unclear' } : { ok: true, wish };
}

/** The first open day of a stretch from today on; its first day to come when there is none. */
function dayOfSpan(
  span: { from: Temporal.PlainDate; to: Temporal.PlainDate },
  { today, last, isOpen }: { today: string; last: string; isOpen: (date: string) => boolean },
): string {
  const [from, to] = [`${span.from}`, `${span.to}`];
  if (to < today) return to;
  const first = from < today ? today : from;
  for (let date = first; date <= to && date <= last; date = addDays(date, 1)) {
    if (isOpen(date)) return date;
  }
  return first;
}

/** The day nearest to `day` that is such a weekday and not over. */
function nearestWeekday(
  day: Temporal.PlainDate,
  weekday: number,
  today: Temporal.PlainDate,
): Temporal.PlainDate {
  const after = day.add({ days: (weekday - day.dayOfWeek + 7) % 7 });
  const before = after.subtract({ days: 7 });
  const nearer = day.until(after).days <= 3 ? after : before;
  return Temporal.PlainDate.compare(nearer, today) < 0 ? after : nearer;
}
