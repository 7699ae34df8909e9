import type { CallKey } from '#booking/calls.ts';
import type { CallFacts } from '#booking/turns.ts';
import type { Store } from '#storage/store.ts';

/**
 * What this process knows about a call while it is on: which turn is the newest, what is still being committed
 * for it, how to speak to the caller out of turn. Everything that must survive the process stands in the ledger.
 */
export interface LiveCalls extends AsyncDisposable {
  /**
   * A request wants to be the call's turn. The newest wins: an older turn that is running here is ended, and a
   * request that was sent before the running one is itself over at once. One that runs on another process is ended
   * as soon as the ledger has numbered this one (`LiveTurn.numbered`).
   *
   * @param requestedAt when the platform sent it, by its own clock, if it says so
   * @param stop aborted when a newer request of the same call arrives
   */
  supersede(call: CallKey, requestedAt: Date | null, stop: AbortController): LiveTurn;
  /** Works for a call beside its turns, one after another with whatever is being committed for it. */
  join(call: CallKey): LiveWork;
  /** Runs `start`, which must not fail, unless this process has started the call already. No turn waits for it. */
  startOnce(call: CallKey, start: (memory: CallMemory) => Promise<void>): void;
  /** The call is over: nothing of it is kept, and its timers are stopped. */
  forget(call: CallKey): void;
  /** Hears no other process any more, and resolves when nothing of any call is being committed. */
  [Symbol.asyncDispose](): Promise<void>;
  readonly size: number;
}

export interface LiveTurn extends LiveWork {
  /**
   * The ledger has given the turn its number. Where the one before was another process's, every process is told, and
   * ends what it still says for the call; has one told us of a newer turn meanwhile, this one is over at once.
   */
  numbered(number: number): void;
}

export interface LiveWork {
  /** Whether nothing of an earlier turn of the call is being committed. */
  readonly idle: boolean;
  /** What an earlier turn of the call is still committing. It never rejects. */
  readonly earlierWork: Promise<void>;
  readonly memory: CallMemory;
  /** Everything that has been registered by now. It never rejects. */
  allWork(): Promise<void>;
  /** Registers work that outlives the words of this turn: a tool that runs, offers being written. */
  track(work: Promise<unknown>): void;
  /** The same for work that no later turn of the call waits for. */
  leaveRunning(work: Promise<unknown>): void;
  /** The turn is over; its work may still be going on. */
  end(): void;
}

/** What is remembered between the turns of a call, in this process only. */
export interface CallMemory {
  /** Turns in a row in which no model answered. */
  modelFailures: number;
  /** What the caller was found to speak; nothing while that is the organization's first language. */
  language: string | undefined;
  /** Ends the wait for the last minute of the call's hold. */
  stopWatchingHold: (() => void) | undefined;
  /** What the latest turn found, while no tool has changed it since; it is out of date at any time. */
  facts: CallFacts | undefined;
  /** Whether the call was taken, or told that all lines are busy; neither before its first turn here. */
  admitted: boolean | undefined;
}

interface LiveCall {
  running: RunningTurn | undefined;
  /** The latest number the ledger gave a turn here. */
  latestTurn: number;
  requestedAtMs: number | undefined;
  requestArrivedAtMs: number;
  work: Promise<void>;
  /** Pieces of that work which are not done. */
  open: number;
  started: boolean;
  inside: number;
  seenAtMs: number;
  memory: CallMemory;
}

interface RunningTurn {
  stop: AbortController;
  /** Nothing while the ledger is asked for it. */
  number: number | undefined;
  /** The newest turn of the call that another process has told of since this one was asked for. */
  newestHeard: number;
}

/** On which processes tell each other that a call went from one to another: the turn's number, and whose it is. */
const channel = 'turns';

/** A platform repeats a request within a second or two; past this the order of arrival counts, as in the ledger. */
const staleRequestMs = 5_000;
/** A call nobody has heard of for so long is over, whether or not somebody said so; Vapi itself ends one sooner. */
const idleMs = 15 * 60_000;
/** Far above the calls one process can carry; each entry is a few hundred bytes. */
const callsMax = 10_000;
/** Looking for calls that are over walks past those that are not: not with every turn. */
const lookEveryMs = 1_000;

/**
 * The turns of one process end each other at once; those of several by way of the store, which a call that stays on
 * one process never uses. While the store is left out, an older turn on another process talks on until the platform
 * hangs up on it; that it starts no tool rests on the ledger's numbers alone.
 */
