import { defineConfig } from 'vitest/config';

/** Real servers start and stop in here; a hang shows well within this. */
const limits = { testTimeout: 60_000, hookTimeout: 60_000 };
const globalSetup = ['tests/template-database.ts'];
/** Takes all the machine there is for a minute, and counts what got done in it. */
const alone = 'tests/torture/one-minute.test.ts';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'suites',
          include: ['tests/**/*.test.ts'],
          exclude: [alone],
          globalSetup,
          ...limits,
          // Most of a suite is waiting for real servers; each file has a database of its own.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      { test: { name: 'torture', include: [alone], globalSetup, ...limits, sequence: { groupOrder: 1 } } },
    ],
  },
});
