import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { openLedgerDatabase } from '../ledger-database.ts';
import { realNowMs } from './moved-date.ts';
import { clockEnvironment, clockOffsetMs, offsetFor } from './test-clock.ts';

const run = promisify(execFile);

test('a test, its ledger and a process that it starts have one clock', async () => {
  await using database = await openLedgerDatabase();
  const sql = postgres(database.appUrl, { max: 1 });
  const [ledger] = await sql`select extract(epoch from ledger_now())::float8 * 1000 as now`;
  await sql.end();
  const print = 'process.stdout.write(String(new Date().getTime()))';
  const { stdout } = await run(process.execPath, ['-e', print], {
    env: { ...process.env, ...clockEnvironment() },
  });
  const shown = [Date.now(), Date.parse(new Date().toISOString()), Number(ledger?.['now']), Number(stdout)];
  const { TEST_CLOCK } = process.env;
  const expected = TEST_CLOCK === undefined ? realNowMs() + clockOffsetMs() : Date.parse(TEST_CLOCK);
  for (const ms of shown) expect(Math.abs(ms - expected)).toBeLessThan(3_600_000);
});

test('a moved Date is a Date', () => {
  expect(new Date()).toBeInstanceOf(Date);
  expect(structuredClone(new Date(0))).toEqual(new Date(0));
  expect(new Date(2026, 1, 29).getDate()).toBe(1);
  expect(Date.parse(Date())).toBeGreaterThan(0);
  expect(Date.UTC(2026, 0)).toBe(Date.parse('2026-01-01'));
});

test.each([
  ['2026-12-01T12:00:00Z', 0],
  ['2026-12-01T23:56:59Z', 0],
  ['2026-12-01T23:57:01Z', 180_000],
  ['2026-12-01T23:59:59Z', 180_000],
  ['2026-12-02T00:00:00Z', 0],
  ['2026-12-02T03:58:00Z', 180_000],
  ['2026-12-02T04:58:00Z', 180_000],
  ['2026-12-02T05:58:00Z', 0],
])('at %s the clock is put ahead by %i ms, past a midnight that is near', (now, ahead) => {
  expect(offsetFor(undefined, Date.parse(now))).toBe(ahead);
});

test('a time that is wanted is shown, whatever the real one is; what is no time is refused', () => {
  const now = Date.parse('2026-12-01T23:59:00Z');
  expect(offsetFor('2026-12-02T23:59:00Z', now)).toBe(86_400_000);
  expect(offsetFor('2026-11-30T18:59-05:00', now)).toBe(-86_400_000);
  expect(() => offsetFor('tomorrow', now)).toThrow(/TEST_CLOCK is no instant/);
});
