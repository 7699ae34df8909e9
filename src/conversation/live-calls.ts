import type { CallKey } from '#booking/calls.ts';

/**
 * What this process knows about a call while it is on: which turn is the newest, what is still being committed
 * for it, how to speak to the caller out of turn. Everything that must survive the process stands in the ledger.
 */
export interface LiveCalls {
  /**
   * A request wants to be the call's turn. The newest wins: an older turn that is running here is ended, and a
   * request that was sent before the running one is itself over at once.
   *
   * @param requestedAt when the platform sent it, by its own clock, if it says so
   */
  supersede(call: CallKey, requestedAt: Date | null): LiveTurn;
  /** Works for a call beside its turns, one after another with whatever is being committed for it. */
  join(call: CallKey): Omit<LiveTurn, 'signal'>;
  /** Runs `start`, which must not fail, unless this process has started the call already. No turn waits for it. */
  startOnce(call: CallKey, start: () => Promise<void>): void;
  /** The call is over: nothing of it is kept, and its timers are stopped. */
  forget(call: CallKey): void;
  /** Resolves when nothing of any call is being committed; used when the process stops. */
  settled(): Promise<void>;
  readonly size: number;
}

export interface LiveTurn {
  /** Aborts when a newer request of the same call arrives. */
  readonly signal: AbortSignal;
  /** What an earlier turn of the call is still committing. It never rejects. */
  readonly earlierWork: Promise<void>;
  readonly memory: CallMemory;
  /** Everything that has been registered by now. It never rejects. */
  allWork(): Promise<void>;
  /** Registers work that outlives the words of this turn: a tool that runs, offers being written. */
  track(work: Promise<unknown>): void;
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
}

interface LiveCall {
  controller: AbortController;
  requestedAtMs: number | undefined;
  requestArrivedAtMs: number;
  work: Promise<void>;
  started: boolean;
  inside: number;
  seenAtMs: number;
  memory: CallMemory;
}

/** A platform repeats a request within a second or two; past this the order of arrival counts, as in the ledger. */
const staleRequestMs = 5_000;
/** A call nobody has heard of for so long is over, whether or not somebody said so; Vapi itself ends one sooner. */
const idleMs = 15 * 60_000;
/** Far above the calls one process can carry; each entry is a few hundred bytes. */
const callsMax = 10_000;

/** In-process only: two processes answering one call are told apart by the ledger's turn number. */
export function createLiveCalls(nowMs: () => number = () => performance.now()): LiveCalls {
  // In the order they were last heard of.
  const calls = new Map<string, LiveCall>();
  const running = new Set<Promise<unknown>>();

  function keepRunning(work: Promise<unknown>): Promise<void> {
    const ended = Promise.allSettled([work]).then(() => void running.delete(ended));
    running.add(ended);
    return ended;
  }

  function find({ tenantId, callSid }: CallKey): LiveCall {
    const key = `${tenantId}/${callSid}`;
    const call = calls.get(key) ?? {
      controller: new AbortController(),
      requestedAtMs: undefined,
      requestArrivedAtMs: 0,
      work: Promise.resolve(),
      started: false,
      inside: 0,
      seenAtMs: 0,
      memory: { modelFailures: 0, language: undefined, stopWatchingHold: undefined },
    };
    calls.delete(key);
    calls.set(key, call);
    call.seenAtMs = nowMs();
    dropOld();
    return call;
  }

  function dropOld(): void {
    for (const [key, call] of calls) {
      if (call.inside > 0) continue;
      if (calls.size <= callsMax && nowMs() - call.seenAtMs < idleMs) return;
      call.memory.stopWatchingHold?.();
      calls.delete(key);
    }
  }

  function enter(call: LiveCall): Omit<LiveTurn, 'signal'> {
    call.inside += 1;
    return {
      earlierWork: call.work,
      memory: call.memory,
      allWork: () => call.work,
      track(work) {
        call.work = Promise.all([call.work, keepRunning(work)]).then(() => {});
      },
      end: () =>
        void call.work.then(() => {
          call.inside -= 1;
        }),
    };
  }

  return {
    join: (key) => enter(find(key)),
    supersede(key, requestedAt) {
      const call = find(key);
      const visit = enter(call);
      const sentAtMs = requestedAt?.getTime();
      const overtaken =
        sentAtMs !== undefined &&
        call.requestedAtMs !== undefined &&
        sentAtMs < call.requestedAtMs &&
        nowMs() - call.requestArrivedAtMs < staleRequestMs;
      if (overtaken) return { ...visit, signal: AbortSignal.abort() };
      call.controller.abort();
      call.controller = new AbortController();
      call.requestedAtMs = sentAtMs;
      call.requestArrivedAtMs = nowMs();
      return { ...visit, signal: call.controller.signal };
    },
    startOnce(key, start) {
      const call = find(key);
      if (call.started) return;
      call.started = true;
      void keepRunning(start());
    },
    forget({ tenantId, callSid }) {
      const key = `${tenantId}/${callSid}`;
      const call = calls.get(key);
      call?.memory.stopWatchingHold?.();
      calls.delete(key);
    },
    async settled() {
      await Promise.all(running);
    },
    get size() {
      return calls.size;
    },
  };
}
