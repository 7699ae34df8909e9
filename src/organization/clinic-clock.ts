import { Temporal } from 'temporal-polyfill';
import type { Weekday } from './organization.ts';

/** A stretch of real time, end excluded. */
export interface Interval {
  startsAt: Date;
  endsAt: Date;
}

/** The weekday of an ISO date of the calendar. Throws when it is none. */
export function weekdayOf(date: string): Weekday {
  return weekdays[new Date(midnightUtcMs(date)).getUTCDay()] ?? 'monday';
}

/** The ISO date so many days later, or earlier. Throws when `date` is none. */
export function addDays(date: string, days: number): string {
  return new Date(midnightUtcMs(date) + days * dayMs).toISOString().slice(0, date.length);
}

/** The clinic's date at an instant. */
export function localDate(zone: string, instant: Date): string {
  return clinicClock(zone, instant).date;
}

/** What the clinic's clock and calendar show at an instant. */
export interface ClinicClock {
  date: string;
  /** Since midnight, by the clock. */
  minute: number;
  /** ISO 8601 of the whole minute, with the clinic's own offset, e.g. `2026-11-24T14:00:00-05:00`. */
  iso: string;
}

const minuteMs = 60_000;
/** The coming weeks' starts of slots, in one zone; each is some two hundred bytes. */
const clocksKept = 4_000;
const clocks = new Map<string, Map<number, ClinicClock>>();

/** Worked out once for each minute: a turn asks for the same starts of slots again and again. */
export function clinicClock(zone: string, instant: Date): ClinicClock {
  const minuteAt = Math.floor(instant.getTime() / minuteMs);
  let ofZone = clocks.get(zone);
  if (ofZone === undefined || ofZone.size >= clocksKept) {
    ofZone = new Map();
    clocks.set(zone, ofZone);
  }
  const known = ofZone.get(minuteAt);
  if (known !== undefined) return known;
  const local = zonedAt(zone, new Date(minuteAt * minuteMs));
  const clock = {
    date: local.toPlainDate().toString(),
    minute: local.hour * 60 + local.minute,
    iso: local.toString({ timeZoneName: 'never', smallestUnit: 'second' }),
  };
  ofZone.set(minuteAt, clock);
  return clock;
}

const boundsKept = 4_000;
const bounds = new Map<string, Interval>();

/**
 * The instants a clinic's day begins and ends at: 23, 24 or 25 hours apart. Worked out once for each day: every check
 * asks for the last one that can be booked.
 */
export function dayBounds(zone: string, date: string): Interval {
  const key = `${date} ${zone}`;
  const known = bounds.get(key);
  if (known !== undefined) return known;
  const day = Temporal.PlainDate.from(date);
  const found = { startsAt: beginningOf(zone, day), endsAt: beginningOf(zone, day.add({ days: 1 })) };
  if (bounds.size >= boundsKept) bounds.clear();
  bounds.set(key, found);
  return found;
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

function zonedAt(zone: string, instant: Date): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(zone);
}

function beginningOf(zone: string, day: Temporal.PlainDate): Date {
  return new Date(day.toZonedDateTime(zone).epochMilliseconds);
}
