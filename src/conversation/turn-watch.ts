import { PassThrough } from 'node:stream';
import type { CallKey } from '#booking/calls.ts';
import type { TurnEvent, TurnRequest } from './turn-events.ts';

/** Looks at the turns of a call while they run, for somebody who tries the line. */
export interface TurnWatch {
  /** Passes a turn's events on as they are. A call nobody watches costs one look into an empty map. */
  through(request: TurnRequest, events: AsyncIterable<TurnEvent>): AsyncIterable<TurnEvent>;
  /** What the call's turns do from now on, in this process; ends when it is disposed of. */
  watch(call: CallKey): AsyncIterable<WatchedEvent> & Disposable;
}

/** An event, and how long after the turn's beginning it came. */
export type WatchedEvent = TurnEvent & { afterMs: number };

/** A turn has a few dozen; somebody who stopped reading misses the rest. */
const waitingMax = 1_000;

export function createTurnWatch(): TurnWatch {
  const watched = new Map<string, PassThrough>();
  const keyOf = ({ tenantId, callSid }: CallKey) => `${tenantId}/${callSid}`;
  return {
    through({ organization, callSid }, events) {
      const stream = watched.get(keyOf({ tenantId: organization.id, callSid }));
      return stream === undefined ? events : copied(events, stream);
    },
    watch(call) {
      const key = keyOf(call);
      watched.get(key)?.end();
      const stream = new PassThrough({ objectMode: true, highWaterMark: waitingMax });
      watched.set(key, stream);
      return {
        [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator]() as AsyncIterator<WatchedEvent>,
        [Symbol.dispose]() {
          if (watched.get(key) === stream) watched.delete(key);
          stream.end();
        },
      };
    },
  };
}

async function* copied(events: AsyncIterable<TurnEvent>, stream: PassThrough): AsyncGenerator<TurnEvent> {
  const startedMs = performance.now();
  for await (const event of events) {
    if (stream.writable && stream.writableLength < waitingMax) {
      stream.write({ ...event, afterMs: performance.now() - startedMs });
    }
    yield event;
  }
}
