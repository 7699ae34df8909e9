import type { Listener, Store } from './store.ts';

/** One process needs a few per organization and day; more is a mistake and must not eat the memory. */
const entriesMax = 10_000;

interface Entry<T> {
  value: T;
  untilMs: number;
}

/**
 * The store of an installation of one process, without Redis.
 *
 * @param nowMs the clock that lifetimes are measured with
 */
export function createMemoryStore(nowMs: () => number = Date.now): Store & AsyncDisposable {
  const values = new Map<string, Entry<string>>();
  const hashes = new Map<string, Entry<Map<string, string>>>();
  const listeners = new Map<string, Set<Listener>>();

  function fresh<T>(entries: Map<string, Entry<T>>, key: string): Entry<T> | undefined {
    const found = entries.get(key);
    if (found === undefined || found.untilMs > nowMs()) return found;
    entries.delete(key);
    return undefined;
  }

  /** The oldest goes when there is no room; written again, an entry is the youngest. */
  function put<T>(entries: Map<string, Entry<T>>, key: string, value: T, ttlMs: number): Entry<T> {
    const entry = { value, untilMs: nowMs() + ttlMs };
    entries.delete(key);
    entries.set(key, entry);
    const [oldest] = entries.keys();
    if (entries.size > entriesMax && oldest !== undefined) entries.delete(oldest);
    return entry;
  }

  return {
    available: true,
    get: async (key) => fresh(values, key)?.value,
    set: async (key, value, ttlMs) => {
      put(values, key, value, ttlMs);
    },
    hashGet: async (key, field) => fresh(hashes, key)?.value.get(field),
    hashSet: async (key, field, value, ttlMs) => {
      const fields = fresh(hashes, key)?.value ?? new Map<string, string>();
      put(hashes, key, fields.set(field, value), ttlMs);
    },
    hashDelete: async (key, field) => {
      if (field === undefined) hashes.delete(key);
      else hashes.get(key)?.value.delete(field);
    },
    lock: async (key, owner, ttlMs) => {
      const other = fresh(values, key);
      if (other !== undefined) return { state: 'busy', owner: other.value };
      const mine = put(values, key, owner, ttlMs);
      return {
        state: 'held',
        release: async () => {
          if (values.get(key) === mine) values.delete(key);
        },
        keep: async (keeper, keepMs) => {
          if (values.get(key) === mine) put(values, key, keeper, keepMs);
        },
      };
    },
    publish: async (channel, message) => {
      // Later, as with Redis: no listener runs inside the publisher.
      queueMicrotask(() => {
        for (const listener of listeners.get(channel) ?? []) listener.onMessage(message);
      });
    },
    subscribe(channel, given) {
      // One object per subscription, so that the same listener may subscribe twice.
      const listener: Listener = { onMessage: (message) => given.onMessage(message), onLost: () => {} };
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
