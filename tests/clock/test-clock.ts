/**
 * How far the clock of a test file that begins now is to be ahead: so that it shows what TEST_CLOCK says, or else the
 * real time, but never a midnight in the middle of a test. Whole seconds.
 *
 * @param wanted an ISO instant
 */
export function offsetFor(wanted: string | undefined, nowMs: number): number {
  if (wanted === undefined) return midnightWithin(nowMs, longestFileMs) ? longestFileMs : 0;
  const offsetMs = Math.round((Date.parse(wanted) - nowMs) / 1000) * 1000;
  if (Number.isNaN(offsetMs)) throw new Error(`TEST_CLOCK is no instant: ${wanted}`);
  return offsetMs;
}

/** On a busy machine, and only the files that know days matter. */
const longestFileMs = 3 * 60_000;
/** Of the test clinics, by UTC: there, and in New York in winter and in summer. */
const midnightHours = [0, 4, 5];

function midnightWithin(fromMs: number, withinMs: number): boolean {
  const end = new Date(fromMs + withinMs);
  return midnightHours.includes(end.getUTCHours()) && end.getUTCMinutes() * 60_000 < withinMs;
}

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
