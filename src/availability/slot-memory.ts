import type { SlotDay } from './slot-days.ts';

/** A moment in the order of drops: what was read after it may be put, unless something was dropped meanwhile. */
export type Mark = number;

/** Open slots as this process remembers them. */
export interface SlotMemory {
  get(tenantId: string, isoDate: string): SlotDay | undefined;
  /** To be taken before the truth is read. */
  mark(): Mark;
  /** Remembers a day, unless it was dropped after the mark was taken. */
  put(tenantId: string, isoDate: string, day: SlotDay, mark: Mark): void;
  /** Whether something read after the mark would still be remembered. */
  holds(tenantId: string, isoDate: string, mark: Mark): boolean;
  /** Forgets a day, or all days of an organization. */
  drop(tenantId: string, isoDate?: string): void;
  dropAll(): void;
}

/** A day takes a few kilobytes; past this many everything is forgotten and read again. */
const daysMax = 5_000;

export function createSlotMemory(): SlotMemory {
  /** Rises with every drop. */
  let now: Mark = 0;
  let allDropped: Mark = 0;
  let count = 0;
  const organizations = new Map<string, Remembered>();

  function remembered(tenantId: string): Remembered {
    const found = organizations.get(tenantId);
    if (found !== undefined) return found;
    const made: Remembered = { dropped: 0, days: new Map() };
    organizations.set(tenantId, made);
    return made;
  }

  function dropAll(): void {
    now += 1;
    allDropped = now;
    count = 0;
    organizations.clear();
  }

  function holds(tenantId: string, isoDate: string, mark: Mark): boolean {
    const one = organizations.get(tenantId);
    return (
      mark >= allDropped && mark >= (one?.dropped ?? 0) && mark >= (one?.days.get(isoDate)?.dropped ?? 0)
    );
  }

  return {
    get: (tenantId, isoDate) => organizations.get(tenantId)?.days.get(isoDate)?.day,
    mark: () => now,
    holds,
    put(tenantId, isoDate, day, mark) {
      if (!holds(tenantId, isoDate, mark)) return;
      if (count >= daysMax) {
        dropAll();
        return;
      }
      const { days } = remembered(tenantId);
      const dropped = days.get(isoDate)?.dropped;
      if (dropped === undefined) count += 1;
      days.set(isoDate, { dropped: dropped ?? 0, day });
    },
    drop(tenantId, isoDate) {
      now += 1;
      const one = remembered(tenantId);
      if (isoDate === undefined) {
        count -= one.days.size;
        one.days.clear();
        one.dropped = now;
        return;
      }
      if (!one.days.has(isoDate)) count += 1;
      // The day stays as a mark, so that a read which began before is not put.
      one.days.set(isoDate, { dropped: now, day: undefined });
      if (count > daysMax) dropAll();
    },
    dropAll,
  };
}

interface Remembered {
  dropped: Mark;
  days: Map<string, { dropped: Mark; day: SlotDay | undefined }>;
}
