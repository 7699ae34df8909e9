import type { ChannelListener, Store } from './store.ts';

/** One process needs a few per organization and day, and a few per call that is on; more is a mistake and must not eat the memory. */
const entriesMax = 10_000;
/** What nobody asks for again is not found by asking; looking at all of it takes under a millisecond. */
const lookEveryMs = 60_000;

interface Entry {
  value: string;
  untilMs: number;
}

/**
 * The store of an installation of one process, without Redis.
 *
 * @param nowMs the clock that lifetimes are measured with
 */
export function createMemoryStore(nowMs: () => number = Date.now): Store & AsyncDisposable {
  const values = new Map<string, Entry>();
  const listeners = new Map<string, Set<ChannelListener>>();
  let lookedAtMs = nowMs();

  function dropOld(): void {
    if (nowMs() - lookedAtMs < lookEveryMs) return;
    lookedAtMs = nowMs();
    for (const [key, { untilMs }] of values) if (untilMs <= lookedAtMs) values.delete(key);
  }

  function fresh(key: string): Entry | undefined {
    const found = values.get(key);
    if (found === undefined || found.untilMs > nowMs()) return found;
    values.delete(key);
    return undefined;
  }

  /** The oldest goes when there is no room; written again, an entry is the youngest. */
  function put(key: string, value: string, ttlMs: number): Entry {
    dropOld();
    const entry = { value, untilMs: nowMs() + ttlMs };
    values.delete(key);
    values.set(key, entry);
    const [oldest] = values.keys();
    if (values.size > entriesMax && oldest !== undefined) values.delete(oldest);
    return entry;
  }

  return {
    available: true,
    get: async (key) => fresh(key)?.value,
    set: async (key, value, ttlMs) => {
      put(key, value, ttlMs);
    },
    cache: undefined,
    lock: async (key, owner, ttlMs) => {
      const other = fresh(key);
      if (other !== undefined) return { state: 'busy', owner: other.value };
      const mine = put(key, owner, ttlMs);
      return {
        state: 'held',
        release: async () => {
          if (values.get(key) === mine) values.delete(key);
        },
        keep: async (keeper, keepMs) => {
          if (values.get(key) === mine) put(key, keeper, keepMs);
        },
      };
    },
    publish: async (channel, message) => {
      // Later, as with Redis: no listener runs inside the publisher.
      queueMicrotask(() => {
        for (const listener of listeners.get(channel) ?? []) listener.onMessage(message);
      });
      return true;
    },
    subscribe(channel, given) {
      // One object per subscription, so that the same listener may subscribe twice.
      const listener: ChannelListener = {
        onMessage: (message) => given.onMessage(message),
        onLost: () => {},
      };
      const others = listeners.get(channel) ?? new Set();
      listeners.set(channel, others.add(listener));
      return {
        live: true,
        [Symbol.dispose]() {
          others.delete(listener);
          if (others.size === 0 && listeners.get(channel) === others) listeners.delete(channel);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      listeners.clear();
    },
  };
}
