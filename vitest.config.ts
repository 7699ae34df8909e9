import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/template-database.ts'],
    // Real servers start and stop in here; a hang shows well within this.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
