import { Temporal } from 'temporal-polyfill';
import type { OpenStretch, Schedule, Weekday, WeeklyHours } from '#organization/organization.ts';

/** A stretch of real time, end excluded. */
export interface Interval {
  startsAt: Date;
  endsAt: Date;
}

/** ISO dates of the clinic's calendar, both included. */
export interface DaySpan {
  from: string;
  to: string;
}

const weekdays: Weekday[] = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/** The open stretches of a day by the clinic's own clock: a special day's, else the weekday's. */
export function openHoursOn(
  schedule: Schedule,
  date: string,
  weekly: WeeklyHours = schedule.weekly,
): OpenStretch[] {
  const special = schedule.specialDays.find((day) => day.date === date);
  return special?.open ?? weekly[weekdayOf(date)] ?? [];
}

/**
 * Open stretches as real time. A stretch that begins or ends in the hour a clock change leaves out begins or ends
 * at the change; on a day whose hour comes twice the stretch is as long as it really is.
 */
function openIntervals(schedule: Schedule, zone: string, span: DaySpan, weekly?: WeeklyHours): Interval[] {
  return daysOf(span).flatMap((date) =>
    openHoursOn(schedule, date, weekly)
      .map(({ from, to }) => ({ startsAt: instantOf(date, from, zone), endsAt: instantOf(date, to, zone) }))
      .filter(({ startsAt, endsAt }) => startsAt < endsAt),
  );
}

/**
 * The slots of a span of days: `slotMinutes` long, every `gridMinutes` from each opening, none that would reach past
 * its stretch's end. Counted in real time, so that a clock change neither stretches a slot nor makes two overlap.
 */
export function slotsOf(schedule: Schedule, zone: string, span: DaySpan, weekly?: WeeklyHours): Interval[] {
  const lengthMs = schedule.slotMinutes * 60_000;
  const gridMs = schedule.gridMinutes * 60_000;
  return openIntervals(schedule, zone, span, weekly).flatMap(({ startsAt, endsAt }) => {
    const slots: Interval[] = [];
    for (let ms = startsAt.getTime(); ms + lengthMs <= endsAt.getTime(); ms += gridMs) {
      slots.push({ startsAt: new Date(ms), endsAt: new Date(ms + lengthMs) });
    }
    return slots;
  });
}

export function isOpenAt(schedule: Schedule, zone: string, instant: Date): boolean {
  const date = localDate(zone, instant);
  return openIntervals(schedule, zone, { from: date, to: date }).some(
    ({ startsAt, endsAt }) => startsAt <= instant && instant < endsAt,
  );
}

/** The first day after `after` with open hours, within a year; nothing for a clinic that never opens. */
export function nextOpenDay(schedule: Schedule, after: string): string | undefined {
  for (let days = 1; days <= 366; days += 1) {
    const date = addDays(after, days);
    if (openHoursOn(schedule, date).length > 0) return date;
  }
  return undefined;
}

/** The clinic's date at an instant. */
export function localDate(zone: string, instant: Date): string {
  return Temporal.Instant.fromEpochMilliseconds(instant.getTime())
    .toZonedDateTimeISO(zone)
    .toPlainDate()
    .toString();
}

/** The instants a clinic's day begins and ends at: 23, 24 or 25 hours apart. */
export function dayBounds(zone: string, date: string): Interval {
  return { startsAt: instantOf(date, '00:00', zone), endsAt: instantOf(date, '24:00', zone) };
}

export function weekdayOf(date: string): Weekday {
  return weekdays[Temporal.PlainDate.from(date).dayOfWeek - 1] ?? 'monday';
}

export function addDays(date: string, days: number): string {
  return Temporal.PlainDate.from(date).add({ days }).toString();
}

function daysOf({ from, to }: DaySpan): string[] {
  const days: string[] = [];
  for (let date = from; date <= to; date = addDays(date, 1)) days.push(date);
  return days;
}

/** A clock time on a day; `24:00` is the next day's beginning. A time that a change leaves out is the change itself. */
function instantOf(date: string, clock: string, zone: string): Date {
  const [hours = 0, minutes = 0] = clock.split(':').map(Number);
  const day = Temporal.PlainDate.from(date);
  if (hours === 24) return new Date(day.add({ days: 1 }).toZonedDateTime(zone).epochMilliseconds);
  const plain = day.toPlainDateTime({ hour: hours, minute: minutes });
  const zoned = plain.toZonedDateTime(zone, { disambiguation: 'compatible' });
  if (zoned.toPlainDateTime().equals(plain)) return new Date(zoned.epochMilliseconds);
  const change = plain.toZonedDateTime(zone, { disambiguation: 'earlier' }).getTimeZoneTransition('next');
  return new Date((change ?? zoned).epochMilliseconds);
}
