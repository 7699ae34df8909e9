import type { Moment } from './call-view.ts';
import type { Claim, Utterance } from './claim.ts';
import type { Dice } from './dice.ts';
import { type Phrasing, placesIn, type ValuePlace } from './phrasing.ts';
import { type ValueSpeech, valueSpeech } from './spoken-values.ts';

/** What the places of a phrasing stand for this time. */
export interface Values {
  day: string;
  clock: number;
  clock2: number;
  practitioner: string;
  name: string;
  phone: string;
  from: number;
  to: number;
}

/** A phrasing with its values in it: what the caller says before it, and what the model says. */
export interface Filled {
  caller: string;
  utterance: Utterance;
}

/** Puts values into a phrasing: both speak of the same, each in a way of saying it. */
export function filled(
  phrasing: Phrasing,
  { values, language, figures, dice }: { values: Values; language: string; figures: boolean; dice: Dice },
): Filled {
  const said = sayings(values, valueSpeech(language, dice, figures), { language, dice });
  const put = (text: string) =>
    inSentence(
      text.replace(/\{(\w+)\}/g, (_, place: ValuePlace) => said[place]),
      language,
    );
  // A caller speaks; only the model writes figures.
  const heard = sayings(values, valueSpeech(language, dice, false), { language, dice });
  const words = phrasing.words ?? phrasing.says;
  return {
    caller: inSentence(
      phrasing.caller.replace(/\{(\w+)\}/g, (_, place: ValuePlace) => heard[place]),
      language,
    ),
    utterance: {
      text: put(phrasing.says),
      words: put(words),
      around: words.split(/\{\w+\}/),
      claims: phrasing.claims.map((claim) => concrete(claim, phrasing, values)),
      language,
      slip: phrasing.slip,
    },
  };
}

/** An answer that names no value claims what the caller's sentence names. */
function concrete(claim: Phrasing['claims'][number], { caller, says }: Phrasing, values: Values): Claim {
  const bare = claim.values.length === 0 && placesIn(says).length === 0;
  const asked = placesIn(caller).filter(
    (place) => place === 'day' || place === 'clock' || place === 'practitioner',
  );
  const places = new Set(bare ? asked : claim.values);
  const minutes = (['clock', 'clock2'] as const).flatMap((place) =>
    places.has(place) ? [values[place]] : [],
  );
  return {
    is: claim.is,
    ...(places.has('day') ? { date: values.day } : {}),
    ...(minutes.length > 0 ? { minutes } : {}),
    ...(places.has('practitioner') ? { practitioner: values.practitioner } : {}),
    ...(places.has('name') ? { name: values.name } : {}),
    ...(places.has('phone') ? { phone: values.phone } : {}),
    ...(places.has('from') ? { fromMinute: values.from } : {}),
    ...(places.has('to') ? { toMinute: values.to } : {}),
    ...(claim.weekday === undefined ? {} : { weekday: claim.weekday }),
    ...(claim.true === undefined ? {} : { true: claim.true }),
  };
}

function sayings(
  values: Values,
  speech: ValueSpeech,
  { language, dice }: { language: string; dice: Dice },
): Record<ValuePlace, string> {
  return {
    day: speech.day(values.day),
    clock: speech.clock(values.clock),
    clock2: speech.clock(values.clock2),
    practitioner: dice.pick(titles(values.practitioner, language)),
    name: values.name,
    phone: speech.phone(values.phone),
    from: speech.clock(values.from),
    to: speech.clock(values.to),
  };
}

/** A doctor is given a title of the language that is spoken, mostly. */
function titles(practitioner: string, language: string): string[] {
  const name = practitioner.replace(/^(Doctor|Dr\.?) /, '');
  if (name === practitioner) return [practitioner];
  if (language === 'es') return [practitioner, `el doctor ${name}`, `la doctora ${name}`];
  if (language === 'de') return [practitioner, `Doktor ${name}`, `Frau Doktor ${name}`];
  return [practitioner, practitioner, `Dr. ${name}`];
}

/** As it is written in a sentence: a capital where one begins, and what a language draws together. */
function inSentence(text: string, language: string): string {
  const joined =
    language === 'es'
      ? text.replace(/(?<!\p{L})(a|de) el (?=\p{Ll})/giu, (_, word: string) => `${word}l `)
      : text;
  // "At ten a.m." ends its sentence by itself.
  return joined
    .replace(/\.\.(?=\s|$)/g, '.')
    .replace(
      /(^[¿¡]?|[!?] +[¿¡]?|\p{L}{3}\. +[¿¡]?)(\p{Ll})/gu,
      (_, before: string, letter: string) => before + letter.toUpperCase(),
    );
}

/** A quarter past what is right: close enough to be believed. */
const shiftsInMinutes = [-60, -30, 30, 60, 90, 120];

/** The moment with one or two things about it wrong. */
export function mistaken(
  moment: Moment,
  dice: Dice,
  about: { dates: string[]; practitioners: string[] },
): Moment {
  const wrong = { ...moment };
  const others = about.practitioners.filter((one) => one !== moment.practitioner);
  const dates = about.dates.filter((date) => date !== moment.date);
  for (const part of dice
    .shuffled(['date', 'minute', 'practitioner'] as const)
    .slice(0, dice.chance(0.7) ? 1 : 2)) {
    if (part === 'date' && dates.length > 0) wrong.date = dice.pick(dates);
    if (part === 'minute') wrong.minute = clamped(moment.minute + dice.pick(shiftsInMinutes));
    if (part === 'practitioner' && others.length > 0) wrong.practitioner = dice.pick(others);
  }
  return wrong;
}

function clamped(minute: number): number {
  return Math.min(Math.max(minute, 7 * 60), 20 * 60);
}
