import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Log } from '#telemetry/log.ts';
import { counter, gauge } from '#telemetry/metrics.ts';

/** Whether there is room for one more call. Calls that are on are never asked: they come first. */
export interface Admission extends Disposable {
  readonly open: boolean;
  /** A call was not taken. */
  turnedAway(): void;
}

/** What tells how far behind this process is, in milliseconds over the last second. */
export type Lateness = () => number;

/**
 * Half of the process's turns wait this long for each step of their way, and a turn has several: what callers hear
 * begins to be late. Nobody new is taken until it is far below.
 */
const closedAboveMs = 50;
const openBelowMs = 15;
const lookEveryMs = 1_000;

/** Seconds in a row before anything is concluded: a collection or a start of the process is no overload. */
const looksInARow = 2;

const refused = counter(
  'holdline_calls_turned_away_total',
  'Calls that were not taken because others would suffer.',
);

/** @param lateness replaces what is measured, for tests; otherwise the middle delay of the event loop */
export function createAdmission({
  log,
  lateness = watchLoop(),
}: {
  log: Log;
  lateness?: Lateness;
}): Admission {
  let open = true;
  let otherwise = 0;
  const look = () => {
    const lateMs = lateness();
    const wanted = open ? lateMs <= closedAboveMs : lateMs < openBelowMs;
    otherwise = wanted === open ? 0 : otherwise + 1;
    if (otherwise < looksInARow) return;
    otherwise = 0;
    open = wanted;
    if (open) log.info({ lateMs: Math.round(lateMs) }, 'there is room for new calls again');
    else log.warn({ lateMs: Math.round(lateMs) }, 'no room for new calls: those that are on come first');
  };
  const timer = setInterval(look, lookEveryMs);
  timer.unref();
  gauge(
    'holdline_admits_calls',
    'Whether new calls are taken (1) or told that all lines are busy (0).',
    () => (open ? 1 : 0),
  );
  return {
    get open() {
      return open;
    },
    turnedAway: () => refused({}),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

const resolutionMs = 10;

function watchLoop(): Lateness {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  return () => {
    const lateMs = delays.percentile(50) / 1e6 - resolutionMs;
    delays.reset();
    return lateMs;
  };
}
