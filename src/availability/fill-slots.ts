import { createHash } from 'node:crypto';
import type { Sql } from 'postgres';
import { addDays } from '#organization/dates.ts';
import type { Organization, Practitioner } from '#organization/organization.ts';
import { type DaySpan, lastBookableDay, localDate, slotsOf, timetableOf } from './open-hours.ts';

/** What became of an organization's slots. Claims are never changed. */
export interface SlotChanges {
  added: number;
  /** Free slots that the hours no longer have. */
  removed: number;
  /** Free slots that got another length or buffer, were withdrawn or came back. */
  changed: number;
  /** Upcoming holds and appointments on slots that the hours no longer have as they are. */
  kept: number;
}

/** How far a practitioner's slots are written, and from which hours. */
interface Fill {
  rules: string;
  /** ISO date, included. */
  filledTo: string;
}

type Fills = Map<string, Fill>;

const nothing: SlotChanges = { added: 0, removed: 0, changed: 0, kept: 0 };

/**
 * Makes the slots of an organization follow its open hours, up to the horizon: new days are added, and where the hours
 * were changed since, free slots that no longer fit go. A slot somebody holds or has booked stays as it is.
 *
 * @param now decides which day is today; what is over by the database's clock is left alone
 */
export async function fillSlots(sql: Sql, organization: Organization, now: Date): Promise<SlotChanges> {
  return fillFrom(sql, organization, now, await readFills(sql, organization.id));
}

/**
 * The same for many organizations: what each needs is found in one read, and one that needs nothing costs nothing. Where
 * one fails, the others are done. Whoever is interrupted has done those that were told of; the next time goes on.
 *
 * @param seen told of each organization, one after another, with what became of its slots; waited for
 * @throws AggregateError with the fault of each organization that failed; the signal's reason once it is aborted
 */
export async function fillAllSlots(
  sql: Sql,
  { organizations, now, signal }: { organizations: Organization[]; now: Date; signal?: AbortSignal },
  seen: (organization: Organization, changes: SlotChanges) => unknown,
): Promise<void> {
  const fills = await readFills(sql, null);
  const faults: unknown[] = [];
  for (const organization of organizations) {
    signal?.throwIfAborted();
    try {
      await seen(organization, await fillFrom(sql, organization, now, fills));
    } catch (error) {
      faults.push(error);
    }
  }
  if (faults.length > 0)
    throw new AggregateError(faults, `slots do not follow the hours of ${faults.length} organizations`);
}

async function readFills(sql: Sql, tenantId: string | null): Promise<Fills> {
  const rows = await sql<(Fill & { practitionerId: string })[]>`
    select practitioner_id as "practitionerId", rules, filled_to::text as "filledTo"
    from slot_fills_of(${tenantId})`;
  return new Map(rows.map((row) => [row.practitionerId, row]));
}

async function fillFrom(sql: Sql, organization: Organization, now: Date, fills: Fills): Promise<SlotChanges> {
  const parts = organization.practitioners.flatMap(
    (practitioner) => partOf(organization, practitioner, now, fills.get(practitioner.id)) ?? [],
  );
  const total = { ...nothing };
  // Comparing keeps a practitioner's claims waiting, so each is done by itself; adding does not.
  const added = parts.filter(({ whole }) => !whole);
  for (const together of [...parts.filter(({ whole }) => whole).map((one) => [one]), added]) {
    if (together.length === 0) continue;
    const [row] = await sql<[{ changes: SlotChanges }]>`
      select write_slots(${organization.id}, ${sql.json(together as never)}) as changes`;
    for (const what of ['added', 'removed', 'changed', 'kept'] as const) total[what] += row.changes[what];
  }
  if (total.added + total.removed + total.changed > 0) await sql`select announce_slots(${organization.id})`;
  return total;
}

/** What `write_slots` is to do for a practitioner; nothing when all is as it should be. */
function partOf(organization: Organization, practitioner: Practitioner, now: Date, fill: Fill | undefined) {
  const { zone, schedule } = organization;
  const bufferMinutes = practitioner.bufferMinutes ?? schedule.bufferMinutes;
  const timetable = timetableOf(organization, practitioner);
  const rules = rulesOf(organization, practitioner, { ...timetable, bufferMinutes });
  const today = localDate(zone, now);
  const last = lastBookableDay(organization, practitioner, now);
  const whole = fill?.rules !== rules;
  if (!whole && fill.filledTo >= last) return undefined;
  const written = fill?.filledTo ?? today;
  // A shorter horizon takes nothing away: what is beyond it is not offered, and comes within it again.
  const span: DaySpan = whole
    ? { from: today, to: later(written, last) }
    : { from: later(addDays(written, 1), today), to: last };
  return {
    practitionerId: practitioner.id,
    key: practitioner.key,
    rules,
    filledTo: span.to,
    lengthMinutes: timetable.slotMinutes,
    bufferMinutes,
    starts: slotsOf(timetable, span)
      .filter(({ startsAt }) => startsAt > now)
      .map(({ startsAt }) => startsAt.getTime() / 1000),
    whole,
  };
}

/** A digest of everything a practitioner's slots follow from, the days that are written apart. */
function rulesOf(
  { zone, schedule }: Organization,
  { key, weekly, specialDays }: Practitioner,
  lengths: { slotMinutes: number; gridMinutes: number; bufferMinutes: number },
): string {
  const { slotMinutes, gridMinutes, bufferMinutes } = lengths;
  const hours = [zone, schedule.weekly, schedule.specialDays, weekly, specialDays];
  const rules = JSON.stringify([key, ...hours, slotMinutes, gridMinutes, bufferMinutes]);
  return createHash('sha256').update(rules).digest('base64url').slice(0, 22);
}

function later(one: string, other: string): string {
  return one > other ? one : other;
}
