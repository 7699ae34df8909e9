import type { Sql } from 'postgres';
import { addDays, localDate } from '#organization/clinic-clock.ts';
import type { Organization, Practitioner } from '#organization/organization.ts';
import type { Store } from '#storage/store.ts';
import { bookableSpan, lastBookableDay, practitionersOn } from './open-hours.ts';
import type { OpenSlot } from './slot-days.ts';
import { createSlotReader } from './slot-reader.ts';

export type { OpenSlot } from './slot-days.ts';

export interface OpenSlots extends AsyncDisposable {
  /** Open slots of one of the clinic's days, in order of time: those each practitioner can be booked at by now. */
  onDay(organization: Organization, isoDate: string, now: Date): Promise<OpenSlot[]>;
  /** Those of the first day that has any, from a day on, up to the booking horizon. */
  from(
    organization: Organization,
    isoDate: string,
    now: Date,
    /** Only these; everybody if left out. */
    practitioners?: Practitioner[],
  ): Promise<OpenSlot[]>;
  /** Reads the coming days in one go, for a call that has just started; many calls at once read them once. */
  preload(organization: Organization, now: Date): Promise<void>;
  /** Drops what is kept of the day a slot lies on, everywhere; called after every change of the ledger. */
  changed(organization: Organization, startsAt: Date): Promise<void>;
  /** Drops all days of an organization, everywhere: its hours or calendars have changed. */
  forget(organization: Pick<Organization, 'id'>): Promise<void>;
  /** Reads the coming days from the ledger, whatever is kept of them. */
  reread(organization: Organization, now: Date): Promise<void>;
}

/** Most callers want a day of the coming week. */
const preloadedDays = 7;
/** Another call has just read them. */
const preloadAgainAfterMs = 60_000;
/** A rush on one day changes it many times; it is read again once they have settled. */
const readAgainAfterMs = 25;

/**
 * Open slots by way of this process's memory, the shared cache, and the ledger, in that order. A day is kept for an
 * hour at most, and dropped on every process when the ledger changes. An out-of-date day can only offer a time that is
 * then refused, or not offer one that is free again: the claim decides, never the cache.
 */
export function createOpenSlots({
  sql,
  store,
  nowMs = Date.now,
}: {
  sql: Sql;
  store: Store;
  nowMs?: () => number;
}): OpenSlots {
  const reader = createSlotReader({ sql, store, nowMs });
  const preloads = new Map<string, { atMs: number; reading: Promise<unknown> }>();
  const again = createReadAgain((organization, isoDate) => reader.day(organization, isoDate));

  async function onDay(organization: Organization, isoDate: string, now: Date): Promise<OpenSlot[]> {
    const spans = new Map(
      organization.practitioners.map((one) => [one.id, bookableSpan(organization, one, now)]),
    );
    const { slots } = await reader.day(organization, isoDate);
    return slots.filter(({ startsAt, practitionerId }) => {
      const span = spans.get(practitionerId);
      return span !== undefined && startsAt > span.startsAt && startsAt < span.endsAt;
    });
  }

  async function readComingDays(organization: Organization, now: Date): Promise<void> {
    await reader.begun;
    const today = localDate(organization.zone, now);
    await reader.read(
      organization,
      Array.from({ length: preloadedDays }, (_, index) => addDays(today, index)),
    );
  }

  return {
    onDay,
    async from(organization, isoDate, now, practitioners = organization.practitioners) {
      const wanted = { schedule: organization.schedule, practitioners };
      const last =
        practitioners
          .map((one) => lastBookableDay(organization, one, now))
          .sort()
          .at(-1) ?? '';
      for (let day = isoDate; day <= last; day = addDays(day, 1)) {
        if (practitionersOn(wanted, day).length === 0) continue;
        const open = ofPractitioners(await onDay(organization, day, now), practitioners);
        if (open.length > 0) return open;
      }
      return [];
    },
    async preload(organization, now) {
      const last = preloads.get(organization.id);
      const fresh = last !== undefined && nowMs() - last.atMs < preloadAgainAfterMs;
      const reading = fresh ? last.reading : readComingDays(organization, now);
      if (!fresh) {
        preloads.set(organization.id, { atMs: nowMs(), reading });
        reading.catch(() => preloads.delete(organization.id));
      }
      await reading;
    },
    async changed(organization, startsAt) {
      const isoDate = localDate(organization.zone, startsAt);
      again.soon(organization, isoDate);
      await reader.drop(organization.id, isoDate);
    },
    forget: (organization) => reader.drop(organization.id),
    reread: readComingDays,
    async [Symbol.asyncDispose]() {
      again[Symbol.dispose]();
      await reader[Symbol.asyncDispose]();
    },
  };
}

export function ofPractitioners(slots: OpenSlot[], practitioners: Pick<Practitioner, 'id'>[]): OpenSlot[] {
  return slots.filter((slot) => practitioners.some((one) => one.id === slot.practitionerId));
}

/** Whoever changed a day reads it again, so that the next caller finds it, on whichever process. */
function createReadAgain(
  read: (organization: Organization, isoDate: string) => unknown,
): { soon(organization: Organization, isoDate: string): void } & Disposable {
  const waiting = new Map<string, NodeJS.Timeout>();
  return {
    soon(organization, isoDate) {
      const key = `${organization.id} ${isoDate}`;
      clearTimeout(waiting.get(key));
      const readNow = async () => {
        waiting.delete(key);
        await read(organization, isoDate);
      };
      // When it fails, the next caller reads the day themselves and is told what is wrong.
      waiting.set(
        key,
        setTimeout(() => void readNow().catch(() => {}), readAgainAfterMs),
      );
    },
    [Symbol.dispose]() {
      for (const timer of waiting.values()) clearTimeout(timer);
    },
  };
}
