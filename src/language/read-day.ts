import * as chrono from 'chrono-node';
import { Temporal } from 'temporal-polyfill';
import type { UnderstoodWords } from './language.ts';
import { type Languages, subtags } from './languages.ts';
import { anyMonth, anyWeekday, plainWords } from './plain-words.ts';
import { numberOf, spanIn, weekdayAndWeeks, weekdayFrom, weekdayOfMonth } from './read-stretches.ts';
import { partTime } from './read-time.ts';
import { UnreadWords } from './unread-words.ts';

/** What was said about a day, as it stands in the calendar; `time` is what stood beside it about the time of day. */
export type SaidDay =
  | { kind: 'day'; date: Temporal.PlainDate; time: string }
  /** Any day of these, both included. */
  | { kind: 'span'; from: Temporal.PlainDate; to: Temporal.PlainDate; time: string }
  /** `date` is another weekday (1 is Monday) than was said. */
  | { kind: 'mismatch'; date: Temporal.PlainDate; saidWeekday: number; time: string };

type PlainDate = Temporal.PlainDate;

/** What a text may be in: the call's language, and the others there are. */
export interface SaidIn {
  /** BCP 47. */
  language: string;
  languages: Languages;
}

/** The plain form of what is said in a language, English included. */
export function plainIn(text: string, saidIn: SaidIn): string {
  return plainWords(text, ownTables(saidIn).tables);
}

/**
 * Reads a day out of a caller's or a model's words. They are read in the call's language first, then in the others:
 * a caller may change the language, and models pass on English.
 *
 * "Tuesday" and "this Tuesday" are the nearest one, today included; "next Tuesday" is the nearest after today; "the 3rd"
 * is the nearest to come. The day is said back to the caller before anything is held.
 *
 * @param now in the clinic's zone
 */
export function readDay(text: string, saidIn: SaidIn, now: Temporal.ZonedDateTime): SaidDay | undefined {
  // Models are asked for ISO dates, and mostly give them.
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    const date = isoDateOf(text);
    return date === 'none' ? undefined : { kind: 'day', date, time: '' };
  }
  for (const { tables, dayFirst } of [ownTables(saidIn), ...otherTables(saidIn)]) {
    const read = readPlain(plainWords(text, tables), dayFirst, now);
    if (read !== undefined) return read;
  }
  return undefined;
}

interface Tables {
  tables: readonly UnderstoodWords[];
  dayFirst: boolean;
}

function ownTables({ language, languages }: SaidIn): Tables {
  const own = languages.of(language);
  const { language: base, region } = subtags(language);
  // The region of a language that has no words of its own says nothing about English.
  return tablesOf(own.understood, languages, base === own.tag ? region : '');
}

function otherTables({ language, languages }: SaidIn): Tables[] {
  const read = [languages.of(language), languages.fallback];
  return languages.all
    .filter((one) => !read.includes(one))
    .map((one) => tablesOf(one.understood, languages, ''));
}

function tablesOf(own: UnderstoodWords, { fallback }: Languages, region: string): Tables {
  const passedOn = fallback.understood;
  return { tables: own === passedOn ? [own] : [own, passedOn], dayFirst: own.dayFirst(region) };
}

const monthFirst = new RegExp(`\\b(${anyMonth}) (?:the )?(\\d{1,2})(?:th)?\\b`);

