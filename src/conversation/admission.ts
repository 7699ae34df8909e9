// By its own name: the global may have a browser's type, which knows no event loop.
import { createHistogram, performance as nodePerformance } from 'node:perf_hooks';
import type { Log } from '#telemetry/log.ts';
import { counter, gauge } from '#telemetry/metrics.ts';

/** Whether there is room for one more call. Calls that are on are never asked: they come first. */
export interface Admission extends Disposable {
  /** Whether there is room at this moment. */
  readonly open: boolean;
  /** Takes one more call, or says that there is no room for it. */
  take(): boolean;
  /** A turn of a call that is on, until it is disposed of. */
  turn(): AdmittedTurn;
}

export interface AdmittedTurn extends Disposable {
  /** The ledger has begun it, or could not, so many milliseconds after it was asked to. */
  waited(ms: number): void;
}

/** The share of the last second in which this process was at work, 0 to 1. */
export type BusyShare = () => number;

/** How near we are to where callers hear us later. */
interface Load {
  /** Beyond nine tenths of a processor whatever comes waits for what came before it, at every step of its way. */
  busyShare: number;
  /** What one turn in twenty waits to be begun; the ledger falls behind by itself, whoever else it serves. */
  ledgerMs: number;
}

type Room = 'for everybody' | 'for a few' | 'for nobody';

/**
 * Measured with `npm run bench -- --only many-calls`: beyond the second of each, turns that take more than 200 ms of
 * ours, which is what we may take of a caller's patience, are no exceptions any more.
 */
const limits: Record<keyof Load, { few: number; nobody: number }> = {
  busyShare: { few: 0.75, nobody: 0.85 },
  ledgerMs: { few: 25, nobody: 50 },
};
const ledgerPercentile = 95;
/**
 * Fewer turns at once are not too many, however much the process is at work: a few callers who never pause, as only
 * programs do, wait for nobody but each other.
 */
const turnsAtOnceMin = 32;
/**
 * While it is narrow, a call is taken for every so many turns of the last second. With calls of three minutes that is
 * about how many end meanwhile.
 */
const turnsPerCall = 20;

const lookEveryMs = 1_000;
/** The middle one of so many seconds counts: a collection is no overload. */
const secondsKept = 3;
/** So many seconds must have room for everybody: were all who wait let in at the first of them, all would be late. */
const secondsUntilWide = 10;
/** Nobody turned away for so long: it is over. */
const overAfterMs = 30_000;

const refused = counter(
  'holdline_calls_turned_away_total',
  'Calls that were not taken because others would suffer.',
);
const shown = { 'for everybody': 1, 'for a few': 0.5, 'for nobody': 0 };

/** @param busyShare replaces what is measured, for tests; otherwise that of the event loop */
export function createAdmission({
  log,
  busyShare = watchLoop(),
}: {
  log: Log;
  busyShare?: BusyShare;
}): Admission {
  const waits = createHistogram();
  let atOnce = 0;
  /** The most there were since the last look. */
  let atOnceMost = 0;
  let seconds: Load[] = [];
  let room: Room = 'for everybody';
  let wideSeconds = secondsUntilWide;
  /** How many more calls may be taken until the next look. */
  let places = Number.POSITIVE_INFINITY;
  let turnedAwayAtMs: number | undefined;

  function look(): void {
    const turns = waits.count;
    const second = { busyShare: busyShare(), ledgerMs: waits.percentile(ledgerPercentile) };
    waits.reset();
    seconds = [...seconds, atOnceMost < turnsAtOnceMin ? idle : second].slice(-secondsKept);
    atOnceMost = atOnce;
    const now = roomAt(middleOf(seconds));
    wideSeconds = now === 'for everybody' ? wideSeconds + 1 : 0;
    room = now === 'for everybody' && wideSeconds < secondsUntilWide ? 'for a few' : now;
    places = placesIn(room, turns);
    if (turnedAwayAtMs !== undefined && performance.now() - turnedAwayAtMs > overAfterMs) {
      turnedAwayAtMs = undefined;
      log.info('there is room for every new call again');
    }
  }

  const timer = setInterval(look, lookEveryMs);
  timer.unref();
  gauge(
    'holdline_admits_calls',
    'Whether new calls are taken (1), a few of them (0.5), or told that all lines are busy (0).',
    () => shown[room],
  );
  return {
    get open() {
      return places > 0;
    },
    take() {
      if (places > 0) {
        places -= 1;
        return true;
      }
      refused({});
      if (turnedAwayAtMs === undefined) {
        log.warn({ load: seconds.at(-1) }, 'no room for new calls: those that are on come first');
      }
      turnedAwayAtMs = performance.now();
      return false;
    },
    turn() {
      atOnce += 1;
      atOnceMost = Math.max(atOnceMost, atOnce);
      return {
        // A histogram counts from one.
        waited: (ms) => waits.record(Math.max(1, Math.round(ms))),
        [Symbol.dispose]: () => {
          atOnce -= 1;
        },
      };
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

const idle: Load = { busyShare: 0, ledgerMs: 0 };

/** Nothing is concluded from fewer seconds than there are to be. */
function middleOf(seconds: Load[]): Load {
  if (seconds.length < secondsKept) return idle;
  const middle = (of: keyof Load) =>
    seconds.map((second) => second[of]).toSorted((a, b) => a - b)[(secondsKept - 1) / 2] ?? 0;
  return { busyShare: middle('busyShare'), ledgerMs: middle('ledgerMs') };
}

function roomAt(load: Load): Room {
  const over = (limit: 'few' | 'nobody') =>
    load.busyShare > limits.busyShare[limit] || load.ledgerMs > limits.ledgerMs[limit];
  return over('nobody') ? 'for nobody' : over('few') ? 'for a few' : 'for everybody';
}

function placesIn(room: Room, turns: number): number {
  if (room === 'for everybody') return Number.POSITIVE_INFINITY;
  return room === 'for nobody' ? 0 : Math.max(1, Math.round(turns / turnsPerCall));
}

function watchLoop(): BusyShare {
  let before = nodePerformance.eventLoopUtilization();
  return () => {
    const now = nodePerformance.eventLoopUtilization();
    const { utilization } = nodePerformance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}
