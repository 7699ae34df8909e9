import type { Temporal } from 'temporal-polyfill';
import { anyMonth, anyWeekday, monthNames, weekdayNames } from './plain-words.ts';
import type { UnreadWords } from './unread-words.ts';

type PlainDate = Temporal.PlainDate;

/** Days of the calendar, both included. */
export interface Span {
  from: PlainDate;
  to: PlainDate;
}

/** Stretches of days, whose first open one is meant. */
export function spanIn(said: UnreadWords, today: PlainDate): Span | undefined {
  const monday = today.subtract({ days: today.dayOfWeek - 1 });
  const week = (weeks: number) => ({ from: monday.add({ weeks }), to: monday.add({ weeks, days: 6 }) });
  const weekend = (weeks: number) => ({
    from: monday.add({ weeks, days: 5 }),
    to: monday.add({ weeks, days: 6 }),
  });
  const [, partOfWeek, whichWeek] =
    said.take(
      '(?:at |by |towards )?(?:the )?(end|beginning|start|middle|mid)(?: of)? (the|this|next) week',
    ) ?? [];
  if (partOfWeek !== undefined) return partOfSevenDays(partOfWeek, week(whichWeek === 'next' ? 1 : 0).from);
  if (said.take('(?:the )?week after next')) return week(2);
  if (said.take('(?:in |the )?next weekend')) return weekend(1);
  if (said.take('(?:(?:at |on )?(?:the |this ))?weekend')) return weekend(0);
  if (said.take('(?:sometime |any ?time |later |in |the )*next week')) return week(1);
  if (said.take('(?:sometime |any ?time |later |end of |in )*this week')) return week(0);
  const first = today.with({ day: 1 });
  const [all = '', part, which, name] =
    said.take(
      `(?:at |by |towards )?(?:the )?(?:(end|beginning|start|middle|mid)(?: of)?[ -])?(?:(the|this|next) month|(?:in |sometime in |next )?(?<!\\d(?:th)? (?:of )?)(${anyMonth})(?! (?:the )?\\d))`,
    ) ?? [];
  if (which !== undefined) return partOfMonth(part, which === 'next' ? first.add({ months: 1 }) : first);
  // "May I come …" names no month.
  if (name !== undefined && all !== 'may') {
    const months = (monthNames.indexOf(name) + 1 - today.month + 12) % 12;
    return partOfMonth(part, first.add({ months }));
  }
  // As far as anybody can book; the nearest open day is meant.
  return said.take('earliest') ? { from: today, to: today.add({ years: 1 }) } : undefined;
}

/** The working days at a week's beginning, middle or end. */
function partOfSevenDays(part: string, monday: PlainDate): Span {
  if (part === 'end') return { from: monday.add({ days: 3 }), to: monday.add({ days: 4 }) };
  if (part === 'beginning' || part === 'start') return { from: monday, to: monday.add({ days: 1 }) };
  return { from: monday.add({ days: 1 }), to: monday.add({ days: 3 }) };
}

function partOfMonth(part: string | undefined, first: PlainDate): Span {
  const last = first.with({ day: first.daysInMonth });
  if (part === 'end') return { from: last.subtract({ days: 3 }), to: last };
  if (part === 'mid' || part === 'middle')
    return { from: first.with({ day: 13 }), to: first.with({ day: 18 }) };
  return { from: first, to: part === undefined ? last : first.with({ day: 7 }) };
}

/** "a week from Tuesday", "Tuesday in two weeks", "Tuesday week". */
export function weekdayAndWeeks(said: UnreadWords, today: PlainDate): PlainDate | undefined {
  const match =
    said.take(`(?:in )?(\\d{1,2}) weeks? (?:from|after|on) (?:next |this )?(${anyWeekday})`) ??
    said.take(`(${anyWeekday}) in (\\d{1,2}) weeks?`) ??
    said.take(`(${anyWeekday}) (week)`);
  if (match === undefined) return undefined;
  const name = match.slice(1).find((one) => weekdayNames.includes(one));
  const weeks = Number(match.slice(1).find((one) => /^\d+$/.test(one)) ?? 1);
  return weekdayFrom(today, numberOf(name)).add({ weeks });
}

/** "the first Monday of December", "the last Friday of the month"; "two Fridays from now". */
export function weekdayOfMonth(said: UnreadWords, today: PlainDate): PlainDate | undefined {
  const [, count, repeated] = said.take(`(\\d{1,2}) (${anyWeekday})s from (?:now|today)`) ?? [];
  if (repeated !== undefined)
    return weekdayFrom(today.add({ days: 1 }), numberOf(repeated)).add({ weeks: Number(count) - 1 });
  const match = said.take(
    `(?:the )?(first|second|last|[1-4]th) (${anyWeekday}) (?:of|in) (?:(the|this|next) month|(${anyMonth}))`,
  );
  if (match === undefined) return undefined;
  const [, which = '', name, ofMonth, named] = match;
  const inMonth = (first: PlainDate) => {
    const last = first.with({ day: first.daysInMonth });
    if (which === 'last') return weekdayFrom(last.subtract({ days: 6 }), numberOf(name));
    const weeks = which === 'first' ? 0 : which === 'second' ? 1 : Number.parseInt(which, 10) - 1;
    return weekdayFrom(first, numberOf(name)).add({ weeks });
  };
  const thisMonth = today.with({ day: 1 });
  const ahead =
    named === undefined ? Number(ofMonth === 'next') : monthNames.indexOf(named) + 1 - today.month;
  return inMonth(thisMonth.add({ months: (ahead + 12) % 12 }));
}

/** The first such weekday from a day on, that day included. */
export function weekdayFrom(day: PlainDate, number: number): PlainDate {
  return day.add({ days: (number - day.dayOfWeek + 7) % 7 });
}

/** 1 is Monday. */
export function numberOf(name: string | undefined): number {
  return weekdayNames.indexOf(name ?? '') + 1;
}
