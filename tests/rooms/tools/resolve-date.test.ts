import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Organization, Practitioner, Schedule } from '#organization/organization.ts';
import { resolveDate, resolveTime } from '#tools/resolve-date.ts';
import { instant, saidDays, zones } from './said-days.ts';

const day = [{ from: '09:00', to: '18:00' }];
const weekdays: Schedule['weekly'] = {
  monday: day,
  tuesday: day,
  wednesday: day,
  thursday: day,
  friday: day,
};
const lee: Practitioner = {
  id: 'one',
  key: 'lee',
  name: 'Dr. Lee',
  spokenName: 'Doctor Lee',
  weekly: null,
  specialDays: [],
  slotMinutes: null,
  gridMinutes: null,
  bufferMinutes: null,
  minimumNoticeMinutes: null,
  horizonDays: null,
  calendarId: null,
};

function clinic(
  zone: string,
  schedule: Partial<Schedule> = {},
  practitioners: Practitioner[] = [lee],
): Pick<Organization, 'zone' | 'schedule' | 'practitioners'> {
  return {
    zone,
    practitioners,
    schedule: {
      weekly: weekdays,
      specialDays: [],
      slotMinutes: 30,
      gridMinutes: 30,
      bufferMinutes: 0,
      minimumNoticeMinutes: 0,
      horizonDays: 21,
      ...schedule,
    },
  };
}

/** A Tuesday, ten in the morning in New York. */
const now = new Date('2026-11-24T15:00:00Z');

function resolve(date: string, at = now, organization = clinic('America/New_York'), language = 'en') {
  return resolveDate({ date, language, now: at, organization });
}

describe('at one instant in three zones', () => {
  const alwaysOpen = { weekly: { ...weekdays, saturday: day, sunday: day }, horizonDays: 400 };
  const inZone = Object.fromEntries(zones.map((zone) => [zone, clinic(zone, alwaysOpen)]));

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
    const organization = clinic('UTC', {
      weekly: { ...weekdays, saturday: day, sunday: day },
      horizonDays: 300,
    });
    expect(resolve(said, new Date(at), organization)).toMatchObject({ ok: true, date });
  });

  test('a date that a year does not have is asked about', () => {
    expect(resolve('2027-02-29', new Date('2027-02-01T12:00:00Z'))).toEqual({ ok: false, reason: 'unclear' });
  });
});

describe('a day that is no day to book', () => {
  test.each([
    ['Saturday', 'closed', '2026-11-28'],
    ['2027-03-01', 'beyond_horizon', '2027-03-01'],
    ['2026-12-15', 'beyond_horizon', '2026-12-15'],
    ['2026-11-23', 'past', '2026-11-23'],
  ])('%s is %s', (said, reason, date) => {
    expect(resolve(said)).toMatchObject({ ok: false, reason, date });
  });

  test('is not the last of the horizon', () => {
    expect(resolve('2026-12-14')).toMatchObject({ ok: true });
  });

  test('may be closed for one practitioner and open for another', () => {
    const saturdays = { ...lee, id: 'two', key: 'patel', weekly: { saturday: day } };
    const organization = clinic('America/New_York', {}, [lee, saturdays]);
    const asked = { date: 'Saturday', language: 'en', now, organization };
    expect(resolveDate(asked)).toMatchObject({ ok: true, date: '2026-11-28' });
    expect(resolveDate({ ...asked, practitioners: [saturdays] })).toMatchObject({ ok: true });
    expect(resolveDate({ ...asked, practitioners: [lee] })).toMatchObject({ ok: false, reason: 'closed' });
  });

  test('is passed over in a stretch of days', () => {
    const organization = clinic('America/New_York', { specialDays: [{ date: '2026-11-30', open: [] }] });
    expect(resolve('next week', now, organization)).toMatchObject({ ok: true, date: '2026-12-01' });
    expect(resolve('this weekend', now, organization)).toMatchObject({ ok: false, reason: 'closed' });
  });

  test('that has the wrong weekday is told with the two days it may have been', () => {
    expect(resolve('Tuesday the 25th')).toEqual({
      ok: false,
      reason: 'mismatch',
      date: '2026-11-25',
      otherDate: '2026-11-24',
      saidWeekday: 2,
      actualWeekday: 3,
    });
    // The Monday before is over.
    expect(resolve('Monday the 25th')).toMatchObject({ otherDate: '2026-11-30' });
  });
});

