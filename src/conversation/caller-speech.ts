import type { CallKey } from '#booking/calls.ts';
import type { Store } from '#storage/store.ts';

/** Whether the caller is speaking at this moment, as the platform tells it to whichever process it reaches. */
export interface CallerSpeech {
  note(call: CallKey, speaking: boolean): Promise<void>;
  /** False when nobody has said so, or nobody can say. */
  speaking(call: CallKey): Promise<boolean>;
}

/** Nobody speaks for longer without a pause; a message that says they stopped may have been lost. */
const heldForMs = 20_000;

export function createCallerSpeech(store: Store): CallerSpeech {
  const keyOf = ({ tenantId, callSid }: CallKey) => `speaking:${tenantId}:${callSid}`;
  return {
    note: (call, speaking) => store.set(keyOf(call), speaking ? 'yes' : 'no', heldForMs),
    speaking: async (call) => (await store.get(keyOf(call))) === 'yes',
  };
}
