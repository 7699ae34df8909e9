/** How one language says days and clock times. Everything it gives is in letters: a voice reads no digit wrongly. */
export interface TimeWords {
  /** Names as they stand in a sentence ("is a Wednesday"), Monday first. */
  weekdays: readonly string[];
  /** A day as it stands beside a verb: "Tuesday the twenty-fourth", "am Dienstag, dem vierundzwanzigsten". */
  day(said: DayToSay): string;
  /** The date without its weekday, as what a sentence is about: "the twenty-fifth of November". */
  dateName(day: number, month: number): string;
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
  /** 0 is Monday. */
  weekday: number;
  day: number;
  month: number;
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
