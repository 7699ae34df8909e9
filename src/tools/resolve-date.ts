import { Temporal } from 'temporal-polyfill';
import type { TimeWish } from '#booking/choose-slots.ts';
import { localDate, openHoursOn } from '#booking/open-hours.ts';
import type { Schedule } from '#organization/organization.ts';

export type ResolvedDate =
  /** `time`: words about the time of day that stood beside the date. */
  | { ok: true; date: string; time?: string }
  | { ok: false; reason: 'past' | 'beyond_horizon' | 'closed'; date: string }
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
 * The day a caller or a model means, in the clinic's zone.
 *
 * "Tuesday" and "this Tuesday" are the nearest one, today included; "next Tuesday" is the nearest after today. A
 * weekday that does not match its date is not guessed at. The day is said back to the caller before anything is held.
 */
export function resolveDate(said: {
  date: string;
  now: Date;
  zone: string;
  schedule: Schedule;
}): ResolvedDate {
  const { now, zone, schedule } = said;
  const words = normalise(said.date);
  const today = Temporal.PlainDate.from(localDate(zone, now));
  const read = readDay(words, today);
  if (read === undefined) return { ok: false, reason: 'unclear' };
  const { day } = read;
  const date = day.toString();
  const saidWeekday = weekdayIn(words);
  if (saidWeekday !== undefined && saidWeekday !== day.dayOfWeek) {
    const otherDate = `${nearestWeekday(day, saidWeekday, today)}`;
    return { ok: false, reason: 'mismatch', date, otherDate, saidWeekday, actualWeekday: day.dayOfWeek };
  }
  if (Temporal.PlainDate.compare(day, today) < 0) return { ok: false, reason: 'past', date };
  if (today.until(day).days >= schedule.horizonDays) return { ok: false, reason: 'beyond_horizon', date };
  if (openHoursOn(schedule, date).length === 0) return { ok: false, reason: 'closed', date };
  const time = timeWords(words.replace(read.matched, ' '));
  return { ok: true, date, ...(time === '' ? {} : { time }) };
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

/** The time of day a caller or a model means; no words mean no wish. */
export function resolveTime(said: {
  time: string;
}): { ok: true; wish?: TimeWish } | { ok: false; reason: 'unclear' } {
  const words = normalise(said.time);
  if (words === '') return { ok: true };
  for (const [pattern, fromMinute, toMinute] of partsOfDay) {
    if (pattern.test(words)) return { ok: true, wish: { kind: 'between', fromMinute, toMinute } };
  }
  const minute = clockIn(words);
  if (minute === undefined) return { ok: false, reason: 'unclear' };
  if (/\b(after|from|later than|past)\b/.test(words) && !/half past|quarter past/.test(words)) {
    return { ok: true, wish: { kind: 'after', fromMinute: minute + 1, toMinute: 1440 } };
  }
  if (/\b(before|until|earlier than|by)\b/.test(words)) {
    return { ok: true, wish: { kind: 'before', fromMinute: 0, toMinute: minute - 1 } };
  }
  return { ok: true, wish: { kind: 'at', fromMinute: minute, toMinute: minute } };
}

interface ReadDay {
  day: Temporal.PlainDate;
  matched: string;
}

function readDay(words: string, today: Temporal.PlainDate): ReadDay | undefined {
  for (const [pattern, read] of datePatterns) {
    const match = pattern.exec(words);
    const day = match === null ? undefined : read(match, today);
    if (match !== null && day !== undefined) return { day, matched: match[0] };
  }
  return undefined;
}

type Reader = (match: RegExpExecArray, today: Temporal.PlainDate) => Temporal.PlainDate | undefined;

const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const weekdayPattern = weekdays.join('|').toLowerCase();
const months = 'january february march april may june july august september october november december'.split(
  ' ',
);
const monthPattern = months.map((month) => `${month.slice(0, 3)}(?:${month.slice(3)}|t|\\.)?`).join('|');

const datePatterns: [RegExp, Reader][] = [
  [/\b(\d{4}-\d{2}-\d{2})(?:t\S*)?/, ([, iso = '']) => orNothing(() => Temporal.PlainDate.from(iso))],
  [/\bday after tomorrow\b/, (_, today) => today.add({ days: 2 })],
  [/\btomorrow\b/, (_, today) => today.add({ days: 1 })],
  [/\byesterday\b/, (_, today) => today.subtract({ days: 1 })],
  [/\b(?:today|tonight|this (?:morning|afternoon|evening))\b/, (_, today) => today],
  [/\bin (?:a|1) week\b/, (_, today) => today.add({ days: 7 })],
  [
    /\bin (\d+) (days?|weeks?)\b/,
    ([, count, unit = ''], today) => today.add({ days: Number(count) * (unit.startsWith('week') ? 7 : 1) }),
  ],
  [
    new RegExp(`\\b(${monthPattern})\\.? (\\d{1,2})\\b`),
    ([, month, day], today) => monthDay(today, month, day),
  ],
  [
    new RegExp(`\\b(\\d{1,2}) (?:of )?(${monthPattern})\\b`),
    ([, day, month], today) => monthDay(today, month, day),
  ],
  [/\bthe (\d{1,2})\b(?! *(?:o'?clock|am|pm|:))/, ([, day], today) => dayOfMonth(today, Number(day))],
  [
    new RegExp(`\\b(next |this |coming )?(${weekdayPattern})\\b`),
    ([, which, name = ''], today) => {
      const wanted = weekdays.findIndex((one) => one.toLowerCase() === name) + 1;
      const ahead = (wanted - today.dayOfWeek + 7) % 7;
      return today.add({ days: ahead === 0 && which?.trim() === 'next' ? 7 : ahead });
    },
  ],
];

/** The nearest such day that is not over; a day that has just passed this year is next year's. */
function monthDay(today: Temporal.PlainDate, name = '', day = ''): Temporal.PlainDate | undefined {
  const month = months.findIndex((one) => one.startsWith(name.slice(0, 3))) + 1;
  return orNothing(() => {
    const thisYear = Temporal.PlainDate.from(
      { year: today.year, month, day: Number(day) },
      { overflow: 'reject' },
    );
    // Two months back is a slip of the tongue ("past"), more is a wish for next year.
    return thisYear.until(today).days > 60 ? thisYear.add({ years: 1 }) : thisYear;
  });
}

/** The nearest month that has the day, this one if it is not over. */
function dayOfMonth(today: Temporal.PlainDate, day: number): Temporal.PlainDate | undefined {
  for (let months_ = 0; months_ <= 2; months_ += 1) {
    const month = today.with({ day: 1 }).add({ months: months_ });
    if (day >= 1 && day <= month.daysInMonth && (months_ > 0 || day >= today.day)) return month.with({ day });
  }
  return undefined;
}

function weekdayIn(words: string): number | undefined {
  const name = new RegExp(`\\b(${weekdayPattern})\\b`).exec(words)?.[1];
  return name === undefined ? undefined : weekdays.findIndex((one) => one.toLowerCase() === name) + 1;
}

const partsOfDay: [RegExp, number, number][] = [
  [/\bafter lunch\b/, 13 * 60, 17 * 60],
  [/\blunch ?time\b|\bmidday\b/, 11 * 60 + 30, 13 * 60 + 30],
  [/\b(first thing|early)\b/, 0, 10 * 60],
  [/^(?!.*\d).*\bmorning\b/, 0, 11 * 60 + 59],
  [/^(?!.*\d).*\bafternoon\b/, 12 * 60, 17 * 60 + 59],
  [/^(?!.*\d).*\b(evening|end of the day|late)\b/, 16 * 60, 1440],
];

/** A clock time in minutes of the day. A bare hour below eight is in the afternoon: clinics are not open at two at night. */
function clockIn(words: string): number | undefined {
  if (/\bnoon\b/.test(words)) return 720;
  const match = /(half past |quarter past |quarter to )?(\d{1,2})(?::(\d{2}))? ?(am|pm|a\.m|p\.m)?/.exec(
    words,
  );
  if (match === null) return undefined;
  const [, relation = '', hourText = '', minuteText = '0', half = ''] = match;
  let hour = Number(hourText);
  const afternoon = half.startsWith('p') || /afternoon|evening/.test(words);
  const morning = half.startsWith('a') || /morning/.test(words);
  if (hour > 24) return undefined;
  if (hour < 12 && (afternoon || (!morning && hour < 8))) hour += 12;
  const shift = relation.startsWith('half')
    ? 30
    : relation === 'quarter past '
      ? 15
      : relation === 'quarter to '
        ? -15
        : 0;
  return hour * 60 + Number(minuteText) + shift;
}

function timeWords(words: string): string {
  const kept = words.replace(new RegExp(`\\b(${weekdayPattern}|on|the|please|at|in)\\b`, 'g'), ' ').trim();
  return /\d|noon|lunch|morning|afternoon|evening|early|late|midday/.test(kept) ? words.trim() : '';
}

const numberWords =
  'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'.split(
    ' ',
  );
const ordinalWords =
  'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth'.split(
    ' ',
  );

/** Lower case, number words and ordinals as digits. */
function normalise(text: string): string {
  let words = ` ${text.toLowerCase().replace(/[,;!?]/g, ' ')} `.replace(/\s+/g, ' ');
  words = words.replace(/\btwenty[- ](\w+)/g, (whole, unit: string) => {
    const index = [...ordinalWords.slice(0, 9)].indexOf(unit);
    return index < 0 ? whole : String(21 + index);
  });
  words = words
    .replace(/\bthirty[- ]first\b/g, '31')
    .replace(/\bthirtieth\b/g, '30')
    .replace(/\bthirty\b/g, '30');
  ordinalWords.forEach((word, index) => {
    if (word !== 'first' && word !== 'second') words = words.replaceAll(` ${word} `, ` ${index + 1} `);
    words = words.replaceAll(`the ${word} `, `the ${index + 1} `);
  });
  numberWords.forEach((word, index) => {
    words = words.replaceAll(` ${word} `, ` ${index + 1} `);
  });
  return words
    .replace(/(\d)(st|nd|rd|th)\b/g, '$1')
    .replace(/\ba\.m\.?/g, 'am')
    .replace(/\bp\.m\.?/g, 'pm')
    .trim();
}

function orNothing<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
