import type { Sql } from 'postgres';
import type { Organization } from '#organization/organization.ts';
import type { Store } from '#storage/store.ts';
import { counter, durations } from '#telemetry/metrics.ts';
import { createFirstSync } from './first-sync.ts';
import { createSharedSlots } from './shared-slots.ts';
import { openSlotAnnouncements } from './slot-announcements.ts';
import { readDays, type SlotDay } from './slot-days.ts';
import { createSlotMemory, type Mark } from './slot-memory.ts';

/** Days of open slots from where they are found first: this process's memory, the shared cache, the ledger. */
export interface SlotReader extends AsyncDisposable {
  /** Without a promise when it is remembered. */
  day(organization: Organization, isoDate: string): SlotDay | Promise<SlotDay>;
  /** Reads consecutive days from the ledger, whatever is kept of them, and keeps them. */
  read(organization: Organization, dates: string[]): Promise<Map<string, SlotDay>>;
  /** Resolves when what is read is kept until it changes, or nobody can say when that will be. */
  readonly begun: Promise<unknown>;
  /** Forgets a day, or all of an organization, on every process. Here it is forgotten when this returns. */
  drop(tenantId: string, isoDate?: string): Promise<void>;
}

/** While other processes' changes cannot be heard, what this one remembers is trusted no longer than this. */
const trustedUnheardMs = 2_000;

const reads = counter('holdline_slot_reads_total', 'Days of open slots read, by where they were found', [
  'from',
]);
const ages = durations(
  'holdline_slot_age_seconds',
  'How old a day of open slots was when it was used',
  ['from'],
  [0.1, 1, 5, 15, 60, 180, 600, 1_800, 3_600],
);

export function createSlotReader({
  sql,
  store,
  nowMs,
}: {
  sql: Sql;
  store: Store;
  nowMs: () => number;
}): SlotReader {
  const memory = createSlotMemory();
  const announcements = openSlotAnnouncements({ sql, store, memory });
  const shared = createSharedSlots(store, announcements.tell);
  const firstSync = createFirstSync({ sql, nowMs });
  const looking = new Map<string, { mark: Mark; reading: Promise<SlotDay> }>();

  function remembered(tenantId: string, isoDate: string): SlotDay | undefined {
    const day = memory.get(tenantId, isoDate);
    if (day === undefined || day.untilMs <= nowMs()) return undefined;
    if (!announcements.live && nowMs() - day.readAtMs > trustedUnheardMs) return undefined;
    return day;
  }

  function used(from: 'memory' | 'redis' | 'postgres', day: SlotDay): SlotDay {
    reads({ from });
    ages(Math.max(0, nowMs() - day.readAtMs), { from });
    return day;
  }

  async function read(organization: Organization, dates: string[]): Promise<Map<string, SlotDay>> {
    await firstSync.wait(organization);
    const { id: tenantId, zone } = organization;
    // Before the ledger is read: a change that the reading may have missed refuses it as a filling.
    const mark = memory.mark();
    const fill = await shared.prepare(tenantId, dates);
    const days = await readDays(sql, { tenantId, zone, dates, nowMs: nowMs() });
    for (const [date, day] of days) memory.put(tenantId, date, day, mark);
    fill(days);
    return days;
  }

  async function look(organization: Organization, isoDate: string): Promise<SlotDay> {
    const mark = memory.mark();
    const found = await shared.get(organization.id, isoDate);
    if (found !== undefined && found.untilMs > nowMs()) {
      memory.put(organization.id, isoDate, found, mark);
      return used('redis', found);
    }
    const day = (await read(organization, [isoDate])).get(isoDate);
    return used('postgres', day ?? { readAtMs: nowMs(), untilMs: nowMs(), slots: [] });
  }

  return {
    read,
    begun: announcements.begun,
    day(organization, isoDate) {
      const known = remembered(organization.id, isoDate);
      if (known !== undefined) return used('memory', known);
      const key = `${organization.id} ${isoDate}`;
      const other = looking.get(key);
      // Many who ask at once look once; never one who asks after a change that the looking may have missed.
      if (other !== undefined && memory.holds(organization.id, isoDate, other.mark)) return other.reading;
      const mine = { mark: memory.mark(), reading: look(organization, isoDate) };
      looking.set(key, mine);
      const done = () => {
        if (looking.get(key) === mine) looking.delete(key);
      };
      mine.reading.then(done, done);
      return mine.reading;
    },
    drop(tenantId, isoDate) {
      memory.drop(tenantId, isoDate);
      return shared.drop(tenantId, isoDate);
    },
    async [Symbol.asyncDispose]() {
      shared[Symbol.dispose]();
      await announcements[Symbol.asyncDispose]();
      await Promise.allSettled([...looking.values()].map(({ reading }) => reading));
    },
  };
}
