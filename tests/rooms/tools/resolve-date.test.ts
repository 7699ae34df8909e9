import { describe, expect, test } from 'vitest';
import { resolveDate } from '#tools/resolve-date.ts';
import { imaginedClinic, lee, openDay, workingDays } from '../../imagined-clinic.ts';
import { languages } from '../../languages.ts';

/** A Tuesday, ten in the morning in New York. */
const now = new Date('2026-11-24T15:00:00Z');

function resolve(date: string, at = now, organization = imaginedClinic('America/New_York')) {
  return resolveDate({ date, language: 'en', languages, now: at, organization });
}

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
    const saturdays = { ...lee, id: 'two', key: 'patel', weekly: { saturday: openDay } };
    const organization = imaginedClinic('America/New_York', {}, [lee, saturdays]);
    const asked = { date: 'Saturday', language: 'en', languages, now, organization };
    expect(resolveDate(asked)).toMatchObject({ ok: true, date: '2026-11-28' });
    expect(resolveDate({ ...asked, practitioners: [saturdays] })).toMatchObject({ ok: true });
    expect(resolveDate({ ...asked, practitioners: [lee] })).toMatchObject({ ok: false, reason: 'closed' });
  });

  test('is passed over in a stretch of days', () => {
    const organization = imaginedClinic('America/New_York', {
      specialDays: [{ date: '2026-11-30', open: [] }],
    });
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
  const sundays = imaginedClinic('America/New_York', { weekly: { ...workingDays, sunday: openDay } });
  expect(resolve('today', new Date('2026-11-02T04:59:59Z'), sundays)).toMatchObject({ date: '2026-11-01' });
  expect(resolve('today', new Date('2026-11-02T05:00:00Z'), sundays)).toMatchObject({ date: '2026-11-02' });
});
