/** How far the clock of this test file is ahead of the real one. Its processes and its ledgers share it. */
export function clockOffsetMs(): number {
  return Number(process.env['CLOCK_OFFSET_MS'] ?? 0);
}

/**
 * What a process needs in its environment to have the clock of this test file.
 *
 * @param aheadMs how far its clock goes ahead of it
 */
export function clockEnvironment(aheadMs = 0): Record<string, string> {
  const offsetMs = clockOffsetMs() + aheadMs;
  if (offsetMs === 0) return {};
  const loader = new URL('moved-date.ts', import.meta.url).href;
  return { NODE_OPTIONS: `--import ${loader}`, CLOCK_OFFSET_MS: String(offsetMs) };
}

/** The statement that gives a ledger the clock of this test file. @param ahead an interval it goes ahead of it */
export function ledgerClock(ahead = '0 seconds'): string {
  return `create or replace function ledger_now() returns timestamptz language sql volatile
    return clock_timestamp() + interval '${clockOffsetMs()} milliseconds' + interval '${ahead}'`;
}
