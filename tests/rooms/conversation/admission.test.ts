import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createAdmission } from '#conversation/admission.ts';
import { createLog } from '#telemetry/log.ts';
import { Caller, startApp } from '../../running-app.ts';

const log = createLog({ level: 'silent', pretty: false });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('nobody new is taken while turns are late, and somebody is again when they are not', () => {
  let lateMs = 0;
  using admission = createAdmission({ log, lateness: () => lateMs });
  expect(admission.open).toBe(true);
  lateMs = 80;
  vi.advanceTimersByTime(1_000);
  expect(admission.open).toBe(true);
  vi.advanceTimersByTime(1_000);
  expect(admission.open).toBe(false);
  // Not at once with the first improvement, or it would open and close in turns.
  lateMs = 30;
  vi.advanceTimersByTime(5_000);
  expect(admission.open).toBe(false);
  lateMs = 5;
  vi.advanceTimersByTime(2_000);
  expect(admission.open).toBe(true);
});

test('one late second, such as a collection, closes nothing', () => {
  const late = [80, 0, 80, 0, 80, 0];
  using admission = createAdmission({ log, lateness: () => late.shift() ?? 0 });
  vi.advanceTimersByTime(6_000);
  expect(admission.open).toBe(true);
});

test('a new call hears that all lines are busy; a call that is on goes on; later the same caller is taken', async () => {
  vi.useRealTimers();
  const room = { open: true, turnedAway: vi.fn(), [Symbol.dispose]() {} };
  await using app = await startApp({ admission: room });
  const on = new Caller(app, '+12125550143');
  await on.say('Next Tuesday, please.');
  room.open = false;
  const late = new Caller(app, '+12125550144');
  expect(await late.say('Next Tuesday, please.')).toMatch(/lines are busy/);
  expect(await on.say('The first one, please.')).toMatch(/holding/i);
  expect(room.turnedAway).toHaveBeenCalledTimes(1);
  room.open = true;
  expect(await late.say('Next Tuesday, please.')).toMatch(/would you like/);
});
