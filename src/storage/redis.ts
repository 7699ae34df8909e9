import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Log } from '#telemetry/log.ts';
import { type Breaker, watch } from './breaker.ts';
import { createRedisCache } from './redis-cache.ts';
import { channelName, openSubscriptions, type Subscriptions } from './redis-subscriptions.ts';
import type { Lock, Store } from './store.ts';

/** How long opening waits for the first answer: a start is nobody's turn, but must not hang either. */
const openDeadlineMs = 500;
const reconnectAfterMsMax = 500;

/** Deletes the lock only while it is still ours: after its lifetime it may be somebody else's. */
const compareAndDelete = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`;
/** The same for a lock that is turned into a mark. */
const compareAndSet = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('set', KEYS[1], ARGV[2], 'PX', ARGV[3]) end return 0`;

/**
 * Opens Redis. Never fails: a Redis that is absent, slow or paused is left out, and everything answers "unknown" at
 * once, until a ping in the background is answered again.
 */
export async function openRedis({
  url,
  log,
  commandDeadlineMs,
}: {
  url: string;
  log: Log;
  /** Past this an answer is not waited for, and Redis is left out. */
  commandDeadlineMs?: number;
}): Promise<Store & AsyncDisposable> {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 1_000,
    retryStrategy: (attempt) => Math.min(50 * attempt, reconnectAfterMsMax),
  });
  let problem = 'no answer';
  redis.on('error', (error: Error & { code?: string }) => {
    problem = error.code ?? error.message;
  });
  const breaker = watch(redis, log, commandDeadlineMs);
  await firstAnswer(redis, breaker);
  if (!breaker.available) log.warn({ reason: problem }, 'Redis is left out until it answers');
  const subscriptions = openSubscriptions(() => redis.duplicate(), log);
  return {
    ...storeOn(redis, breaker, subscriptions),
    get available() {
      return breaker.available;
    },
    async [Symbol.asyncDispose]() {
      breaker[Symbol.dispose]();
      subscriptions[Symbol.dispose]();
      redis.disconnect();
    },
  };
}

async function firstAnswer(redis: Redis, breaker: Breaker): Promise<void> {
  const refused = redis.connect().then(
    () => false,
    () => true,
  );
  for (let waitedMs = 0; waitedMs < openDeadlineMs && !breaker.available; waitedMs += 10) {
    if (await Promise.race([refused, delay(10, false)])) return;
    await delay(1);
  }
}

function storeOn(redis: Redis, { ask }: Breaker, subscriptions: Subscriptions): Omit<Store, 'available'> {
  return {
    get: async (key) => (await ask(() => redis.get(key))) ?? undefined,
    set: async (key, value, ttlMs) => {
      await ask(() => redis.set(key, value, 'PX', ttlMs));
    },
    cache: createRedisCache(redis, ask),
    lock: (key, owner, ttlMs) => lock(redis, ask, { key, owner, ttlMs }),
    publish: async (channel, message) => {
      const listeners = await ask(() => redis.publish(channelName(redis, channel), message));
      return listeners !== undefined;
    },
    subscribe: (channel, listener) => subscriptions.add(channel, listener),
  };
}

async function lock(
  redis: Redis,
  ask: Breaker['ask'],
  { key, owner, ttlMs }: { key: string; owner: string; ttlMs: number },
): Promise<Lock> {
  const mine = `${randomUUID()} ${owner}`;
  let sent = false;
  const answer = await ask(async () => {
    sent = true;
    if ((await redis.set(key, mine, 'PX', ttlMs, 'NX')) === 'OK') return { taken: true as const };
    // Gone by now: whoever had it is done, and the next look finds it free.
    return { taken: false as const, value: (await redis.get(key)) ?? '' };
  });
  if (answer?.taken) {
    return {
      state: 'held',
      release: async () => {
        await ask(() => redis.eval(compareAndDelete, 1, key, mine));
      },
      keep: async (keeper, keepMs) => {
        await ask(() => redis.eval(compareAndSet, 1, key, mine, `${randomUUID()} ${keeper}`, keepMs));
      },
    };
  }
  if (answer !== undefined) {
    return { state: 'busy', owner: answer.value.slice(answer.value.indexOf(' ') + 1) };
  }
  // A paused Redis takes the lock when it wakes up; on the same connection the release comes right behind.
  if (sent) redis.eval(compareAndDelete, 1, key, mine).catch(() => {});
  return { state: 'unavailable' };
}