test('a day is the clinic’s, not the server’s: one second on either side of its midnight', () => {
  expect(resolve('today', new Date('2026-11-25T04:59:59Z'))).toMatchObject({ date: '2026-11-24' });
  expect(resolve('today', new Date('2026-11-25T05:00:00Z'))).toMatchObject({ date: '2026-11-25' });
  expect(resolve('tomorrow', new Date('2026-11-25T04:59:59Z'))).toMatchObject({ date: '2026-11-25' });
  // The last second of a day of twenty-five hours, and the first of the next.
  const sundays = clinic('America/New_York', { weekly: { ...weekdays, sunday: day } });
  expect(resolve('today', new Date('2026-11-02T04:59:59Z'), sundays)).toMatchObject({ date: '2026-11-01' });
  expect(resolve('today', new Date('2026-11-02T05:00:00Z'), sundays)).toMatchObject({ date: '2026-11-02' });
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
  const read = resolve(said, now, clinic('America/New_York'), language);
  if (!read.ok) throw new Error(`not understood: ${JSON.stringify(read)}`);
  const time = resolveTime({ time: read.time ?? '', language });
  expect(time).toEqual(
    kind === undefined ? { ok: true } : { ok: true, wish: { kind, fromMinute, toMinute } },
  );
});

describe('a time', () => {
  test.each([
    ['en', '3 pm', 'at', 900, 900],
    ['en', '15:00', 'at', 900, 900],
    ['en', 'three', 'at', 900, 900],
    ['en', 'half past two', 'at', 870, 870],
    ['en', 'a quarter to ten', 'at', 585, 585],
    ['en', 'quarter past nine in the morning', 'at', 555, 555],
    ['en', 'ten to four', 'at', 950, 950],
    ['en', 'two thirty', 'at', 870, 870],
    ['en', 'nine oh five', 'at', 545, 545],
    ['en', 'noon', 'at', 720, 720],
    ['en', 'twelve thirty', 'at', 750, 750],
    ['en', 'around 10 a.m.', 'at', 600, 600],
    ['en', 'after lunch', 'between', 780, 1020],
    ['en', 'before noon', 'between', 0, 719],
    ['en', 'in the afternoon', 'between', 720, 1079],
    ['en', 'first thing', 'between', 0, 600],
    ['en', 'late afternoon', 'between', 960, 1110],
    ['en', 'after four', 'after', 960, 1440],
    ['en', 'not before 10', 'after', 600, 1440],
    ['en', 'before eleven', 'before', 0, 659],
    ['en', 'between two and four', 'between', 840, 960],
    ['de', 'halb drei', 'at', 870, 870],
    ['de', 'viertel nach neun', 'at', 555, 555],
    ['de', 'viertel vor drei', 'at', 885, 885],
    ['de', '14 Uhr 30', 'at', 870, 870],
    ['de', 'um fünfzehn Uhr', 'at', 900, 900],
    ['de', 'vormittags', 'between', 0, 719],
    ['de', 'nachmittags', 'between', 720, 1079],
    ['de', 'nach dem Mittagessen', 'between', 780, 1020],
    ['de', 'nach vier', 'after', 960, 1440],
    ['de', 'ab zehn Uhr', 'after', 600, 1440],
    ['de', 'mittags', 'between', 690, 810],
    ['de', 'zwischen zwei und vier Uhr', 'between', 840, 960],
    ['de', 'um neun am Freitag', 'at', 540, 540],
    ['es', 'entre las dos y las cuatro', 'between', 840, 960],
    ['es', 'a las dos y media', 'at', 870, 870],
    ['es', 'a las tres menos cuarto', 'at', 885, 885],
    ['es', 'a las nueve y cuarto de la mañana', 'at', 555, 555],
    ['es', 'a la una', 'at', 780, 780],
    ['es', 'por la tarde', 'between', 720, 1079],
    ['es', 'después de comer', 'between', 780, 1020],
    ['es', 'después de las cuatro', 'after', 960, 1440],
    ['es', 'a primera hora', 'between', 0, 600],
    ['es', 'al mediodía', 'between', 690, 810],
  ] as const)('said in %s as "%s" is %s', (language, time, ...wish) => {
    const [kind, fromMinute, toMinute] = wish;
    expect(resolveTime({ time, language })).toEqual({ ok: true, wish: { kind, fromMinute, toMinute } });
  });

  test('without a half of the day is when there is somebody', () => {
    const at = (from: string, to: string) =>
      resolveTime({ time: 'at seven', language: 'en', hours: [{ from, to }] });
    expect(at('07:00', '15:00')).toMatchObject({ wish: { fromMinute: 420 } });
    expect(at('12:00', '20:00')).toMatchObject({ wish: { fromMinute: 1140 } });
  });

  test('that says nothing is no wish, and one that cannot be understood says so', () => {
    expect(resolveTime({ time: '', language: 'en' })).toEqual({ ok: true });
    expect(resolveTime({ time: 'whatever', language: 'en' })).toEqual({ ok: false, reason: 'unclear' });
  });
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
      expect(resolve(text, now, clinic('America/New_York'), language)).toHaveProperty('ok');
      expect(resolveTime({ time: text, language })).toHaveProperty('ok');
    }),
    { numRuns: 400 },
  );
});
