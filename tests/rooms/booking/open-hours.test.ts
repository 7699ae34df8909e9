import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOpenAt, localDate, nextOpenDay, slotsOf } from '#booking/open-hours.ts';
import type { Schedule } from '#organization/organization.ts';

const open = [
  { from: '09:00', to: '12:00' },
  { from: '13:00', to: '18:00' },
];
const schedule: Schedule = {
  weekly: { monday: open, tuesday: open, wednesday: open, thursday: open, friday: open, sunday: open },
  specialDays: [
    { date: '2026-11-26', open: [] },
    { date: '2026-11-28', open: [{ from: '10:00', to: '11:00' }] },
  ],
  slotMinutes: 30,
  gridMinutes: 30,
  bufferMinutes: 0,
  minimumNoticeMinutes: 0,
  horizonDays: 21,
};

function slotsOn(date: string, zone = 'America/New_York', own: Partial<Schedule> = {}) {
  return slotsOf({ ...schedule, ...own }, zone, { from: date, to: date });
}

describe('the slots of a day', () => {
  test('fill the open hours and leave the break out', () => {
    const slots = slotsOn('2026-11-24');
    expect(slots).toHaveLength(16);
    expect(slots[0]?.startsAt.toISOString()).toBe('2026-11-24T14:00:00.000Z');
    expect(slots.at(-1)?.endsAt.toISOString()).toBe('2026-11-24T23:00:00.000Z');
    expect(slots.some(({ startsAt }) => startsAt.toISOString() === '2026-11-24T17:00:00.000Z')).toBe(false);
  });

  test('are none on a closed day and those of the special hours on a special one', () => {
    expect(slotsOn('2026-11-21')).toHaveLength(0);
    expect(slotsOn('2026-11-26')).toHaveLength(0);
    expect(slotsOn('2026-11-28')).toHaveLength(2);
  });

  test('overlap when the grid is finer than they are long, and none reaches past closing', () => {
    const slots = slotsOn('2026-11-24', 'America/New_York', { slotMinutes: 60 });
    expect(slots).toHaveLength(5 + 9);
    expect(slots.every(({ startsAt, endsAt }) => endsAt.getTime() - startsAt.getTime() === 3_600_000)).toBe(
      true,
    );
  });

  test.each([
    // Clocks go from 2:00 to 3:00, and from 2:00 back to 1:00.
    ['2026-03-08', 'America/New_York', 23],
    ['2026-11-01', 'America/New_York', 25],
    ['2026-03-29', 'Europe/Berlin', 23],
    ['2026-10-25', 'Europe/Berlin', 25],
    // Half an hour only.
    ['2026-10-04', 'Australia/Lord_Howe', 23.5],
    ['2026-04-05', 'Australia/Lord_Howe', 24.5],
    ['2026-04-05', 'Asia/Kolkata', 24],
  ])('of %s in %s are those of %d hours, all real', (date, zone, hours) => {
    const allDay = [{ from: '00:00', to: '24:00' }];
    const slots = slotsOn(date, zone, { weekly: { sunday: allDay } });
    expect(slots).toHaveLength(hours * 2);
    for (const [index, slot] of slots.entries()) {
      expect(slot.startsAt.getTime()).toBe(slots[index - 1]?.endsAt.getTime() ?? slot.startsAt.getTime());
      expect(localDate(zone, slot.startsAt)).toBe(date);
    }
  });

  test('never overlap and lie where the clinic is open, in every zone and on every day', () => {
    const zones = Intl.supportedValuesOf('timeZone');
    const day = fc.date({ min: new Date('2025-01-01'), max: new Date('2028-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(fc.constantFrom(...zones), day, (zone, instant) => {
        const date = instant.toISOString().slice(0, 10);
        const slots = slotsOn(date, zone);
        for (const [index, slot] of slots.entries()) {
          expect(isOpenAt(schedule, zone, slot.startsAt)).toBe(true);
          const next = slots[index + 1];
          if (next !== undefined)
            expect(next.startsAt.getTime()).toBeGreaterThanOrEqual(slot.endsAt.getTime());
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('the next open day leaves closed and special days out', () => {
  expect(nextOpenDay(schedule, '2026-11-25')).toBe('2026-11-27');
  expect(nextOpenDay(schedule, '2026-11-27')).toBe('2026-11-28');
  expect(nextOpenDay({ ...schedule, weekly: {}, specialDays: [] }, '2026-11-25')).toBeUndefined();
});

test.each([
  ['2026-11-24T13:59:59Z', false],
  ['2026-11-24T14:00:00Z', true],
  ['2026-11-24T16:59:59Z', true],
  ['2026-11-24T17:00:00Z', false],
  ['2026-11-24T22:59:59Z', true],
  ['2026-11-24T23:00:00Z', false],
])('at %s in New York it is open: %s', (instant, expected) => {
  expect(isOpenAt(schedule, 'America/New_York', new Date(instant))).toBe(expected);
});
