import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from 'postgres';
import type { Store } from '#storage/store.ts';
import type { SlotMemory } from './slot-memory.ts';

/** What processes tell each other about days that have changed. */
export interface SlotAnnouncements extends AsyncDisposable {
  /** False while others' changes may be missed. */
  readonly live: boolean;
  /**
   * Resolves when the ledger's own announcements are heard for the first time, which forgets everything, or will not
   * be soon: a day that is read ahead of need before that is read in vain.
   */
  readonly begun: Promise<unknown>;
  /** Tells every other process that a day of an organization has changed, or all of them. */
  tell(tenantId: string, isoDate?: string): Promise<void>;
}

const channel = 'slots';
/** Listening begins some milliseconds after the process; a database that takes longer has other troubles. */
const begunWithinMs = 1_000;

/**
 * Forgets what other processes have changed: by way of the store what calls change, by way of Postgres, at the commit,
 * what commands and calendars change. When either connection was lost, everything is forgotten.
 */
export function openSlotAnnouncements({
  sql,
  store,
  memory,
}: {
  sql: Sql;
  store: Store;
  memory: SlotMemory;
}): SlotAnnouncements {
  /** Tells our own messages from those of others. */
  const self = randomUUID();
  const subscription = store.subscribe(channel, {
    onMessage(message) {
      const [teller, tenantId = '', isoDate] = message.split(' ');
      // What this process changed it has forgotten already, and may have read again since.
      if (teller !== self) memory.drop(tenantId, isoDate);
    },
    onLost: () => memory.dropAll(),
  });
  const listening = sql
    .listen(
      'holdline_slots',
      (tenantId) => memory.drop(tenantId),
      // Called whenever listening begins, after a lost connection too.
      () => memory.dropAll(),
    )
    // Behind a pooler in transaction mode nothing is heard; what the store tells remains.
    .catch(() => undefined);
  return {
    get live() {
      return subscription.live;
    },
    begun: Promise.race([listening, delay(begunWithinMs, undefined, { ref: false })]),
    async tell(tenantId, isoDate) {
      await store.publish(channel, [self, tenantId, ...(isoDate === undefined ? [] : [isoDate])].join(' '));
    },
    async [Symbol.asyncDispose]() {
      subscription[Symbol.dispose]();
      await (await listening)?.unlisten().catch(() => {});
    },
  };
}