function readPlain(plain: string, dayFirst: boolean, now: Temporal.ZonedDateTime): SaidDay | undefined {
  const today = now.toPlainDate();
  const soon = inHours(plain, now);
  if (soon !== undefined) return soon;
  const { isoDate, isoTime, words } = takeIsoDate(plain);
  const { time: saidTime, rest } = partTime(words);
  const time = [isoTime, saidTime].filter((one) => one !== '').join(' ');
  const said = new UnreadWords(rest);

  const far = weekdayAndWeeks(said, today) ?? weekdayOfMonth(said, today);
  if (far !== undefined) return { kind: 'day', date: far, time };
  const named = said.take(`(next|this|last) (${anyWeekday})|(${anyWeekday})(?: (after next))?`);
  const weekdayNumber = named === undefined ? undefined : numberOf(named[2] ?? named[3]);
  const span = spanIn(said, today);
  const date = isoDate === undefined ? dateIn(said, dayFirst, today, weekdayNumber) : isoDateOf(isoDate);
  if (date === 'none') return undefined;

  if (date !== undefined) {
    return weekdayNumber === undefined || weekdayNumber === date.dayOfWeek
      ? { kind: 'day', date, time }
      : { kind: 'mismatch', date, saidWeekday: weekdayNumber, time };
  }
  if (weekdayNumber === undefined) return span === undefined ? undefined : { kind: 'span', ...span, time };
  if (span !== undefined) return { kind: 'day', date: weekdayFrom(span.from, weekdayNumber), time };
  const which = named?.[4] ?? named?.[1];
  const bare = which === undefined ? bareNumber(said.rest, today, weekdayNumber) : undefined;
  if (bare !== undefined)
    return bare.kind === 'time'
      ? { kind: 'day', date: weekdayFrom(today, weekdayNumber), time: bare.time }
      : { ...bare, time };
  return { kind: 'day', date: weekdayBy(which, weekdayNumber, today), time };
}

/** "in two hours" is a time of this day, or of the next one. */
function inHours(plain: string, now: Temporal.ZonedDateTime): SaidDay | undefined {
  const [, count, unit = ''] = /\bin (\d{1,3}) (hour|minute)s?\b/.exec(plain) ?? [];
  if (count === undefined) return undefined;
  const then = now.add(unit === 'hour' ? { hours: Number(count) } : { minutes: Number(count) });
  return {
    kind: 'day',
    date: then.toPlainDate(),
    time: `from ${then.toPlainTime().toString({ smallestUnit: 'minute' })}`,
  };
}

function takeIsoDate(plain: string): { isoDate?: string; isoTime: string; words: string } {
  const match = /(?<!\d)(\d{4}-\d{2}-\d{2})(?:[t ](\d{2}:\d{2})\S*)?/.exec(plain);
  if (match === null) return { isoTime: '', words: plain };
  const [whole, isoDate = '', isoTime = ''] = match;
  return { isoDate, isoTime: isoTime === '00:00' ? '' : isoTime, words: plain.replace(whole, ' ') };
}

/** A date that is not in the calendar is none, and not to be guessed from the rest. */
function isoDateOf(iso: string): PlainDate | 'none' {
  return orNothing(() => Temporal.PlainDate.from(iso)) ?? 'none';
}

/** A date that says day and month, or is counted from today, as the library reads it; or a day of the month alone. */
function dateIn(
  said: UnreadWords,
  dayFirst: boolean,
  today: PlainDate,
  saidWeekday: number | undefined,
): PlainDate | 'none' | undefined {
  if (said.take('thanksgiving(?: day)?') !== undefined) return thanksgiving(today);
  const [, months] = said.take('in (\\d{1,2}) months?') ?? [];
  if (months !== undefined) return today.add({ months: Number(months) });
  // At noon of the clinic's day by this process's own clock, which the library works with, no change of clocks is near.
  const reference = new Date(today.year, today.month - 1, today.day, 12);
  const reader = dayFirst ? chrono.en.GB : chrono.en.casual;
  const read = reader
    // Where the day comes first, "december 24" would be a month of a year.
    .parse(said.rest.replace(monthFirst, '$2 $1'), reference)
    .find(({ start }) => start.isCertain('day') && !(start.isCertain('hour') && !start.isCertain('month')));
  if (read !== undefined) {
    const [year, monthNumber, day] = [read.start.get('year'), read.start.get('month'), read.start.get('day')];
    if (year === null || monthNumber === null || day === null) return undefined;
    if (!read.start.isCertain('year')) return nearestMonthDay(today, monthNumber, day);
    return orNothing(() =>
      Temporal.PlainDate.from({ year, month: monthNumber, day }, { overflow: 'reject' }),
    );
  }
  // The library refuses a day that this year's month does not have; next year's may.
  const leapDay =
    said.take(`(?:february (?:the )?29(?:th)?|(?:the )?29(?:th)? (?:of )?february)`) !== undefined;
  if (leapDay) return nearestMonthDay(today, 2, 29) ?? 'none';
  if (said.take(`(?:${anyMonth} (?:the )?\\d{1,2}(?:th)?|(?:the )?\\d{1,2}(?:th)? (?:of )?${anyMonth})`))
    return 'none';
  const [, dayOfMonth] = said.take('(?:on )?(?:the (?=\\d))?(\\d{1,2})(?:th|(?<=the \\d{1,2}))') ?? [];
  return dayOfMonth === undefined
    ? undefined
    : (nearestDayOfMonth(today, Number(dayOfMonth), saidWeekday) ?? 'none');
}

