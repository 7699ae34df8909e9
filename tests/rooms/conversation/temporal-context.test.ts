import { describe, expect, test } from 'vitest';
import { createTemporalContexts } from '#conversation/temporal-context.ts';
import type { Organization } from '#organization/organization.ts';

const day = [{ from: '09:00', to: '18:00' }];
const organization = {
  id: 'one',
  zone: 'America/New_York',
  schedule: {
    weekly: { monday: day, tuesday: day, wednesday: day, thursday: day, friday: day },
    specialDays: [{ date: '2026-11-26', open: [] }],
    slotMinutes: 30,
    gridMinutes: 30,
    bufferMinutes: 0,
    minimumNoticeMinutes: 0,
    horizonDays: 21,
  },
} as unknown as Organization;

function at(instant: string) {
  return createTemporalContexts()({ organization, now: new Date(instant) });
}

describe('a second on either side of', () => {
  test('midnight is another day', () => {
    expect(at('2026-11-25T04:59:59Z')).toMatchObject({
      currentDate: expect.stringContaining('Tuesday'),
      currentTime: '23:59',
      nextBusinessDay: 'Wednesday 2026-11-25',
    });
    expect(at('2026-11-25T05:00:00Z')).toMatchObject({
      currentDate: expect.stringContaining('2026-11-25'),
      currentTime: '00:00',
      nextBusinessDay: 'Friday 2026-11-27',
    });
  });

  test('closing time is open and closed', () => {
    expect(at('2026-11-24T22:59:59Z').openNow).toBe(true);
    expect(at('2026-11-24T23:00:00Z').openNow).toBe(false);
  });

  test('a clock change is an hour apart', () => {
    expect(at('2026-11-01T05:59:59Z').currentTime).toBe('01:59');
    expect(at('2026-11-01T06:00:00Z').currentTime).toBe('01:00');
    expect(at('2026-03-08T06:59:59Z').currentTime).toBe('01:59');
    expect(at('2026-03-08T07:00:00Z').currentTime).toBe('03:00');
  });
});

test('the coming two weeks are told with the right weekday, and closed days as closed', () => {
  const { days, businessHours } = at('2026-11-24T15:00:00Z');
  expect(days).toHaveLength(14);
  for (const { weekday, date } of days) {
    const real = new Intl.DateTimeFormat('en-US', { weekday: 'long', timeZone: 'UTC' });
    expect(weekday).toBe(real.format(new Date(`${date}T12:00:00Z`)));
  }
  expect(days[0]).toEqual({ weekday: 'Tuesday', date: '2026-11-24', open: '9:00 to 18:00' });
  expect(days[2]).toMatchObject({ date: '2026-11-26', open: 'closed' });
  expect(businessHours).toBe('Monday to Friday 9:00 to 18:00, closed Saturday and Sunday');
});

test('an edited organization is told anew within the same minute', () => {
  const contexts = createTemporalContexts();
  const now = new Date('2026-11-24T15:00:00Z');
  expect(contexts({ organization, now }).openNow).toBe(true);
  const edited = { ...organization, schedule: { ...organization.schedule, weekly: {} } };
  expect(contexts({ organization: edited, now }).openNow).toBe(false);
});
