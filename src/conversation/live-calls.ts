import type { CallKey } from '#booking/calls.ts';

/**
 * What this process knows about a call while it is on: which turn is the newest, and what is still being
 * committed for it. Everything that must survive the process stands in the ledger.
 */
export interface LiveCalls {
  /** Ends the call's older turn here, if one is running: the newest request wins. */
  supersede(call: CallKey): LiveTurn;
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
  turns: number;
}

/** In-process only: two processes answering one call are told apart by the ledger's turn number. */
export function createLiveCalls(): LiveCalls {
  const calls = new Map<string, LiveCall>();

  return {
    supersede({ tenantId, callSid }) {
      const key = `${tenantId}/${callSid}`;
      const call = calls.get(key) ?? { controller: new AbortController(), work: Promise.resolve(), turns: 0 };
      call.controller.abort();
      const controller = new AbortController();
      call.controller = controller;
      call.turns += 1;
      calls.set(key, call);
      const earlierWork = call.work;
      const forgetWhenIdle = () => {
        if (call.turns === 0 && calls.get(key) === call) calls.delete(key);
      };
      return {
        signal: controller.signal,
        earlierWork,
        track(work) {
          call.work = Promise.allSettled([call.work, work]).then(() => {});
        },
        end() {
          const { work } = call;
          void work.then(() => {
            call.turns -= 1;
            forgetWhenIdle();
          });
        },
      };
    },
    async settled() {
      await Promise.all([...calls.values()].map((call) => call.work));
    },
    get size() {
      return calls.size;
    },
  };
}
