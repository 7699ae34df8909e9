import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Schedule } from '#organization/organization.ts';
import { resolveDate, resolveTime } from '#tools/resolve-date.ts';

const day = [{ from: '09:00', to: '18:00' }];
const schedule: Schedule = {
  weekly: { monday: day, tuesday: day, wednesday: day, thursday: day, friday: day },
  specialDays: [],
  slotMinutes: 30,
  gridMinutes: 30,
  bufferMinutes: 0,
  minimumNoticeMinutes: 0,
  horizonDays: 21,
};
/** A Tuesday, ten in the morning in New York. */
const now = new Date('2026-11-24T15:00:00Z');

function resolve(date: string, at = now, zone = 'America/New_York') {
  return resolveDate({ date, now: at, zone, schedule });
}

describe('a day', () => {
  test.each([
    ['2026-11-30', '2026-11-30'],
    ['today', '2026-11-24'],
    ['Tomorrow', '2026-11-25'],
    ['Tuesday', '2026-11-24'],
    ['next Tuesday', '2026-12-01'],
    ['Friday', '2026-11-27'],
    ['this Friday please', '2026-11-27'],
    ['the 3rd', '2026-12-03'],
    ['Thursday the 3rd', '2026-12-03'],
    ['December 1st', '2026-12-01'],
  ])('said as "%s" is %s', (said, date) => {
    expect(resolve(said)).toMatchObject({ ok: true, date });
  });

  test.each([
    ['Tuesday the 25th', 'mismatch'],
    ['yesterday', 'past'],
    ['2026-11-23', 'past'],
    ['2027-03-01', 'beyond_horizon'],
    ['Saturday', 'closed'],
    ['whenever you like', 'unclear'],
    ['2026-02-31', 'unclear'],
    ['', 'unclear'],
  ])('said as "%s" is answered with %s', (said, reason) => {
    expect(resolve(said)).toMatchObject({ ok: false, reason });
  });

  test('is the clinic’s, not the server’s: one second on either side of its midnight', () => {
    expect(resolve('today', new Date('2026-11-25T04:59:59Z'))).toMatchObject({ date: '2026-11-24' });
    expect(resolve('today', new Date('2026-11-25T05:00:00Z'))).toMatchObject({ date: '2026-11-25' });
    expect(resolve('tomorrow', new Date('2026-11-25T04:59:59Z'))).toMatchObject({ date: '2026-11-25' });
  });

  test('may bring words about the time with it', () => {
    expect(resolve('tomorrow after lunch')).toMatchObject({
      ok: true,
      date: '2026-11-25',
      time: 'after lunch',
    });
  });

  test('in any words whatever is answered, never thrown at', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60, unit: 'binary' }), (said) => {
        expect(resolve(said)).toHaveProperty('ok');
        expect(resolveTime({ time: said })).toHaveProperty('ok');
      }),
    );
  });
});

describe('a time', () => {
  test.each([
    ['', undefined],
    ['in the morning', { kind: 'between' }],
    ['after lunch', { kind: 'between' }],
    ['15:00', { fromMinute: 900 }],
    ['3 pm', { fromMinute: 900 }],
  ])('said as "%s" is understood', (said, wish) => {
    const read = resolveTime({ time: said });
    expect(read.ok).toBe(true);
    if (read.ok && wish === undefined) expect(read.wish).toBeUndefined();
    else expect(read).toMatchObject({ wish });
  });
});
