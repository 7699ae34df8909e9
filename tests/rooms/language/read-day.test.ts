import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resolveDate, resolveTime } from '#tools/resolve-date.ts';
import { imaginedClinic, openDay, workingDays } from '../../imagined-clinic.ts';
import { languages } from '../../languages.ts';
import { instant, saidDays, zones } from './said-days.ts';

/** A Tuesday, ten in the morning in New York. */
const now = new Date('2026-11-24T15:00:00Z');

function resolve(date: string, at = now, organization = imaginedClinic('America/New_York'), language = 'en') {
  return resolveDate({ date, language, languages, now: at, organization });
}

describe('at one instant in three zones', () => {
  const alwaysOpen = { weekly: { ...workingDays, saturday: openDay, sunday: openDay }, horizonDays: 400 };
  const inZone = Object.fromEntries(zones.map((zone) => [zone, imaginedClinic(zone, alwaysOpen)]));

  test.each(saidDays)('in %s "%s" is %j', (language, said, expected) => {
    const answers = zones.map((zone) => {
      const read = resolve(said, instant, inZone[zone], language);
      return read.ok ? read.date.replace(/^2026-/, '') : `!${read.reason}`;
    });
    expect(answers).toEqual(typeof expected === 'string' ? [expected, expected, expected] : expected);
  });

  test('that is a table of hundreds', () => {
    expect(saidDays.length).toBeGreaterThan(170);
    expect(new Set(saidDays.map(([language, said]) => `${language} ${said}`)).size).toBe(saidDays.length);
  });
});

describe('around a leap day', () => {
  test.each([
    ['2028-02-27T12:00:00Z', 'the 29th', '2028-02-29'],
    ['2028-02-27T12:00:00Z', 'February 29th', '2028-02-29'],
    ['2028-02-27T12:00:00Z', 'Tuesday the 29th of February', '2028-02-29'],
    ['2028-02-28T12:00:00Z', 'tomorrow', '2028-02-29'],
    ['2028-02-28T12:00:00Z', 'the day after tomorrow', '2028-03-01'],
    ['2028-02-29T12:00:00Z', 'today', '2028-02-29'],
    ['2028-02-29T12:00:00Z', 'in a week', '2028-03-07'],
    ['2028-02-29T12:00:00Z', 'the 30th', '2028-03-30'],
    ['2027-02-27T12:00:00Z', 'the 29th', '2027-03-29'],
    ['2027-02-28T12:00:00Z', 'tomorrow', '2027-03-01'],
    ['2027-12-01T12:00:00Z', 'the 29th of February', '2028-02-29'],
  ])('at %s "%s" is %s', (at, said, date) => {
    const organization = imaginedClinic('UTC', {
      weekly: { ...workingDays, saturday: openDay, sunday: openDay },
      horizonDays: 300,
    });
    expect(resolve(said, new Date(at), organization)).toMatchObject({ ok: true, date });
  });

  test('a date that a year does not have is asked about', () => {
    expect(resolve('2027-02-29', new Date('2027-02-01T12:00:00Z'))).toEqual({ ok: false, reason: 'unclear' });
  });
});

test.each([
  ['en', 'tomorrow after lunch', 'between', 780, 1020],
  ['en', 'Friday at 3', 'at', 900, 900],
  ['en', 'Friday 3', 'at', 900, 900],
  ['en', '3 pm tomorrow', 'at', 900, 900],
  ['en', 'tomorrow morning', 'between', 0, 719],
  ['en', 'December 3 at two thirty', 'at', 870, 870],
  ['en', 'Thursday the 3rd', undefined, 0, 0],
  ['en', '2026-12-03T14:30:00', 'at', 870, 870],
  ['en', 'in two hours', 'after', 720, 1440],
  ['de', 'Freitag um halb drei', 'at', 870, 870],
  ['de', 'morgen früh', 'between', 0, 719],
  ['de', '3.12. um 14 Uhr 30', 'at', 870, 870],
  ['es', 'mañana por la mañana', 'between', 0, 719],
  ['es', 'el viernes a las tres y media', 'at', 930, 930],
] as const)('in %s "%s" brings a time with it: %s', (language, said, ...wish) => {
  const [kind, fromMinute, toMinute] = wish;
  const read = resolve(said, now, imaginedClinic('America/New_York'), language);
  if (!read.ok) throw new Error(`not understood: ${JSON.stringify(read)}`);
  const time = resolveTime({ time: read.time ?? '', language, languages });
  expect(time).toEqual(
    kind === undefined ? { ok: true } : { ok: true, wish: { kind, fromMinute, toMinute } },
  );
});

test('whatever the words, they are answered, never thrown at', () => {
  const words = fc.constantFrom(
    'the',
    '3rd',
    'tuesday',
    'next',
    'week',
    'in',
    '2',
    'of',
    'may',
    'at',
    '99',
    '31',
    'february',
    'end',
    'el',
    'de',
    'morgen',
    '3.',
    '.',
    ':',
    '12/40',
    '2026-13-01',
  );
  const said = fc.oneof(
    fc.string({ maxLength: 60, unit: 'binary' }),
    fc.array(words, { maxLength: 9 }).map((some) => some.join(' ')),
  );
  fc.assert(
    fc.property(said, fc.constantFrom('en', 'de', 'es', 'xx'), (text, language) => {
      expect(resolve(text, now, imaginedClinic('America/New_York'), language)).toHaveProperty('ok');
      expect(resolveTime({ time: text, language, languages })).toHaveProperty('ok');
    }),
    { numRuns: 400 },
  );
});
