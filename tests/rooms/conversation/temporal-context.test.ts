import { describe, expect, test } from 'vitest';
import { createTemporalContexts } from '#conversation/temporal-context.ts';
import type { Organization, Schedule } from '#organization/organization.ts';
import { languages } from '../../languages.ts';

const day = [
  { from: '09:00', to: '12:30' },
  { from: '13:30', to: '18:00' },
];
const organization = {
  id: 'one',
  zone: 'America/New_York',
  languages: ['en'],
  practitioners: [],
  schedule: {
    weekly: { monday: day, tuesday: day, wednesday: day, thursday: day, friday: day },
    specialDays: [
      { date: '2026-11-26', open: [], note: 'Thanksgiving' },
      { date: '2026-11-27', open: [{ from: '10:00', to: '12:00' }] },
    ],
    slotMinutes: 30,
    gridMinutes: 30,
    bufferMinutes: 0,
    minimumNoticeMinutes: 0,
    horizonDays: 21,
  },
} as unknown as Organization;

function at(instant: string, own: Partial<Organization> = {}, schedule: Partial<Schedule> = {}) {
  const clinic = { ...organization, ...own, schedule: { ...organization.schedule, ...schedule } };
  return createTemporalContexts(languages)({ organization: clinic, now: new Date(instant) });
}

describe('a second on either side of', () => {
  test('midnight is another day', () => {
    expect(at('2026-11-25T04:59:59Z')).toMatchObject({
      currentDate: 'Tuesday, 24 November 2026 (2026-11-24)',
      currentTime: '23:59',
      nextBusinessDay: 'Wednesday 2026-11-25',
      days: expect.arrayContaining([expect.objectContaining({ date: '2026-11-24' })]),
    });
    const after = at('2026-11-25T05:00:00Z');
    expect(after).toMatchObject({
      currentDate: 'Wednesday, 25 November 2026 (2026-11-25)',
      currentTime: '00:00',
      nextBusinessDay: 'Friday 2026-11-27',
    });
    expect(after.days[0]?.date).toBe('2026-11-25');
  });

  test.each([
    ['2026-11-24T13:59:59Z', false, 'opening'],
    ['2026-11-24T14:00:00Z', true, 'opening'],
    ['2026-11-24T17:29:59Z', true, 'the break'],
    ['2026-11-24T17:30:00Z', false, 'the break'],
    ['2026-11-24T18:29:59Z', false, 'the break’s end'],
    ['2026-11-24T18:30:00Z', true, 'the break’s end'],
    ['2026-11-24T22:59:59Z', true, 'closing'],
    ['2026-11-24T23:00:00Z', false, 'closing'],
    // A short day: its own hours count.
    ['2026-11-27T14:59:59Z', false, 'a short day’s opening'],
    ['2026-11-27T15:00:00Z', true, 'a short day’s opening'],
    ['2026-11-27T16:59:59Z', true, 'a short day’s closing'],
    ['2026-11-27T17:00:00Z', false, 'a short day’s closing'],
    // A day it is closed.
    ['2026-11-26T15:00:00Z', false, 'nothing'],
  ])('%s it is open: %s (%s)', (instant, open) => {
    expect(at(instant).openNow).toBe(open);
  });

  test.each([
    // Forward, back, in New York; half an hour, on Lord Howe; at a quarter to three, on Chatham; at midnight, in Cairo.
    ['America/New_York', '2026-03-08T06:59:59Z', '01:59', '2026-03-08T07:00:00Z', '03:00'],
    ['America/New_York', '2026-11-01T05:59:59Z', '01:59', '2026-11-01T06:00:00Z', '01:00'],
    ['Australia/Lord_Howe', '2026-10-03T15:29:59Z', '01:59', '2026-10-03T15:30:00Z', '02:30'],
    ['Australia/Lord_Howe', '2026-04-04T14:59:59Z', '01:59', '2026-04-04T15:00:00Z', '01:30'],
    ['Pacific/Chatham', '2026-09-26T13:59:59Z', '02:44', '2026-09-26T14:00:00Z', '03:45'],
    ['Africa/Cairo', '2026-04-23T21:59:59Z', '23:59', '2026-04-23T22:00:00Z', '01:00'],
  ])('a change of clocks in %s, the clock jumps', (zone, ...around) => {
    const [before, shown, after, thenShown] = around;
    expect(at(before, { zone }).currentTime).toBe(shown);
    expect(at(after, { zone }).currentTime).toBe(thenShown);
  });

  test('midnight on a day of twenty-three and of twenty-five hours is another day', () => {
    for (const [last, first, date] of [
      ['2026-03-09T03:59:59Z', '2026-03-09T04:00:00Z', '2026-03-09'],
      ['2026-11-02T04:59:59Z', '2026-11-02T05:00:00Z', '2026-11-02'],
    ] as const) {
      expect(at(last).days[1]?.date).toBe(date);
      expect(at(first).days[0]?.date).toBe(date);
    }
  });

  test('the same hour of the clock before and after a change is open as the clock says', () => {
    const night = { weekly: { sunday: [{ from: '01:30', to: '02:30' }] } };
    for (const [instant, open] of [
      ['2026-11-01T05:29:59Z', false],
      ['2026-11-01T05:30:00Z', true],
      ['2026-11-01T06:00:00Z', false],
      ['2026-11-01T06:30:00Z', true],
      ['2026-11-01T07:29:59Z', true],
      ['2026-11-01T07:30:00Z', false],
    ] as const)
      expect(at(instant, {}, night).openNow, instant).toBe(open);
  });
});

