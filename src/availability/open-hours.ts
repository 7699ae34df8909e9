import { Temporal } from 'temporal-polyfill';
import {
  addDays,
  clinicClock,
  dayBounds,
  type Interval,
  localDate,
  weekdayOf,
} from '#organization/clinic-clock.ts';
import type { OpenStretch, Organization, Practitioner, Schedule } from '#organization/organization.ts';

/** ISO dates of the clinic's calendar, both included. */
export interface DaySpan {
  from: string;
  to: string;
}

/** When and how finely somebody can be booked: what the slots follow from. */
export interface Timetable {
  zone: string;
  /** The open stretches of a day by the clinic's clock, in order and apart; none when closed. */
  hoursOn(date: string): OpenStretch[];
  slotMinutes: number;
  gridMinutes: number;
}

/** The clinic's own open stretches of a day by its clock: a special day's, else the weekday's. */
export function openHoursOn(schedule: Schedule, date: string): OpenStretch[] {
  return tidy(specialDay(schedule, date)?.open ?? schedule.weekly[weekdayOf(date)] ?? []);
}

/**
 * When a practitioner is there on a day. An own special day counts before everything. Own weekly hours are within the
 * clinic's on its special days: a clinic that closes earlier, or not at all, closes for everybody. Without own hours
 * the clinic's.
 */
export function practitionerHoursOn(
  schedule: Schedule,
  practitioner: Pick<Practitioner, 'weekly' | 'specialDays'>,
  date: string,
): OpenStretch[] {
  const own = specialDay(practitioner, date);
  if (own !== undefined) return tidy(own.open);
  if (practitioner.weekly === null) return openHoursOn(schedule, date);
  const hours = tidy(practitioner.weekly[weekdayOf(date)] ?? []);
  const special = specialDay(schedule, date);
  return special === undefined ? hours : inCommon(hours, tidy(special.open));
}

/** What a practitioner's slots follow from: the clinic's schedule with what is different for them. */
export function timetableOf(
  { schedule, zone }: Pick<Organization, 'schedule' | 'zone'>,
  practitioner: Practitioner,
): Timetable {
  const slotMinutes = practitioner.slotMinutes ?? schedule.slotMinutes;
  // Somebody whose slots have another length starts at other times, unless it is said when.
  const otherLength = slotMinutes !== schedule.slotMinutes;
  return {
    zone,
    hoursOn: (date) => practitionerHoursOn(schedule, practitioner, date),
    slotMinutes,
    gridMinutes: practitioner.gridMinutes ?? (otherLength ? slotMinutes : schedule.gridMinutes),
  };
}

/**
 * Open stretches as real time: the instants whose local clock lies within the hours. A time that a clock change
 * leaves out is no instant; one in the hour that comes twice is two.
 */
export function openIntervals(
  { zone, hoursOn }: Pick<Timetable, 'zone' | 'hoursOn'>,
  span: DaySpan,
): Interval[] {
  return daysOf(span).flatMap((date) => {
    const hours = hoursOn(date);
    if (hours.length === 0) return [];
    const pieces = steadyPieces(zone, date).flatMap((piece) =>
      hours.map(({ from, to }) => ({
        fromMs: piece.startMs + Math.max(minuteOf(from) - piece.startMinute, 0) * 60_000,
        toMs: Math.min(piece.startMs + (minuteOf(to) - piece.startMinute) * 60_000, piece.endMs),
      })),
    );
    return joined(pieces.filter(({ fromMs, toMs }) => fromMs < toMs));
  });
}

/**
 * The slots of a span of days: `slotMinutes` long, every `gridMinutes` from each opening, none that would reach past
 * its stretch's end. Counted in real time, so that a clock change neither stretches a slot nor makes two overlap.
 */
export function slotsOf(timetable: Timetable, span: DaySpan): Interval[] {
  const lengthMs = timetable.slotMinutes * 60_000;
  const gridMs = timetable.gridMinutes * 60_000;
  return openIntervals(timetable, span).flatMap(({ startsAt, endsAt }) => {
    const slots: Interval[] = [];
    for (let ms = startsAt.getTime(); ms + lengthMs <= endsAt.getTime(); ms += gridMs) {
      slots.push({ startsAt: new Date(ms), endsAt: new Date(ms + lengthMs) });
    }
    return slots;
  });
}

