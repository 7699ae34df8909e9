import type { Sql } from 'postgres';
import type { Organization } from '#organization/organization.ts';
import type { Store } from '#storage/store.ts';
import { dayBounds, localDate, openHoursOn } from './open-hours.ts';

/** A slot that can be claimed, with the version it had when it was read. */
export interface OpenSlot {
  /** UTC instant / practitioner key. */
  slotId: string;
  version: string;
  startsAt: Date;
  practitionerId: string;
}

export interface OpenSlots {
  /** Open slots of one of the clinic's days, in order of time, none before `now` plus the minimum notice. */
  onDay(organization: Organization, isoDate: string, now: Date): Promise<OpenSlot[]>;
  /** The first open slots from a day on, that day included, up to the booking horizon. */
  from(organization: Organization, isoDate: string, now: Date): Promise<OpenSlot[]>;
  /** Drops what is cached of the day a slot lies on; called after every change of the ledger. */
  changed(organization: Organization, startsAt: Date): Promise<void>;
}

/**
 * How long a cached day may be out of date when another process changed the ledger and could not say so.
 * An out-of-date day can only offer a time that is then refused: the claim decides, never the cache.
 */
const cachedForMs = 30_000;

/** Open slots by way of the cache, and of Postgres when the cache does not know or does not answer. */
export function createOpenSlots({ sql, store }: { sql: Sql; store: Store }): OpenSlots {
  async function wholeDay(organization: Organization, isoDate: string): Promise<OpenSlot[]> {
    const key = `slots:${organization.id}`;
    const cached = await store.hashGet(key, isoDate);
    if (cached !== undefined) return parseDay(cached);
    const { startsAt, endsAt } = dayBounds(organization.zone, isoDate);
    const rows = await sql<OpenSlot[]>`
      select slot_id as "slotId", version, starts_at as "startsAt", practitioner_id as "practitionerId"
      from open_slots(${organization.id}, ${startsAt}, ${endsAt})`;
    const day = [...rows];
    await store.hashSet(key, isoDate, JSON.stringify(day), cachedForMs);
    return day;
  }

  async function onDay(organization: Organization, isoDate: string, now: Date): Promise<OpenSlot[]> {
    const earliestMs = now.getTime() + organization.schedule.minimumNoticeMinutes * 60_000;
    const day = await wholeDay(organization, isoDate);
    return day.filter((slot) => slot.startsAt.getTime() > earliestMs);
  }

  return {
    onDay,
    async from(organization, isoDate, now) {
      const { schedule, zone } = organization;
      const lastMs = now.getTime() + schedule.horizonDays * 86_400_000;
      for (
        let day = isoDate;
        dayBounds(zone, day).startsAt.getTime() < lastMs;
        day = localDate(zone, new Date(dayBounds(zone, day).endsAt.getTime()))
      ) {
        if (openHoursOn(schedule, day).length === 0) continue;
        const open = await onDay(organization, day, now);
        if (open.length > 0) return open;
      }
      return [];
    },
    async changed(organization, startsAt) {
      await store.hashDelete(`slots:${organization.id}`, localDate(organization.zone, startsAt));
    },
  };
}

function parseDay(json: string): OpenSlot[] {
  const rows = JSON.parse(json) as (Omit<OpenSlot, 'startsAt'> & { startsAt: string })[];
  return rows.map((row) => ({ ...row, startsAt: new Date(row.startsAt) }));
}