test('the coming two weeks are told with the right weekday, closed days as closed, and why', () => {
  const { days, businessHours } = at('2026-11-24T15:00:00Z');
  expect(days).toHaveLength(14);
  for (const { weekday, date } of days) {
    const real = new Intl.DateTimeFormat('en-US', { weekday: 'long', timeZone: 'UTC' });
    expect(weekday).toBe(real.format(new Date(`${date}T12:00:00Z`)));
  }
  expect(days[0]).toEqual({
    weekday: 'Tuesday',
    date: '2026-11-24',
    open: '9:00 to 12:30 and 13:30 to 18:00',
  });
  expect(days[2]).toMatchObject({ date: '2026-11-26', open: 'closed (Thanksgiving)' });
  expect(days[3]).toMatchObject({ date: '2026-11-27', open: '10:00 to 12:00' });
  expect(businessHours).toBe('Monday to Friday 9:00 to 12:30 and 13:30 to 18:00, closed Saturday and Sunday');
});

test('a day somebody is there although the clinic is closed is told with their hours', () => {
  const saturdays = { id: 'two', weekly: { saturday: [{ from: '10:00', to: '13:00' }] }, specialDays: [] };
  const { days } = at('2026-11-24T15:00:00Z', { practitioners: [saturdays as never] });
  expect(days[4]).toEqual({ weekday: 'Saturday', date: '2026-11-28', open: '10:00 to 13:00' });
  expect(days[5]).toMatchObject({ open: 'closed' });
});

test.each([
  [
    'es-MX',
    'martes, 24 de noviembre de 2026 (2026-11-24)',
    'lunes a viernes 9:00 a 12:30 y 13:30 a 18:00, cerrado sábado y domingo',
    'miércoles 2026-11-25',
  ],
  [
    'de',
    'Dienstag, 24. November 2026 (2026-11-24)',
    'Montag bis Freitag 9:00 bis 12:30 und 13:30 bis 18:00, geschlossen Samstag und Sonntag',
    'Mittwoch 2026-11-25',
  ],
])(
  'a clinic that speaks %s is told in its words',
  (language, currentDate, businessHours, nextBusinessDay) => {
    expect(at('2026-11-24T15:00:00Z', { languages: [language] })).toMatchObject({
      currentDate,
      businessHours,
      nextBusinessDay,
    });
  },
);

test('a clinic that never opens has no next business day', () => {
  expect(at('2026-11-24T15:00:00Z', {}, { weekly: {}, specialDays: [] })).toMatchObject({
    nextBusinessDay: 'none',
    openNow: false,
  });
});

test('an organization is told once a minute, and anew when it was edited within the minute', () => {
  const contexts = createTemporalContexts(languages);
  const now = new Date('2026-11-24T15:00:00Z');
  const first = contexts({ organization, now });
  expect(first.openNow).toBe(true);
  expect(contexts({ organization, now: new Date('2026-11-24T15:00:59.999Z') })).toBe(first);
  expect(contexts({ organization, now: new Date('2026-11-24T15:01:00Z') })).not.toBe(first);
  const edited = { ...organization, schedule: { ...organization.schedule, weekly: {} } };
  expect(contexts({ organization: edited, now }).openNow).toBe(false);
});