export function createLiveCalls(
  store: Pick<Store, 'publish' | 'subscribe'>,
  nowMs: () => number = () => performance.now(),
): LiveCalls {
  // In the order they were last heard of.
  const calls = new Map<string, LiveCall>();
  const working = new Set<Promise<unknown>>();
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  const elsewhere = hearOthers(store, (key) => calls.get(key)?.running);

  /** Resolves when the work has ended, well or not. */
  function keepRunning(work: Promise<unknown>): Promise<void> {
    const ended = work.then(nothing, nothing).then(() => void working.delete(ended));
    working.add(ended);
    return ended;
  }

  function find(callKey: CallKey): LiveCall {
    const key = nameOf(callKey);
    const call = calls.get(key) ?? newCall();
    calls.delete(key);
    calls.set(key, call);
    call.seenAtMs = nowMs();
    dropOld();
    return call;
  }

  function dropOld(): void {
    if (calls.size <= callsMax && nowMs() - lookedAtMs < lookEveryMs) return;
    lookedAtMs = nowMs();
    dropIdle(calls, lookedAtMs);
  }

  return {
    join: (key) => visit(find(key), keepRunning),
    supersede(key, requestedAt, stop) {
      const call = find(key);
      const running: RunningTurn = { stop, number: undefined, newestHeard: 0 };
      const turn: LiveTurn = {
        ...visit(call, keepRunning, running),
        numbered(number) {
          const follows = number === call.latestTurn + 1;
          call.latestTurn = Math.max(call.latestTurn, number);
          if (!follows) void store.publish(channel, `${number} ${nameOf(key)}`);
          running.number = number;
          endIfOvertaken(running);
        },
      };
      const sentAtMs = requestedAt?.getTime();
      if (wasSentEarlier(sentAtMs, call, nowMs())) {
        stop.abort(superseded);
        return turn;
      }
      call.running?.stop.abort(superseded);
      call.running = running;
      call.requestedAtMs = sentAtMs;
      call.requestArrivedAtMs = nowMs();
      return turn;
    },
    startOnce(key, start) {
      const call = find(key);
      if (call.started) return;
      call.started = true;
      void keepRunning(start(call.memory));
    },
    forget(callKey) {
      const key = nameOf(callKey);
      const call = calls.get(key);
      call?.memory.stopWatchingHold?.();
      calls.delete(key);
    },
    get size() {
      return calls.size;
    },
    async [Symbol.asyncDispose]() {
      elsewhere[Symbol.dispose]();
      await Promise.all(working);
    },
  };
}

/** Those that were heard of longest ago first, until the rest is neither too many nor idle. */
function dropIdle(calls: Map<string, LiveCall>, nowMs: number): void {
  for (const [key, call] of calls) {
    if (call.inside > 0) continue;
    if (calls.size <= callsMax && nowMs - call.seenAtMs < idleMs) return;
    call.memory.stopWatchingHold?.();
    calls.delete(key);
  }
}

/** Whether a request was sent before the one that is the call's turn by now. */
function wasSentEarlier(
  sentAtMs: number | undefined,
  { requestedAtMs, requestArrivedAtMs }: LiveCall,
  nowMs: number,
): boolean {
  if (sentAtMs === undefined || requestedAtMs === undefined) return false;
  return sentAtMs < requestedAtMs && nowMs - requestArrivedAtMs < staleRequestMs;
}

/** Somebody works for the call until they say it has ended. */
function visit(
  call: LiveCall,
  keepRunning: (work: Promise<unknown>) => Promise<void>,
  running?: RunningTurn,
): LiveWork {
  call.inside += 1;
  return {
    idle: call.open === 0,
    earlierWork: call.work,
    memory: call.memory,
    allWork: () => call.work,
    track(work) {
      const alone = call.open === 0;
      call.open += 1;
      const ended = keepRunning(work).then(() => {
        call.open -= 1;
      });
      call.work = alone ? ended : Promise.all([call.work, ended]).then(nothing);
    },
    leaveRunning: (work) => void keepRunning(work),
    end() {
      if (call.running === running) call.running = undefined;
      void call.work.then(() => {
        call.inside -= 1;
      });
    },
  };
}

function nameOf({ tenantId, callSid }: CallKey): string {
  return `${tenantId}/${callSid}`;
}

function newCall(): LiveCall {
  return {
    running: undefined,
    latestTurn: 0,
    requestedAtMs: undefined,
    requestArrivedAtMs: 0,
    work: Promise.resolve(),
    open: 0,
    started: false,
    inside: 0,
    seenAtMs: 0,
    memory: {
      modelFailures: 0,
      language: undefined,
      stopWatchingHold: undefined,
      facts: undefined,
      admitted: undefined,
    },
  };
}

/** Ends what runs here of a call when another process tells of a newer turn. */
function hearOthers(
  store: Pick<Store, 'subscribe'>,
  runningOf: (key: string) => RunningTurn | undefined,
): Disposable {
  return store.subscribe(channel, {
    onMessage(message) {
      const end = message.indexOf(' ');
      const turn = Number(message.slice(0, end));
      const running = runningOf(message.slice(end + 1));
      if (running === undefined || !(turn > running.newestHeard)) return;
      running.newestHeard = turn;
      endIfOvertaken(running);
    },
    // A message that was missed is not made up for: the turn it would have ended ends with its request.
    onLost() {},
  });
}

function endIfOvertaken({ stop, number, newestHeard }: RunningTurn): void {
  if (number !== undefined && number < newestHeard) stop.abort(superseded);
}

/** One for all: making an error with its stack for each turn that ends costs more than ending it. */
const superseded = new DOMException('a newer request of the call has arrived', 'AbortError');

function nothing(): void {}
