/**
 * Everything Holdline knows of one spoken language, beside its templates. A part that is missing is a type error; the
 * languages there are stand in `shipped-languages.ts`.
 */
export interface Language {
  /** BCP 47 without a region, e.g. `es`. Its templates are in folders of this name. */
  tag: string;
  /** Names as they stand in a sentence ("is a Wednesday"), Monday first. */
  weekdays: Seven;
  /** Names as they stand in a sentence, January first. */
  months: Twelve;
  understood: UnderstoodWords;
  spoken: SpeakingWords;
  told: ToldWords;
  texts: TextWords;
}

/**
 * The language that models pass on in any conversation, and that is spoken where a language has no words or no template
 * of its own.
 */
export const fallbackTag = 'en';

/**
 * How what is said is put into the plain form that days and times are read from: English words, numbers as digits. The
 * tables are applied in the order they stand in here; English's own come last, because models pass English words on.
 */
export interface UnderstoodWords {
  /**
   * Whether 3/12 is the third of December.
   *
   * @param region in lower case, e.g. `gb`; empty where none is known
   */
  dayFirst(region: string): boolean;
  /** What stands for a day of the month, in lower case. */
  ordinals: ReadonlyMap<string, number>;
  /** What stands for a number, in lower case. */
  numbers: ReadonlyMap<string, number>;
  phrases: readonly PhraseRule[];
}

export type PhraseRule = readonly [RegExp, string | ((match: string, ...groups: string[]) => string)];

/** How days and clock times are said. Everything is in letters: a voice reads no digit wrongly. */
export interface SpeakingWords {
  /** A day as it stands beside a verb: "Tuesday the twenty-fourth", "am Dienstag, dem vierundzwanzigsten". */
  day(day: DayToSay): string;
  /** The date without its weekday, as what a sentence is about: "the twenty-fifth of November". */
  dateName(day: number, month: string): string;
  /** A clock time as it stands in a list after "I have", and the part of the day it lies in. */
  clock(hour: number, minute: number): ClockWords;
  /** An hour that comes twice on the day the clocks go back: the first, or the second. */
  repeated: { first: string; second: string };
  /** A day and a clock time together, e.g. "Tuesday the twenty-fourth at two". */
  moment(day: string, clock: string): string;
  with(practitioner: string): string;
  /** Several times with one practitioner: "all with Doctor Lee". */
  allWith(practitioner: string): string;
  /** What stands before the last of several choices. */
  or(last: string): string;
}

export interface DayToSay {
  /** Its name. */
  weekday: string;
  /** Of the month. */
  day: number;
  /** Its name. */
  month: string;
  /** Days from today; nothing when it is not known which day is today. */
  ahead?: number | undefined;
  /** Whether the month must be said to be understood. */
  withMonth: boolean;
}

export interface ClockWords {
  clock: string;
  /** Nothing where the clock says it already, as noon does. */
  part?: string;
}

/** What a model is told about the clinic's days, in figures. */
export interface ToldWords {
  /** "Tuesday, 24 November 2026": the day before the month, so that no model mistakes the one for the other. */
  longDate(date: { weekday: string; day: number; month: string; year: number }): string;
  /** Between the ends of a stretch: "Monday to Friday". */
  to: string;
  and: string;
  closed: string;
  /** That there is no such day. */
  none: string;
}

/** How a text message tells a time, and what may be answered to it. */
export interface TextWords {
  /**
   * "Tuesday, November 24 at 2:00 PM": on a screen, figures are read faster than words.
   *
   * @param zone IANA
   * @param tag the language with its region, if one is known
   */
  moment(instant: Date, zone: string, tag: string): string;
  /** Words somebody may answer, in capitals. They count whatever language the text was in. */
  answers: Record<TextAnswer, readonly [string, ...string[]]>;
}

/** What an answer to a text may ask for. */
export type TextAnswer = 'stop' | 'start' | 'help' | 'cancel' | 'call-back';

type Seven = readonly [string, string, string, string, string, string, string];
type Twelve = readonly [...Seven, string, string, string, string, string];
