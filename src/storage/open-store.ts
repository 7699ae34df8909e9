import type { Log } from '#telemetry/log.ts';
import { createMemoryStore } from './memory-store.ts';
import { openRedis } from './redis.ts';
import type { Store } from './store.ts';

/** What several processes share: Redis, or this process's memory when there is no `redisUrl`. */
export async function openStore(redisUrl: string | undefined, log: Log): Promise<Store & AsyncDisposable> {
  return redisUrl === undefined ? createMemoryStore() : openRedis({ url: redisUrl, log });
}
