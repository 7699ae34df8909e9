import { anyMonth } from './plain-words.ts';

/** What the caller said about the time of day, in minutes of the clinic's day, ends included. */
export interface TimeWish {
  kind: 'at' | 'after' | 'before' | 'between';
  fromMinute: number;
  toMinute: number;
}

/** When there is somebody, by the clinic's clock: `HH:MM`. */
export interface ClockStretch {
  from: string;
  to: string;
}

/** Minutes of a day in which what is said about its parts lies, both included. */
const partsOfDay: readonly (readonly [RegExp, number, number])[] = [
  [/\bafter lunch\b/, 13 * 60, 17 * 60],
  [/\bbefore (?:noon|midday|lunch)\b/, 0, 11 * 60 + 59],
  [/\bafter (?:noon|midday)\b/, 12 * 60, 1440],
  [/\b(?:lunch ?time|midday|(?:over|during|at) lunch)\b/, 11 * 60 + 30, 13 * 60 + 30],
  [/\bafter (?:work|school)\b/, 16 * 60, 1440],
  [/\bfirst thing\b|\bearly\b(?! (?:afternoon|evening))/, 0, 10 * 60],
  [/\bearly (?:in the )?afternoon\b/, 12 * 60, 14 * 60 + 30],
  [/\blate (?:in the )?(?:morning)\b/, 10 * 60 + 30, 12 * 60],
  [/\blate (?:in the )?afternoon\b|\bend of the day\b/, 16 * 60, 18 * 60 + 30],
  [/\bmorning\b/, 0, 11 * 60 + 59],
  [/\bafternoon\b/, 12 * 60, 17 * 60 + 59],
  [/\b(?:evening|night)\b/, 17 * 60, 1440],
  [/\blate\b/, 16 * 60, 1440],
];

const part = String.raw`(?:in the |at )?(?:morning|afternoon|evening|night)\b`;
const lead = String.raw`\b(?:at around|at about|not before|no (?:earlier|later) than|(?:any time |anytime )?(?:after|before)|at|around|about|by|from|until|till|past|later than|earlier than)`;
const hourAndMinute = String.raw`\d{1,2}(?:[:.h][0-5]\d| [0-5]\d(?!\d|th| ${anyMonth}))?`;
/** No date: neither "the 3rd" nor "3 December" nor "3/12" nor "3 days". */
const noDate = String.raw`(?!\d|th|[/-]\d| (?:of )?${anyMonth}| (?:days?|weeks?|months?|hours?|minutes?)\b)`;
const relation = String.raw`(?<!from |between )\b(?:half past|(?:a )?quarter (?:past|to|before|after)|\d{1,2} (?:minutes? )?(?:past|to|before)) `;
const marked = [
  String.raw`\b(?:between|from) ${hourAndMinute}${noDate}(?: ?(?:am|pm))? (?:and|to|until|till) ${hourAndMinute}${noDate}(?: ?(?:am|pm|o'?clock))?`,
  String.raw`(?:${lead} )?(?:${relation})\d{1,2}${noDate}(?: ?(?:am|pm|o'?clock))?`,
  `${lead} (?:the )?${hourAndMinute}${noDate}(?: ?(?:am|pm|o'?clock))?`,
  String.raw`(?<![/\d])${hourAndMinute} ?(?:am\b|pm\b|o'? ?clock\b)`,
  String.raw`(?<![/\d:])\d{1,2}[:h][0-5]\d(?!\d)`,
  String.raw`(?<![/\d])\d{1,2}(?= ${part})`,
  String.raw`(?<![/\d]|${anyMonth} )\b\d{1,2} [0-5]\d(?!\d|th|[/-]| (?:of )?${anyMonth})\b`,
  String.raw`(?:${lead} )?\b(?:noon|midday|midnight)\b`,
].join('|');
const clockPhrase = `(?:${marked})(?: ${part})?`;
const partPhrase = `(?:before|after|over|during|around|at|by) (?:lunch(?: ?time)?|work|school|noon|midday)|first thing|end of the day|(?:(?:early|late|mid)[- ])?(?:in the )?(?:(?:early|late) )?(?:morning|afternoon|evening|night)|lunch ?time|early|late(?:r)?`;
const timePhrase = new RegExp(`(?:${clockPhrase})|\\b(?:${partPhrase})\\b`, 'g');

