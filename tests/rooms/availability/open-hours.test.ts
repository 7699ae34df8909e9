import { describe, expect, test } from 'vitest';
import {
  bookableSpan,
  isOpenAt,
  nextOpenDay,
  practitionerHoursOn,
  practitionersOn,
  slotsOf,
  timetableOf,
} from '#availability/open-hours.ts';
import { localDate } from '#organization/clinic-clock.ts';
import type { Practitioner, Schedule } from '#organization/organization.ts';

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

/** A practitioner with nothing of their own. */
const likeTheClinic: Practitioner = {
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

function slotsOn(date: string, zone = 'America/New_York', own: Partial<Schedule> = {}) {
  const clinic = { schedule: { ...schedule, ...own }, zone };
  return slotsOf(timetableOf(clinic, likeTheClinic), { from: date, to: date });
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

describe('a practitioner', () => {
  const mornings = [{ from: '08:00', to: '12:00' }];
  const hours = (own: Partial<Practitioner>, date: string, clinic: Partial<Schedule> = {}) =>
    practitionerHoursOn({ ...schedule, ...clinic }, { ...likeTheClinic, ...own }, date);

  test('without anything of their own is there when the clinic is open', () => {
    expect(hours({}, '2026-11-24')).toEqual(open);
    expect(hours({}, '2026-11-26')).toEqual([]);
  });

  test('with own hours is there then, also where the clinic is closed that weekday', () => {
    expect(hours({ weekly: { tuesday: mornings } }, '2026-11-24')).toEqual(mornings);
    expect(hours({ weekly: { tuesday: mornings } }, '2026-11-25')).toEqual([]);
    expect(hours({ weekly: { saturday: mornings } }, '2026-11-21')).toEqual(mornings);
  });

  test('is not there on a day the clinic closes, and within its hours on a short day', () => {
    expect(hours({ weekly: { thursday: mornings } }, '2026-11-26')).toEqual([]);
    const shortDay = { specialDays: [{ date: '2026-11-24', open: [{ from: '10:00', to: '14:00' }] }] };
    expect(hours({ weekly: { tuesday: mornings } }, '2026-11-24', shortDay)).toEqual([
      { from: '10:00', to: '12:00' },
    ]);
  });

  test('with a day of their own is there then, whatever else is said', () => {
    const own = { specialDays: [{ date: '2026-11-26', open: mornings }], weekly: {} };
    expect(hours(own, '2026-11-26')).toEqual(mornings);
    expect(hours({ specialDays: [{ date: '2026-11-24', open: [] }] }, '2026-11-24')).toEqual([]);
  });

  test('may have slots of another length, which then follow each other', () => {
    const timetable = timetableOf({ schedule, zone: 'UTC' }, { ...likeTheClinic, slotMinutes: 45 });
    const starts = slotsOf(timetable, { from: '2026-11-24', to: '2026-11-24' });
    expect(starts.slice(0, 4).map(({ startsAt }) => startsAt.toISOString().slice(11, 16))).toEqual([
      '09:00',
      '09:45',
      '10:30',
      '11:15',
    ]);
  });

  test('can be booked from their own notice to their own horizon, the clinic’s where nothing is said', () => {
    const clinic = { schedule: { ...schedule, minimumNoticeMinutes: 60 }, zone: 'America/New_York' };
    const now = new Date('2026-11-24T15:00:00Z');
    expect(bookableSpan(clinic, likeTheClinic, now)).toEqual({
      startsAt: new Date('2026-11-24T16:00:00Z'),
      endsAt: new Date('2026-12-15T05:00:00Z'),
    });
    expect(bookableSpan(clinic, { minimumNoticeMinutes: 0, horizonDays: 1 }, now)).toEqual({
      startsAt: now,
      endsAt: new Date('2026-11-25T05:00:00Z'),
    });
  });

  test('is one of those who are there on a day, or not', () => {
    const away = { ...likeTheClinic, id: 'two', weekly: {} };
    const clinic = { schedule, practitioners: [likeTheClinic, away] };
    expect(practitionersOn(clinic, '2026-11-24')).toEqual([likeTheClinic]);
    expect(practitionersOn(clinic, '2026-11-26')).toEqual([]);
  });
});

test('hours that were written in any order, overlap or end before they begin still make apart slots', () => {
  const weekly = {
    tuesday: [
      { from: '13:00', to: '15:00' },
      { from: '09:00', to: '10:00' },
      { from: '14:30', to: '16:00' },
      { from: '18:00', to: '17:00' },
    ],
  };
  expect(slotsOn('2026-11-24', 'UTC', { weekly })).toHaveLength(2 + 6);
});
