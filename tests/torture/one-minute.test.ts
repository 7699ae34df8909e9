import { expect, test } from 'vitest';
import { redisServer } from '../redis-server.ts';
import { reportLines, reportOf } from './report.ts';
import { runTorture } from './run.ts';

const minutes = 1;

redisServer.describe('a minute of torture', () => {
  test('leaves a ledger that kept every promise', { timeout: 4 * 60_000 }, async () => {
    const plan = { minutes, seed: 7, servers: 3, callers: { door: 60, sql: 16 }, progress: () => {} };
    const report = reportOf(plan, await runTorture(plan));
    expect(report.violations, reportLines(report).join('\n')).toEqual([]);
    // A run in which next to nothing happened proves nothing.
    expect(report.claimsAndConfirms).toBeGreaterThan(1_000);
    expect(report.faultCount).toBeGreaterThan(5);
    expect(report.operations['confirm by door']?.ok).toBeGreaterThan(5);
    expect(report.operations['confirm by sql']?.ok).toBeGreaterThan(20);
  });
});
