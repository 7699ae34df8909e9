import type { Weekday } from './organization.ts';

/** The weekday of an ISO date of the calendar. Throws when it is none. */
export function weekdayOf(date: string): Weekday {
  return weekdays[new Date(midnightUtcMs(date)).getUTCDay()] ?? 'monday';
}

/** The ISO date so many days later, or earlier. Throws when `date` is none. */
export function addDays(date: string, days: number): string {
  return new Date(midnightUtcMs(date) + days * dayMs).toISOString().slice(0, date.length);
}

/** As JavaScript counts them. */
const weekdays: Weekday[] = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

const dayMs = 24 * 60 * 60_000;

/** A date of the calendar has no zone; counting it in UTC, where every day is as long, takes a fiftieth of the time. */
function midnightUtcMs(date: string): number {
  const ms = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(ms)) throw new RangeError(`"${date}" is no date; write it as 2026-11-24`);
  return ms;
}