/** The nearest such day. Two months back is a slip of the tongue, which is "past"; more is a wish for next year. */
function nearestMonthDay(today: PlainDate, monthNumber: number, day: number): PlainDate | undefined {
  const inYear = (year: number) =>
    orNothing(() => Temporal.PlainDate.from({ year, month: monthNumber, day }, { overflow: 'reject' }));
  const thisYear = inYear(today.year);
  return thisYear !== undefined && thisYear.until(today).days <= 60 ? thisYear : inYear(today.year + 1);
}

/**
 * The nearest such day to come. When it is another weekday than was said and the same day of the next month is the one,
 * the caller has looked at that month.
 */
function nearestDayOfMonth(
  today: PlainDate,
  day: number,
  saidWeekday: number | undefined,
): PlainDate | undefined {
  const days = [0, 1, 2].flatMap((months) => {
    const first = today.with({ day: 1 }).add({ months });
    return day >= 1 && day <= first.daysInMonth ? [first.with({ day })] : [];
  });
  const [nearest, next] = days.filter((one) => Temporal.PlainDate.compare(one, today) >= 0);
  return saidWeekday !== undefined && nearest?.dayOfWeek !== saidWeekday && next?.dayOfWeek === saidWeekday
    ? next
    : nearest;
}

/** "Tuesday 25" is a date; "Friday 3" is one where the third is a Friday, and else a time. */
function bareNumber(
  rest: string,
  today: PlainDate,
  saidWeekday: number,
):
  | { kind: 'time'; time: string }
  | { kind: 'day'; date: PlainDate }
  | { kind: 'mismatch'; date: PlainDate; saidWeekday: number }
  | undefined {
  const [, digits] = /(?<![/\d:])\b(\d{1,2})\b(?![/:\d])/.exec(rest) ?? [];
  if (digits === undefined) return undefined;
  const number = Number(digits);
  const date = nearestDayOfMonth(today, number, saidWeekday);
  if (date?.dayOfWeek === saidWeekday) return { kind: 'day', date };
  if (number <= 12) return { kind: 'time', time: `at ${number}` };
  return date === undefined ? undefined : { kind: 'mismatch', date, saidWeekday };
}

function weekdayBy(which: string | undefined, number: number, today: PlainDate): PlainDate {
  if (which === 'last') return weekdayFrom(today, number).subtract({ weeks: 1 });
  const next = weekdayFrom(today.add({ days: 1 }), number);
  if (which === 'next') return next;
  return which === 'after next' ? next.add({ weeks: 1 }) : weekdayFrom(today, number);
}

/** The fourth Thursday of November, this year's or the next one. */
function thanksgiving(today: PlainDate): PlainDate {
  const of = (year: number) => weekdayFrom(Temporal.PlainDate.from({ year, month: 11, day: 22 }), 4);
  const thisYear = of(today.year);
  return thisYear.until(today).days <= 60 ? thisYear : of(today.year + 1);
}

function orNothing<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
