import { PassThrough } from 'node:stream';
import type { CallKey } from '#booking/calls.ts';
import type { FitTemplate } from '#prompts/template-check.ts';
import type { TurnEvent, TurnRequest } from './turn-events.ts';

/** Looks at the turns of a call while they run, for somebody who tries the line. */
export interface TurnWatch {
  /**
   * Runs a turn, and passes its events on as they are. A call nobody watches costs one look into an empty map.
   *
   * @param run begins the turn, with the unsaved templates that are tried in this call, if there are any
   */
  turn(
    request: TurnRequest,
    run: (drafts: readonly FitTemplate[]) => AsyncIterable<TurnEvent>,
  ): AsyncIterable<TurnEvent>;
  /** What the call's turns do from now on, in this process, and by which drafts; ends when it is disposed of. */
  watch(call: CallKey, drafts: readonly FitTemplate[]): AsyncIterable<WatchedEvent> & Disposable;
}

/** An event, and how long after the turn's beginning it came. */
export type WatchedEvent = TurnEvent & { afterMs: number };

interface Watched {
  stream: PassThrough;
  drafts: readonly FitTemplate[];
}

/** A turn has a few dozen; somebody who stopped reading misses the rest. */
const waitingMax = 1_000;

export function createTurnWatch(): TurnWatch {
  const watched = new Map<string, Watched>();
  const keyOf = ({ tenantId, callSid }: CallKey) => `${tenantId}/${callSid}`;
  return {
    turn({ organization, callSid }, run) {
      const found = watched.get(keyOf({ tenantId: organization.id, callSid }));
      return found === undefined ? run([]) : copied(run(found.drafts), found.stream);
    },
    watch(call, drafts) {
      const key = keyOf(call);
      watched.get(key)?.stream.end();
      const stream = new PassThrough({ objectMode: true, highWaterMark: waitingMax });
      watched.set(key, { stream, drafts });
      return {
        [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator]() as AsyncIterator<WatchedEvent>,
        [Symbol.dispose]() {
          if (watched.get(key)?.stream === stream) watched.delete(key);
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
