import type { CallKey } from '#booking/calls.ts';

/**
 * What this process knows about a call while it is on: which turn is the newest, and what is still being
 * committed for it. Everything that must survive the process stands in the ledger.
 */
export interface LiveCalls {
  /** Ends the call's older turn here, if one is running: the newest request wins. */
  supersede(call: CallKey): LiveTurn;
  /** Works for a call beside its turns, one after another with whatever is being committed for it. */
  join(call: CallKey): Omit<LiveTurn, 'signal'>;
  /** Resolves when nothing of any call is being committed; used when the process stops. */
  settled(): Promise<void>;
  readonly size: number;
}

export interface LiveTurn {
  /** Aborts when a newer request of the same call arrives. */
  readonly signal: AbortSignal;
  /** What an earlier turn of the call is still committing. It never rejects. */
  readonly earlierWork: Promise<void>;
  /** Registers work that outlives the words of this turn: a tool that runs, offers being written. */
  track(work: Promise<unknown>): void;
  /** The turn is over; its work may still be going on. */
  end(): void;
}

interface LiveCall {
  controller: AbortController;
  work: Promise<void>;
  inside: number;
}

/** In-process only: two processes answering one call are told apart by the ledger's turn number. */
export function createLiveCalls(): LiveCalls {
  const calls = new Map<string, LiveCall>();

  function enter({ tenantId, callSid }: CallKey): { call: LiveCall; visit: Omit<LiveTurn, 'signal'> } {
    const key = `${tenantId}/${callSid}`;
    const call = calls.get(key) ?? { controller: new AbortController(), work: Promise.resolve(), inside: 0 };
    call.inside += 1;
    calls.set(key, call);
    const leave = () => {
      call.inside -= 1;
      if (call.inside === 0) calls.delete(key);
    };
    const visit = {
      earlierWork: call.work,
      track(work: Promise<unknown>) {
        call.work = Promise.allSettled([call.work, work]).then(() => {});
      },
      end: () => void call.work.then(leave),
    };
    return { call, visit };
  }

  return {
    join: (key) => enter(key).visit,
    supersede(key) {
      const { call, visit } = enter(key);
      call.controller.abort();
      call.controller = new AbortController();
      return { ...visit, signal: call.controller.signal };
    },
    async settled() {
      await Promise.all([...calls.values()].map((call) => call.work));
    },
    get size() {
      return calls.size;
    },
  };
}
