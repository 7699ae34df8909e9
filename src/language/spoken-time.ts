import { Temporal } from 'temporal-polyfill';
import type { ClockWords, Language } from './language.ts';

/** A slot as it is spoken about: its start by the clinic's clock, and with whom where that must be said. */
export interface SpokenSlot {
  startsAt: Date;
  /** IANA zone of the clinic. */
  zone: string;
  /** As a voice should say it, e.g. "Doctor Lee"; left out where there is only one. */
  practitioner?: string | undefined;
}

/** Within three weeks a weekday and its number are understood; later days are said with their month. */
const monthLeftOutDays = 21;

/**
 * A day as it stands beside a verb: "Tuesday the twenty-fourth", "el martes veinticuatro", "am Dienstag, dem
 * vierundzwanzigsten"; with its month when it is far away; "today, …" and "tomorrow, …" as seen from `today`.
 *
 * @param today ISO date
 */
export function spokenDate(date: string, language: Language, { today }: { today?: string } = {}): string {
  const day = Temporal.PlainDate.from(date);
  const ahead = today === undefined ? undefined : Temporal.PlainDate.from(today).until(day).days;
  const withMonth = ahead === undefined || ahead < 0 || ahead >= monthLeftOutDays;
  return language.spoken.day({
    weekday: spokenWeekday(day.dayOfWeek, language),
    day: day.day,
    month: monthName(day.month, language),
    ahead,
    withMonth,
  });
}

/** A date without its weekday, as what a sentence is about: "the twenty-fifth of November", "der fünfundzwanzigste …". */
export function spokenDateName(date: string, language: Language): string {
  const { day, month } = Temporal.PlainDate.from(date);
  return language.spoken.dateName(day, monthName(month, language));
}

/** @param weekday 1 is Monday, 7 is Sunday */
export function spokenWeekday(weekday: number, language: Language): string {
  return language.weekdays[weekday - 1] ?? '';
}

/** @param month 1 is January */
function monthName(month: number, language: Language): string {
  return language.months[month - 1] ?? '';
}

/**
 * The clinic's clock at an instant, as it stands in a list of times: "half past two in the afternoon", "a las dos y
 * media de la tarde", "um halb drei nachmittags". In the hour that comes twice it says which of the two is meant.
 */
export function spokenClock(instant: Date, zone: string, language: Language): string {
  const { clock, part, which } = clockAt(instant, zone, language);
  return joined(clock, part, which);
}

/** "two in the afternoon with Doctor Lee". */
export function spokenSlot({ startsAt, zone, practitioner }: SpokenSlot, language: Language): string {
  const clock = spokenClock(startsAt, zone, language);
  return practitioner === undefined ? clock : `${clock} ${language.spoken.with(practitioner)}`;
}

/** Day, time and practitioner: "Tuesday the twenty-fourth at two in the afternoon with Doctor Lee". */
export function spokenSlotWithDay(
  slot: SpokenSlot,
  language: Language,
  { today }: { today: string },
): string {
  const key = [slot.startsAt.getTime(), slot.zone, slot.practitioner, today].join('|');
  return appointmentsSaid(language, key, () => appointmentWords(slot, language, today));
}

/**
 * A call's offers are told to the model on every turn, in the same words; working them out takes a tenth of a
 * millisecond. So many are what hundreds of calls talk about at a time, each a few hundred bytes.
 */
const appointmentsSaid = keeping<string>(2_000);

function appointmentWords(slot: SpokenSlot, language: Language, today: string): string {
  const date = Temporal.Instant.fromEpochMilliseconds(slot.startsAt.getTime())
    .toZonedDateTimeISO(slot.zone)
    .toPlainDate();
  return language.spoken.moment(spokenDate(`${date}`, language, { today }), spokenSlot(slot, language));
}

/**
 * Several times of one day in one breath: the part of the day is said where it changes, and a practitioner who has
 * them all is named once: "nine in the morning, half past ten or one in the afternoon, all with Doctor Lee".
 */
export function spokenTimes(slots: SpokenSlot[], language: Language): string {
  const words = language.spoken;
  const [first] = slots;
  const everyone = new Set(slots.map((slot) => slot.practitioner));
  const together = slots.length > 1 && everyone.size === 1 ? first?.practitioner : undefined;
  let partSaid: string | undefined;
  const times = slots.map(({ startsAt, zone, practitioner }) => {
    const { clock, part, which } = clockAt(startsAt, zone, language);
    const newPart = part === partSaid ? undefined : part;
    partSaid = part ?? partSaid;
    const name = practitioner === undefined || together !== undefined ? undefined : words.with(practitioner);
    return joined(clock, newPart, which, name);
  });
  const list = spokenList(times, language);
  return together === undefined ? list : `${list}, ${words.allWith(together)}`;
}

/** "a, b or c"; parts that hold a comma are set off by one: "today, Tuesday the first, or Monday the seventh". */
export function spokenList(parts: string[], language: Language): string {
  const last = parts.at(-1) ?? '';
  if (parts.length < 2) return last;
  const comma = parts.some((part) => part.includes(',')) ? ',' : '';
  return `${parts.slice(0, -1).join(', ')}${comma} ${language.spoken.or(last)} ${last}`;
}

interface SpokenClock extends ClockWords {
  which: string | undefined;
}

/** The same starts of slots are said in call after call; working one out takes a twentieth of a millisecond. */
const clocksSaid = keeping<SpokenClock>(4_000);

function clockAt(instant: Date, zone: string, language: Language): SpokenClock {
  return clocksSaid(language, `${instant.getTime()} ${zone}`, () => workedOut(instant, zone, language));
}

/** Keeps what was worked out in a language; once it is `max` of them, they are worked out anew. */
function keeping<T>(max: number): (language: Language, key: string, workOut: () => T) => T {
  const kept = new WeakMap<Language, Map<string, T>>();
  return (language, key, workOut) => {
    let ofLanguage = kept.get(language);
    if (ofLanguage === undefined || ofLanguage.size >= max) {
      ofLanguage = new Map();
      kept.set(language, ofLanguage);
    }
    const known = ofLanguage.get(key) ?? workOut();
    ofLanguage.set(key, known);
    return known;
  };
}

function workedOut(instant: Date, zone: string, { spoken }: Language): SpokenClock {
  const zoned = Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(zone);
  const plain = zoned.toPlainDateTime();
  const [first, second] = (['earlier', 'later'] as const).map((disambiguation) =>
    plain.toZonedDateTime(zone, { disambiguation }),
  );
  // Of a plain time that comes once both are the same.
  const twice = first?.epochMilliseconds !== second?.epochMilliseconds;
  const which = zoned.epochMilliseconds === first?.epochMilliseconds ? 'first' : 'second';
  return { ...spoken.clock(zoned.hour, zoned.minute), which: twice ? spoken.repeated[which] : undefined };
}

function joined(...parts: (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join(' ');
}
