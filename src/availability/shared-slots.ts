import type { Store } from '#storage/store.ts';
import { dayLifetimeMs, parseDay, type SlotDay, writeDay } from './slot-days.ts';

/** Open slots as all processes share them: a hash per organization, a field per day. Never throws. */
export interface SharedSlots extends Disposable {
  get(tenantId: string, isoDate: string): Promise<SlotDay | undefined>;
  /**
   * To be called before the ledger is read: what it gives fills the days that were read, unless one was dropped
   * meanwhile. Nobody has to wait for that.
   */
  prepare(tenantId: string, dates: string[]): Promise<(days: Map<string, SlotDay>) => void>;
  /** Drops a day, or all of an organization, and tells the other processes, who ask here at once. */
  drop(tenantId: string, isoDate: string | undefined): Promise<void>;
}

type Tell = (tenantId: string, isoDate?: string) => Promise<void>;

/** How often a cache that has missed a drop is told of it again. */
const tellAgainAfterMs = 250;

export function createSharedSlots({ cache }: Store, tell: Tell): SharedSlots {
  if (cache === undefined) {
    const nothing = () => {};
    return {
      get: async () => undefined,
      prepare: async () => nothing,
      drop: tell,
      [Symbol.dispose]: nothing,
    };
  }
  /** Organizations of which the cache has missed a drop. What it has of them is not read before it has heard of it. */
  const owed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  function owe(tenantId: string): void {
    owed.add(tenantId);
    timer ??= setTimeout(async () => {
      timer = undefined;
      for (const one of [...owed]) await settle(one);
    }, tellAgainAfterMs).unref();
  }

  /** @returns whether what the cache has of an organization may be read */
  async function settle(tenantId: string): Promise<boolean> {
    if (!owed.delete(tenantId)) return true;
    const dropped = cache?.drop(keyOf(tenantId));
    // Others may have read the cache meanwhile, and did not hear of the change either.
    await tell(tenantId);
    if (await dropped) return true;
    owe(tenantId);
    return false;
  }

  return {
    async get(tenantId, isoDate) {
      if (owed.size > 0 && !(await settle(tenantId))) return undefined;
      const found = await cache.get(keyOf(tenantId), isoDate);
      return found === undefined || found === 'missing' ? undefined : parseDay(found);
    },
    async prepare(tenantId, dates) {
      const guards = (await settle(tenantId))
        ? await cache.guards(keyOf(tenantId), dates, dayLifetimeMs)
        : undefined;
      return (days) => {
        if (guards === undefined) return;
        const entries = dates.flatMap((field, index) => {
          const [day, guard] = [days.get(field), guards[index]];
          return day === undefined || guard === undefined ? [] : [{ field, value: writeDay(day), guard }];
        });
        void cache.fill(keyOf(tenantId), entries, dayLifetimeMs);
      };
    },
    async drop(tenantId, isoDate) {
      // The cache first; one connection keeps the two in order.
      const dropped = cache.drop(keyOf(tenantId), isoDate);
      await tell(tenantId, isoDate);
      if (!(await dropped)) owe(tenantId);
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      owed.clear();
    },
  };
}

function keyOf(tenantId: string): string {
  return `slots:${tenantId}`;
}
