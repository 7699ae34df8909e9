import type { CallKey } from '#booking/calls.ts';
import type { Store } from '#storage/store.ts';
import type { HistoryMessage } from './turn-events.ts';

/**
 * What a call that is carried by a connection leaves for whichever process carries it next: which connection has it,
 * and what was said, where the platform does not say so itself. It may be lost; the ledger's facts are not in it.
 */
export interface CarriedCalls {
  /**
   * The call is carried by this connection from now on.
   *
   * @returns whether that was kept: a store that is left out at this moment keeps nothing
   */
  take(call: CallKey, connection: string): Promise<boolean>;
  /** The connection that carries the call; nothing when nobody can say. */
  holder(call: CallKey): Promise<string | undefined>;
  said(call: CallKey): Promise<HistoryMessage[]>;
  keepSaid(call: CallKey, history: HistoryMessage[]): Promise<void>;
  /** The call is over: nobody comes back to it. */
  forget(call: CallKey): Promise<void>;
}

/** A connection is back within seconds or not at all; a call that is longer has been told to the newest process anyway. */
const takenForMs = 60 * 60_000;
/** What a caller said is kept no longer than a cut connection needs. */
const saidForMs = 10 * 60_000;
/** As good as at once. */
const goneMs = 1;
/** A booking takes some twenty; the first of a longer call are not what it is about any more. */
const messagesMax = 100;

export function createCarriedCalls(store: Store): CarriedCalls {
  const keyOf = (what: string, { tenantId, callSid }: CallKey) => `${what}:${tenantId}:${callSid}`;
  return {
    async take(call, connection) {
      await store.set(keyOf('carried', call), connection, takenForMs);
      return (await store.get(keyOf('carried', call))) === connection;
    },
    holder: (call) => store.get(keyOf('carried', call)),
    async said(call) {
      const kept = await store.get(keyOf('said', call));
      try {
        return kept === undefined ? [] : (JSON.parse(kept) as HistoryMessage[]);
      } catch {
        return [];
      }
    },
    keepSaid: (call, history) =>
      store.set(keyOf('said', call), JSON.stringify(history.slice(-messagesMax)), saidForMs),
    async forget(call) {
      await Promise.all(['carried', 'said'].map((what) => store.set(keyOf(what, call), '', goneMs)));
    },
  };
}
