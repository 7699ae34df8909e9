import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Breaker } from './breaker.ts';
import type { CacheEntry, SharedCache } from './store.ts';

/**
 * The cache in Redis: a hash per key, with a field for each value and one for its guard. Both end together, so that
 * a fill which was under way when Redis lost its memory finds no guard and is refused.
 */
export function createRedisCache(redis: Redis, ask: Breaker['ask']): SharedCache {
  return {
    async get(key, field) {
      const answer = await ask(async () => ({ value: await redis.hget(key, field) }));
      return answer === undefined ? undefined : (answer.value ?? 'missing');
    },
    async guards(key, fields, ttlMs) {
      const answer = await ask(() => redis.eval(takeGuards, 1, key, ttlMs, randomUUID(), ...fields));
      return answer as string[] | undefined;
    },
    async fill(key, entries, ttlMs) {
      const flat = entries.flatMap(({ field, value, guard }: CacheEntry) => [field, value, guard]);
      await ask(() => redis.eval(fillGuarded, 1, key, ttlMs, ...flat));
    },
    async drop(key, field) {
      const done = await ask(async () => {
        if (field === undefined) await redis.del(key);
        else await redis.eval(dropField, 1, key, field, randomUUID());
        return true;
      });
      return done === true;
    },
  };
}

const takeGuards = `
local guards = {}
for i = 3, #ARGV do
  redis.call('hsetnx', KEYS[1], 'guard:' .. ARGV[i], ARGV[2])
  guards[i - 2] = redis.call('hget', KEYS[1], 'guard:' .. ARGV[i])
end
redis.call('pexpire', KEYS[1], ARGV[1])
return guards`;

const fillGuarded = `
local filled = 0
for i = 2, #ARGV, 3 do
  if redis.call('hget', KEYS[1], 'guard:' .. ARGV[i]) == ARGV[i + 2] then
    redis.call('hset', KEYS[1], ARGV[i], ARGV[i + 1])
    filled = filled + 1
  end
end
if filled > 0 then redis.call('pexpire', KEYS[1], ARGV[1]) end
return filled`;

/** Without a guard no fill is under way that could succeed. */
const dropField = `
redis.call('hdel', KEYS[1], ARGV[1])
if redis.call('hexists', KEYS[1], 'guard:' .. ARGV[1]) == 1 then
  redis.call('hset', KEYS[1], 'guard:' .. ARGV[1], ARGV[2])
end
return 1`;
