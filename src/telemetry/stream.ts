import { randomUUID } from 'node:crypto';

/** A stream of what happens on every process, for whoever watches. Telling never waits for anybody. */
export interface Stream<T> extends Disposable {
  /** Whether anybody watches, on whichever process. */
  readonly watched: boolean;
  /** Costs an array's push while somebody watches, and nothing while nobody does. */
  tell(event: T): void;
  /** Everything from now on, of every process. A reader that falls behind misses the oldest, and is told how many. */
  watch(): EventStream<T>;
}

/** Ends when disposed, or when the loop over it is left. */
export interface EventStream<T> extends AsyncIterable<T | Missed>, Disposable {}

export interface Missed {
  type: 'missed';
  /** 0 when nobody knows how many, as after a lost connection. */
  count: number;
}

/** How processes tell each other; a store is one. */
export interface Wire {
  /** Gives false when the message is lost. */
  publish(channel: string, message: string): Promise<boolean>;
  subscribe(channel: string, listener: { onMessage(message: string): void; onLost(): void }): Disposable;
}

/** Long enough that a busy process sends few messages, short enough for an eye. */
const flushEveryMs = 50;
/** Some seconds of a busy process; a reader or a Redis that is further behind does not want it any more. */
const waitingMax = 2_000;
/** How often a process with readers says so, and for how long that counts: two may be lost. */
const sayWatchingEveryMs = 5_000;
const watchingCountsMs = 16_000;

const eventsChannel = 'live-events';
const watchingChannel = 'live-watching';
const whoWatches = '?';

/** @param wire without one, only this process's events are seen */
export function createStream<T>({ wire }: { wire: Wire | undefined }): Stream<T> {
  const self = randomUUID();
  const readers = new Set<Reader<T>>();
  let pending: T[] = [];
  let flushTimer: NodeJS.Timeout | undefined;
  let inbox: Disposable | undefined;
  const watching = wire === undefined ? undefined : createWatching(wire, self);
  const send = wire === undefined ? undefined : createSending<T>(wire, self);
  const othersWatch = () => watching?.others() ?? false;

  function tell(event: T): void {
    if (readers.size === 0 && !othersWatch()) return;
    pending.push(event);
    flushTimer ??= setTimeout(flush, flushEveryMs).unref();
  }

  function flush(): void {
    flushTimer = undefined;
    const batch = pending;
    pending = [];
    for (const reader of readers) reader.take(batch);
    if (othersWatch()) send?.(batch);
  }

  function receive(message: string): void {
    const batch = readBatch<T>(message);
    if (batch === undefined || batch.from === self) return;
    for (const reader of readers) {
      if (batch.missed > 0) reader.miss(batch.missed);
      reader.take(batch.events);
    }
  }

  function startReading(): void {
    if (wire === undefined || inbox !== undefined) return;
    let begun = false;
    inbox = wire.subscribe(eventsChannel, {
      onMessage: receive,
      onLost() {
        // The first time is when listening begins.
        if (begun) for (const reader of readers) reader.miss(0);
        begun = true;
      },
    });
    watching?.start();
  }

  function stopReading(): void {
    watching?.stop();
    inbox?.[Symbol.dispose]();
    inbox = undefined;
  }

  return {
    get watched() {
      return readers.size > 0 || othersWatch();
    },
    tell,
    watch() {
      const reader = new Reader<T>(() => {
        readers.delete(reader);
        if (readers.size === 0) stopReading();
      });
      readers.add(reader);
      startReading();
      return reader;
    },
    [Symbol.dispose]() {
      clearTimeout(flushTimer);
      for (const reader of readers) reader[Symbol.dispose]();
      watching?.[Symbol.dispose]();
    },
  };
}

/** Sends batches to the other processes, one message at a time: behind a slow Redis they miss a moment, and nothing piles up. */
function createSending<T>(wire: Wire, self: string): (batch: T[]) => void {
  let sending = false;
  let unsent = 0;
  return (batch) => {
    if (sending) {
      unsent += batch.length;
      return;
    }
    sending = true;
    const missed = unsent;
    unsent = 0;
    void wire
      .publish(eventsChannel, JSON.stringify({ from: self, missed, events: batch }))
      .catch(() => false)
      .then((sent) => {
        if (!sent) unsent += missed + batch.length;
        sending = false;
      });
  };
}

/** Which processes have readers: each that has says so every few seconds, and when it is asked. */
function createWatching(wire: Wire, self: string) {
  let othersUntilMs = 0;
  let repeating: NodeJS.Timeout | undefined;
  const say = (what: string) => void wire.publish(watchingChannel, what).catch(() => {});
  const subscription = wire.subscribe(watchingChannel, {
    onMessage(from) {
      if (from === whoWatches) {
        if (repeating !== undefined) say(self);
      } else if (from !== self) othersUntilMs = performance.now() + watchingCountsMs;
    },
    // Listening begins, perhaps anew.
    onLost: () => say(whoWatches),
  });
  return {
    others: () => performance.now() < othersUntilMs,
    start() {
      say(self);
      repeating = setInterval(say, sayWatchingEveryMs, self).unref();
    },
    stop() {
      clearInterval(repeating);
      repeating = undefined;
    },
    [Symbol.dispose]() {
      clearInterval(repeating);
      subscription[Symbol.dispose]();
    },
  };
}

/** One reader's share of what happens, kept until it is read, up to a limit. */
class Reader<T> implements EventStream<T> {
  #waiting: T[] = [];
  /** Nothing was missed: undefined. */
  #missed: number | undefined;
  #ended = false;
  #wake = () => {};
  readonly #onEnd: () => void;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  take(events: T[]): void {
    this.#waiting.push(...events);
    const over = this.#waiting.length - waitingMax;
    if (over > 0) {
      this.#waiting.splice(0, over);
      this.#missed = (this.#missed ?? 0) + over;
    }
    this.#wake();
  }

  miss(count: number): void {
    this.#missed = (this.#missed ?? 0) + count;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T | Missed> {
    try {
      while (!this.#ended) {
        if (this.#missed !== undefined) {
          const count = this.#missed;
          this.#missed = undefined;
          yield { type: 'missed', count };
        }
        const batch = this.#waiting;
        this.#waiting = [];
        if (batch.length > 0) yield* batch;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } finally {
      this[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#wake();
    this.#onEnd();
  }
}

/** A batch of another process, perhaps one of another version: an event it does not know is passed on as it is. */
function readBatch<T>(message: string): { from: string; missed: number; events: T[] } | undefined {
  try {
    const { from, missed, events } = JSON.parse(message) as Record<string, unknown>;
    if (typeof from !== 'string' || !Array.isArray(events)) return undefined;
    return { from, missed: typeof missed === 'number' ? missed : 0, events: events as T[] };
  } catch {
    return undefined;
  }
}
