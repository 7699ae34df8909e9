import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, test } from 'vitest';
import type { Language, TextWords } from '#language/language.ts';
import { createLanguages } from '#language/languages.ts';
import { readDay } from '#language/read-day.ts';
import { shippedLanguages } from '#language/shipped-languages.ts';
import { spokenClock, spokenDate, spokenWeekday } from '#language/spoken-time.ts';
import { resolveTime } from '#tools/resolve-date.ts';
import { toyLanguage } from './toy-language.ts';

const languages = createLanguages([...shippedLanguages, toyLanguage]);
const [english] = shippedLanguages as [Language];

describe.each(languages.all)('of $tag', (language) => {
  const saidIn = { language: language.tag, languages };

  test('what is spoken about a day is understood as that day', () => {
    const now = Temporal.ZonedDateTime.from('2026-11-24T10:00[UTC]');
    const today = now.toPlainDate();
    for (let ahead = 0; ahead < 300; ahead += 1) {
      const date = `${today.add({ days: ahead })}`;
      const said = spokenDate(date, language, { today: `${today}` });
      const read = readDay(said, saidIn, now);
      expect(read?.kind === 'day' ? `${read.date}` : read, said).toBe(date);
    }
  });

  test('what is spoken about a time of a working day is understood as that time', () => {
    const inexact: string[] = [];
    for (let minute = 7 * 60; minute < 21 * 60; minute += 5) {
      const said = spokenClock(new Date(Date.UTC(2026, 10, 24, 0, minute)), 'UTC', language);
      const read = resolveTime({ time: said, ...saidIn });
      const { fromMinute, toMinute } = (read.ok ? read.wish : undefined) ?? { fromMinute: 0, toMinute: 1440 };
      expect(fromMinute <= minute && minute <= toMinute && toMinute - fromMinute <= 120, said).toBe(true);
      if (fromMinute !== toMinute) inexact.push(said);
    }
    // "Al mediodía" is lunch time as well.
    expect(inexact).toEqual(language.tag === 'es' ? ['al mediodía'] : []);
  });

  test('every name and every answer is its own', () => {
    expect(new Set(language.weekdays).size).toBe(7);
    expect(new Set(language.months).size).toBe(12);
    const answers = Object.values(language.texts.answers).flat();
    expect(new Set(answers).size).toBe(answers.length);
    for (const answer of answers) expect(answer).toBe(answer.toUpperCase());
  });
});

test('a language is found by its tag with or without a region; one without words is spoken in English', () => {
  expect(['qlu', 'QLU', 'qlu-MX', 'es_MX', 'de-AT', 'fr', ''].map((tag) => languages.of(tag).tag)).toEqual([
    'qlu',
    'qlu',
    'qlu',
    'es',
    'de',
    'en',
    'en',
  ]);
});

test('a word that answers a text counts in any language, and the first language has one that two share', () => {
  expect(['nulo', 'HALTU', 'ALTO', 'Hilfe', 'c', 'constructor', ''].map(languages.answer)).toEqual([
    'cancel',
    'stop',
    'stop',
    'help',
    'cancel',
    undefined,
    undefined,
  ]);
  const answers: TextWords['answers'] = { ...toyLanguage.texts.answers, stop: ['C'] };
  const shared = { ...toyLanguage, texts: { ...toyLanguage.texts, answers } };
  expect(createLanguages([english, shared]).answer('C')).toBe('cancel');
});

test('without the language that models pass on, or with two of one tag, nothing is started', () => {
  expect(() => createLanguages([toyLanguage])).toThrow(/en is not among/);
  expect(() => createLanguages([english, toyLanguage, toyLanguage])).toThrow(/same tag/);
});

test('a language that lacks a part does not pass the type checker', () => {
  const { spoken, ...speechless } = toyLanguage;
  const { told, ...untold } = toyLanguage;
  const { texts, ...unwritten } = toyLanguage;
  const { understood, ...deaf } = toyLanguage;
  // @ts-expect-error: it cannot be spoken
  const without: Language[] = [speechless];
  // @ts-expect-error: a model cannot be told a day in it
  without.push(untold);
  // @ts-expect-error: no text can be written in it
  without.push(unwritten);
  // @ts-expect-error: it is not understood
  without.push(deaf);
  // @ts-expect-error: its week has six days
  without.push({ ...toyLanguage, weekdays: ['a', 'b', 'c', 'd', 'e', 'f'] });
  // @ts-expect-error: nobody can stop its texts
  without.push({ ...toyLanguage, texts: { ...texts, answers: { ...texts.answers, stop: [] } } });
  // Whole again, it is taken.
  const whole: Language = { ...speechless, spoken, told, texts, understood };
  expect([...without, whole]).toHaveLength(7);
  expect(spokenWeekday(2, whole)).toBe('martor');
});

test('no room knows a language by itself: they are passed in', () => {
  const source = join(import.meta.dirname, '../../../src');
  const composing = /^(?:main\.ts$|commands\/|language\/)/;
  const importing = globSync('**/*.{ts,tsx}', { cwd: source }).filter((file) =>
    /#language\/(?:shipped-languages|[a-z]{2,3}\/)/.test(readFileSync(join(source, file), 'utf8')),
  );
  expect(importing.filter((file) => !composing.test(file))).toEqual([]);
  expect(importing).toContain('main.ts');
  // Inside the room, the list alone.
  const inRoom = globSync('language/*.ts', { cwd: source }).filter((file) =>
    /from '\.\/[a-z]{2,3}\//.test(readFileSync(join(source, file), 'utf8')),
  );
  expect(inRoom).toEqual(['language/shipped-languages.ts']);
});
