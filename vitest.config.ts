import { defineConfig } from 'vitest/config';
import { times } from './tests/clock/times.ts';

/** Real servers start and stop in here; a hang shows well within this. */
const limits = { testTimeout: 60_000, hookTimeout: 60_000, expect: { poll: { timeout: 15_000 } } };
/** Most of a suite is waiting for real servers; each file has a database of its own. */
const shared = {
  setupFiles: ['tests/clock/set-clock.ts'],
  ...limits,
  maxWorkers: 2,
  sequence: { groupOrder: 0 },
};
/** Takes all the machine there is for a minute, and counts what got done in it. */
const alone = 'tests/torture/one-minute.test.ts';

/** The suites that know days, at another time. A process for all of them together saves most of the importing. */
const atOtherTimes = Object.entries(times).map(([name, { clock, suites }]) => {
  return { test: { name, include: suites, env: { TEST_CLOCK: clock }, isolate: false, ...shared } };
});

export default defineConfig({
  test: {
    globalSetup: ['tests/template-database.ts'],
    projects: [
      { test: { name: 'suites', include: ['tests/**/*.test.ts'], exclude: [alone], ...shared } },
      // Whoever sets the clock runs the suites at that time alone.
      ...(process.env['TEST_CLOCK'] === undefined ? atOtherTimes : []),
      { test: { name: 'torture', include: [alone], ...shared, sequence: { groupOrder: 1 } } },
    ],
  },
});