/** Whether the clinic is open at an instant, by its own clock. */
export function isOpenAt(schedule: Schedule, zone: string, instant: Date): boolean {
  const { date, minute } = clinicClock(zone, instant);
  return openHoursOn(schedule, date).some(
    ({ from, to }) => minuteOf(from) <= minute && minute < minuteOf(to),
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

/** Who of the practitioners is there on a day. */
export function practitionersOn(
  { schedule, practitioners }: Pick<Organization, 'schedule' | 'practitioners'>,
  date: string,
): Practitioner[] {
  return practitioners.filter((one) => practitionerHoursOn(schedule, one, date).length > 0);
}

/** From when until when, end excluded, a practitioner can be booked by somebody who calls now. */
export function bookableSpan(
  { schedule, zone }: Pick<Organization, 'schedule' | 'zone'>,
  practitioner: Pick<Practitioner, 'minimumNoticeMinutes' | 'horizonDays'>,
  now: Date,
): Interval {
  const noticeMinutes = practitioner.minimumNoticeMinutes ?? schedule.minimumNoticeMinutes;
  const last = lastBookableDay({ schedule, zone }, practitioner, now);
  return { startsAt: new Date(now.getTime() + noticeMinutes * 60_000), endsAt: dayBounds(zone, last).endsAt };
}

export function lastBookableDay(
  { schedule, zone }: Pick<Organization, 'schedule' | 'zone'>,
  practitioner: Pick<Practitioner, 'horizonDays'>,
  now: Date,
): string {
  return addDays(localDate(zone, now), (practitioner.horizonDays ?? schedule.horizonDays) - 1);
}

function daysOf({ from, to }: DaySpan): string[] {
  const days: string[] = [];
  for (let date = from; date <= to; date = addDays(date, 1)) days.push(date);
  return days;
}

/** Part of a day in which the clock runs steadily: from an instant, at which it shows a minute of the day. */
interface SteadyPiece {
  startMs: number;
  endMs: number;
  startMinute: number;
}

/** A day is one steady piece, or several where the clock is put forward or back in between. */
function steadyPieces(zone: string, date: string): SteadyPiece[] {
  const day = Temporal.PlainDate.from(date);
  const end = day.add({ days: 1 }).toZonedDateTime(zone);
  const pieces: SteadyPiece[] = [];
  let start = day.toZonedDateTime(zone);
  // Where the clock shows the same difference to UTC at both ends, it was not changed in between.
  while (start.epochMilliseconds < end.epochMilliseconds) {
    const change =
      start.offsetNanoseconds === end.offsetNanoseconds ? null : start.getTimeZoneTransition('next');
    const next = change === null || change.epochMilliseconds > end.epochMilliseconds ? end : change;
    pieces.push({
      startMs: start.epochMilliseconds,
      endMs: next.epochMilliseconds,
      startMinute: start.hour * 60 + start.minute,
    });
    start = next;
  }
  return pieces;
}

/** Intervals in order, those that touch as one. */
function joined(pieces: { fromMs: number; toMs: number }[]): Interval[] {
  const intervals: { fromMs: number; toMs: number }[] = [];
  for (const piece of pieces.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = intervals.at(-1);
    if (last !== undefined && piece.fromMs <= last.toMs) last.toMs = Math.max(last.toMs, piece.toMs);
    else intervals.push({ ...piece });
  }
  return intervals.map(({ fromMs, toMs }) => ({ startsAt: new Date(fromMs), endsAt: new Date(toMs) }));
}

function specialDay({ specialDays }: Pick<Schedule, 'specialDays'>, date: string) {
  return specialDays.find((day) => day.date === date);
}

/** Minute of the day; `24:00` is its end. */
function minuteOf(clock: string): number {
  const [hours = 0, minutes = 0] = clock.split(':').map(Number);
  return hours * 60 + minutes;
}

/** In order, apart, and none that ends before it begins, whatever was written. */
function tidy(stretches: OpenStretch[]): OpenStretch[] {
  const kept: OpenStretch[] = [];
  for (const { from, to } of stretches.toSorted((a, b) => (a.from < b.from ? -1 : 1))) {
    const last = kept.at(-1);
    if (from >= to) continue;
    if (last === undefined || from > last.to) kept.push({ from, to: to > '24:00' ? '24:00' : to });
    else if (to > last.to) last.to = to;
  }
  return kept;
}

function inCommon(some: OpenStretch[], others: OpenStretch[]): OpenStretch[] {
  return tidy(
    some.flatMap((one) =>
      others.map((other) => ({
        from: one.from > other.from ? one.from : other.from,
        to: one.to < other.to ? one.to : other.to,
      })),
    ),
  );
}
