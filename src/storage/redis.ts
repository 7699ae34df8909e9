import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Log } from '#telemetry/log.ts';

/** Small shared things that may be lost at any moment: nothing here is what correctness rests on. */
export interface Store {
  /** False while the store is left out; then everything answers "unknown" at once. */
  readonly available: boolean;
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttlMs: number): Promise<void>;
  hashGet(key: string, field: string): Promise<string | undefined>;
  /** The lifetime is the whole hash's and starts anew with each write. */
  hashSet(key: string, field: string, value: string, ttlMs: number): Promise<void>;
  hashDelete(key: string, field?: string): Promise<void>;
  /** A lock for `ttlMs`, in somebody's name; a busy one says whose it is. */
  lock(key: string, owner: string, ttlMs: number): Promise<Lock>;
}

export type Lock =
  | { state: 'held'; release(): Promise<void> }
  | { state: 'busy'; owner: string }
  | { state: 'unavailable' };

/**
 * A command that takes longer is given up, and Redis is left out until it answers a ping again. So a slow, paused or
 * absent Redis costs one caller this much, once.
 */
const commandDeadlineMs = 20;
const pingEveryMs = 500;

/** Deletes the lock only while it is still ours: after its lifetime it may be somebody else's. */
const compareAndDelete = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`;

/** Opens Redis. Never fails: a Redis that is not there is left out until it is. */
export async function openRedis({ url, log }: { url: string; log: Log }): Promise<Store & AsyncDisposable> {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 1_000,
    retryStrategy: (times) => Math.min(50 * times, pingEveryMs),
  });
  let available = false;
  redis.on('error', () => leaveOut('the connection was lost'));
  redis.on('ready', () => void ping());

  function leaveOut(reason: string): void {
    if (available) log.warn({ reason }, 'Redis is left out until it answers again');
    available = false;
  }
  async function ping(): Promise<void> {
    if (available || redis.status !== 'ready') return;
    try {
      await within(commandDeadlineMs, redis.ping());
      if (!available) log.info('Redis answers');
      available = true;
    } catch {
      // Asked again by the timer.
    }
  }
  async function ask<T>(command: () => Promise<T>): Promise<T | undefined> {
    if (!available) return undefined;
    try {
      return await within(commandDeadlineMs, command());
    } catch (error) {
      leaveOut((error as Error).message);
      return undefined;
    }
  }

  await redis.connect().catch(() => log.warn('Redis does not answer; it is left out until it does'));
  await ping();
  const timer = setInterval(() => void ping(), pingEveryMs);
  timer.unref();

  return {
    get available() {
      return available;
    },
    get: async (key) => (await ask(() => redis.get(key))) ?? undefined,
    set: async (key, value, ttlMs) => {
      await ask(() => redis.set(key, value, 'PX', ttlMs));
    },
    hashGet: async (key, field) => (await ask(() => redis.hget(key, field))) ?? undefined,
    hashSet: async (key, field, value, ttlMs) => {
      await ask(() => redis.multi().hset(key, field, value).pexpire(key, ttlMs).exec());
    },
    hashDelete: async (key, field) => {
      await ask(() => (field === undefined ? redis.del(key) : redis.hdel(key, field)));
    },
    async lock(key, owner, ttlMs) {
      const token = `${owner} ${randomUUID()}`;
      const answer = await ask(async () => {
        const taken = await redis.set(key, token, 'PX', ttlMs, 'NX');
        return taken === 'OK' ? 'held' : ((await redis.get(key)) ?? '');
      });
      if (answer === undefined) return { state: 'unavailable' };
      if (answer !== 'held') return { state: 'busy', owner: answer.split(' ')[0] ?? '' };
      return {
        state: 'held',
        async release() {
          await ask(() => redis.eval(compareAndDelete, 1, key, token));
        },
      };
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      redis.disconnect();
    },
  };
}

/** The same in this process alone, for an installation of one process. */
export function createMemoryStore(): Store & AsyncDisposable {
  const values = new Map<string, { value: string; untilMs: number }>();
  const hashes = new Map<string, { fields: Map<string, string>; untilMs: number }>();
  const fresh = <T extends { untilMs: number }>(map: Map<string, T>, key: string): T | undefined => {
    const found = map.get(key);
    if (found !== undefined && found.untilMs > Date.now()) return found;
    map.delete(key);
    return undefined;
  };
  return {
    available: true,
    get: async (key) => fresh(values, key)?.value,
    set: async (key, value, ttlMs) => {
      values.set(key, { value, untilMs: Date.now() + ttlMs });
    },
    hashGet: async (key, field) => fresh(hashes, key)?.fields.get(field),
    hashSet: async (key, field, value, ttlMs) => {
      const hash = fresh(hashes, key) ?? { fields: new Map<string, string>(), untilMs: 0 };
      hash.fields.set(field, value);
      hash.untilMs = Date.now() + ttlMs;
      hashes.set(key, hash);
    },
    hashDelete: async (key, field) => {
      if (field === undefined) hashes.delete(key);
      else hashes.get(key)?.fields.delete(field);
    },
    async lock(key, owner, ttlMs) {
      const held = fresh(values, key);
      if (held !== undefined) return { state: 'busy', owner: held.value };
      const mine = { value: owner, untilMs: Date.now() + ttlMs };
      values.set(key, mine);
      return {
        state: 'held',
        release: async () => {
          if (values.get(key) === mine) values.delete(key);
        },
      };
    },
    async [Symbol.asyncDispose]() {},
  };
}

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