/** Parts what is said about the time of day from the rest, both in the plain form. */
export function partTime(words: string): { time: string; rest: string } {
  const time = words.match(timePhrase) ?? [];
  return { time: time.join(' ').trim(), rest: words.replace(timePhrase, ' ').replace(/\s+/g, ' ').trim() };
}

/**
 * The wish for a time of day in plain words; nothing when there is none to be understood.
 *
 * @param hours when there is somebody that day: "at seven" is in the morning where they open at seven
 */
export function readTime(words: string, hours: ClockStretch[] = []): TimeWish | undefined {
  const clock = clockIn(words, hours);
  if (clock === undefined) {
    const said = partsOfDay.find(([pattern]) => pattern.test(words));
    return said === undefined ? undefined : { kind: 'between', fromMinute: said[1], toMinute: said[2] };
  }
  if (/\b(?:between|from) \S+(?: \S+)? (?:and|to|until)\b/.test(words) && clock.other !== undefined) {
    return { kind: 'between', fromMinute: clock.minute, toMinute: clock.other };
  }
  if (/\b(?:after|from|later than|not before|no earlier than|past \d)\b/.test(withoutRelation(words))) {
    return { kind: 'after', fromMinute: clock.minute, toMinute: 1440 };
  }
  if (/\b(?:before|until|till|earlier than|by|no later than)\b/.test(withoutRelation(words))) {
    return { kind: 'before', fromMinute: 0, toMinute: clock.minute - 1 };
  }
  return { kind: 'at', fromMinute: clock.minute, toMinute: clock.minute };
}

const everyRelation = new RegExp(relation, 'g');

/** "half past two" is not after two. */
function withoutRelation(words: string): string {
  return words.replace(everyRelation, ' ');
}

const clockForm =
  /(?:(?<!from |between )\b(half|(?:a )?quarter|\d{1,2}(?: minutes?)?) (past|after|to|before) )?(?<![/\d])(\d{1,2})(?!\d|\/)(?:[:.h ]([0-5]\d)(?!\d))? ?(am|pm)?/g;

/** The first clock time said, and the second of two, in minutes of the day. */
function clockIn(
  words: string,
  hours: ClockStretch[],
): { minute: number; other: number | undefined } | undefined {
  if (!/\d/.test(words)) {
    if (/\bmidnight\b/.test(words)) return { minute: 1440, other: undefined };
    // "after noon" and "before noon" are parts of the day.
    return /\bnoon\b/.test(words) && !/\b(?:after|before) noon\b/.test(words)
      ? { minute: 720, other: undefined }
      : undefined;
  }
  const [first, second] = [...words.matchAll(clockForm)].flatMap(
    (match) => minuteOf(match, words, hours) ?? [],
  );
  return first === undefined ? undefined : { minute: first, other: second };
}

function minuteOf(match: RegExpExecArray, words: string, hours: ClockStretch[]): number | undefined {
  const [, relation = '', direction, hourText = '', minuteText = '0', halfDay] = match;
  const hour = Number(hourText);
  if (hour > 24) return undefined;
  const shift =
    relation === 'half' ? 30 : relation.endsWith('quarter') ? 15 : Number.parseInt(relation, 10) || 0;
  const away = direction === 'to' || direction === 'before' ? -shift : shift;
  return wholeDayMinute(hour * 60 + Number(minuteText) + away, halfDay, words, hours);
}

/**
 * Which half of the day a time of twelve hours lies in: as it is said; else in the one in which there is somebody;
 * else below eight in the afternoon, because hardly anybody is there at two at night.
 */
function wholeDayMinute(
  minute: number,
  halfDay: string | undefined,
  words: string,
  hours: ClockStretch[],
): number {
  if (minute >= 13 * 60) return minute;
  const [early, late] = [minute % 720, (minute % 720) + 720];
  if (halfDay === 'am' || (halfDay === undefined && /\bmorning\b/.test(words))) return early;
  if (halfDay === 'pm' || /\b(?:afternoon|evening|night)\b/.test(words)) return late;
  const isOpen = (at: number) =>
    hours.some(({ from, to }) => clockMinute(from) <= at && at < clockMinute(to));
  if (isOpen(early) !== isOpen(late)) return isOpen(early) ? early : late;
  return early < 8 * 60 ? late : early;
}

function clockMinute(clock: string): number {
  const [hours = 0, minutes = 0] = clock.split(':').map(Number);
  return hours * 60 + minutes;
}
