import type { Sql } from 'postgres';
import type { Organization, Practitioner } from '#organization/organization.ts';
import type { Store } from '#storage/store.ts';
import {
  addDays,
  bookableSpan,
  dayBounds,
  lastBookableDay,
  localDate,
  practitionersOn,
} from './open-hours.ts';

/** A slot that can be claimed, with the version it had when it was read. */
export interface OpenSlot {
  /** UTC instant / practitioner key. */
  slotId: string;
  version: string;
  startsAt: Date;
  practitionerId: string;
}

export interface OpenSlots {
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
  /** Drops what is cached of the day a slot lies on; called after every change of the ledger. */
  changed(organization: Organization, startsAt: Date): Promise<void>;
}

/**
 * How long a cached day may be out of date when something changed it that could not say so: a hold that ran out, another
 * process whose message was lost. An out-of-date day can only offer a time that is then refused, or not offer one
 * that is free again: the claim decides, never the cache. Long enough for a day preloaded when the call started to be
 * there when the caller has said what they want.
 */
const cachedForMs = 180_000;
/** Most callers want a day of the coming week. */
const preloadedDays = 7;
/** Another call has just read them. */
const preloadAgainAfterMs = 60_000;

/** Open slots by way of the cache, and of Postgres when the cache does not know or does not answer. */
export function createOpenSlots({
  sql,
  store,
  nowMs = Date.now,
}: {
  sql: Sql;
  store: Store;
  nowMs?: () => number;
}): OpenSlots {
  const preloads = new Map<string, { atMs: number; reading: Promise<void> }>();
  const keyOf = (organization: Organization) => `slots:${organization.id}`;

  async function read(organization: Organization, from: Date, to: Date): Promise<OpenSlot[]> {
    const rows = await sql<OpenSlot[]>`
      select slot_id as "slotId", version, starts_at as "startsAt", practitioner_id as "practitionerId"
      from open_slots(${organization.id}, ${from}, ${to})`;
    return [...rows];
  }

  function keep(organization: Organization, isoDate: string, slots: OpenSlot[], atMs: number): Promise<void> {
    return store.hashSet(keyOf(organization), isoDate, JSON.stringify({ atMs, slots }), cachedForMs);
  }

  async function wholeDay(organization: Organization, isoDate: string): Promise<OpenSlot[]> {
    const cached = parseDay(await store.hashGet(keyOf(organization), isoDate));
    // A hash lives on with each of its writes, so that every day carries its own age.
    if (cached !== undefined && nowMs() - cached.atMs < cachedForMs) return cached.slots;
    const { startsAt, endsAt } = dayBounds(organization.zone, isoDate);
    const atMs = nowMs();
    const day = await read(organization, startsAt, endsAt);
    await keep(organization, isoDate, day, atMs);
    return day;
  }

  async function readComingDays(organization: Organization, now: Date): Promise<void> {
    const { zone } = organization;
    const today = localDate(zone, now);
    const dates = Array.from({ length: preloadedDays }, (_, index) => addDays(today, index));
    const last = dates.at(-1) ?? today;
    const atMs = nowMs();
    const slots = await read(organization, dayBounds(zone, today).startsAt, dayBounds(zone, last).endsAt);
    const byDate = Map.groupBy(slots, (slot) => localDate(zone, slot.startsAt));
    await Promise.all(dates.map((date) => keep(organization, date, byDate.get(date) ?? [], atMs)));
  }

  async function onDay(organization: Organization, isoDate: string, now: Date): Promise<OpenSlot[]> {
    const spans = new Map(
      organization.practitioners.map((one) => [one.id, bookableSpan(organization, one, now)]),
    );
    const day = await wholeDay(organization, isoDate);
    return day.filter(({ startsAt, practitionerId }) => {
      const span = spans.get(practitionerId);
      return span !== undefined && startsAt > span.startsAt && startsAt < span.endsAt;
    });
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
    preload(organization, now) {
      const last = preloads.get(organization.id);
      if (last !== undefined && nowMs() - last.atMs < preloadAgainAfterMs) return last.reading;
      const reading = readComingDays(organization, now);
      preloads.set(organization.id, { atMs: nowMs(), reading });
      reading.catch(() => preloads.delete(organization.id));
      return reading;
    },
    async changed(organization, startsAt) {
      await store.hashDelete(`slots:${organization.id}`, localDate(organization.zone, startsAt));
    },
  };
}

/** Drops everything that is cached of an organization: its hours were changed. */
export async function forgetOpenSlots(store: Store, { id }: Pick<Organization, 'id'>): Promise<void> {
  await store.hashDelete(`slots:${id}`);
}

export function ofPractitioners(slots: OpenSlot[], practitioners: Pick<Practitioner, 'id'>[]): OpenSlot[] {
  return slots.filter((slot) => practitioners.some((one) => one.id === slot.practitionerId));
}

function parseDay(json: string | undefined): { atMs: number; slots: OpenSlot[] } | undefined {
  if (json === undefined) return undefined;
  const { atMs, slots } = JSON.parse(json) as {
    atMs: number;
    slots: (Omit<OpenSlot, 'startsAt'> & { startsAt: string })[];
  };
  return { atMs, slots: slots.map((slot) => ({ ...slot, startsAt: new Date(slot.startsAt) })) };
}
