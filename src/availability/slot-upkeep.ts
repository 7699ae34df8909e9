import { createHash } from 'node:crypto';
import type { Sql } from 'postgres';
import { addDays, localDate } from '#organization/clinic-clock.ts';
import { type Organization, type Practitioner, practitionerOf } from '#organization/organization.ts';
import { inTenant } from '#storage/postgres.ts';
import { type DaySpan, lastBookableDay, openIntervals, slotsOf, timetableOf } from './open-hours.ts';

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

/** An upcoming hold or appointment at a time the practitioner is no longer there. */
export interface ClaimOutsideHours {
  /** UTC instant / practitioner key. */
  slotId: string;
  practitionerId: string;
  startsAt: Date;
  endsAt: Date;
  status: 'reserved' | 'booked';
}

/**
 * What the hours were changed away from: the clinic has to call these people, or come after all. A claim that lies
 * within the hours but off the present grid is none of them.
 */
export async function claimsOutsideHours(sql: Sql, organization: Organization): Promise<ClaimOutsideHours[]> {
  const rows = await sql<ClaimOutsideHours[]>`
    select slot_id as "slotId", practitioner_id as "practitionerId", starts_at as "startsAt", ends_at as "endsAt",
      status
    from claims_on_withdrawn_slots(${organization.id})`;
  return rows.filter((claim) => !isWithinHours(organization, claim));
}

/** Where a busy time comes from that the clinic's own people entered. */
export const staffSource = 'staff';

/** Longer than anybody is away; a stretch beyond it is a mistyped year. */
const stretchMaxMs = 366 * 86_400_000;

export type BlockOutcome =
  /** `appointments` in the stretch stay booked; they are for the clinic to move or cancel. */
  | { blocked: true; id: string; appointments: number }
  | { blocked: false; reason: 'empty' | 'too_long' | 'in_the_past' };

/**
 * Keeps a stretch of a practitioner's time free of new bookings. Nothing that is booked changes; a call that holds a
 * slot in it may still confirm it, as the caller was told it is theirs.
 */
export async function blockStretch(
  sql: Sql,
  tenantId: string,
  { practitionerId, startsAt, endsAt }: { practitionerId: string; startsAt: Date; endsAt: Date },
): Promise<BlockOutcome> {
  const lengthMs = endsAt.getTime() - startsAt.getTime();
  if (lengthMs <= 0) return { blocked: false, reason: 'empty' };
  if (lengthMs > stretchMaxMs) return { blocked: false, reason: 'too_long' };
  return inTenant(sql, tenantId, async (tx) => {
    // In line with the claims of the same practitioner: one that is committing now is seen, a later one sees this.
    await tx`select lock_practitioners(array[${practitionerId}]::uuid[])`;
    const [row] = await tx<[{ id: string }?]>`
      insert into busy_times (tenant_id, practitioner_id, starts_at, ends_at, source)
      select ${tenantId}, ${practitionerId}, ${startsAt}, ${endsAt}, ${staffSource}
      where ${endsAt} > ledger_now() returning id`;
    if (row === undefined) return { blocked: false, reason: 'in_the_past' };
    const [inside] = await tx<[{ count: number }]>`
      select count(*)::integer as count from appointments
      where tenant_id = ${tenantId} and practitioner_id = ${practitionerId} and status = 'booked'
        and starts_at > ${startsAt}::timestamptz - interval '1 day' and starts_at < ${endsAt}
        and occupies && tstzrange(${startsAt}, ${endsAt})`;
    return { blocked: true, id: row.id, appointments: inside.count };
  });
}

/** Opens a stretch again that the clinic's own people blocked. Gives the stretch, or nothing when there is none. */
export async function unblockStretch(
  sql: Sql,
  tenantId: string,
  id: string,
): Promise<{ startsAt: Date; endsAt: Date } | undefined> {
  return inTenant(sql, tenantId, async (tx) => {
    const [row] = await tx<[{ startsAt: Date; endsAt: Date }?]>`
      delete from busy_times where tenant_id = ${tenantId} and id = ${id} and source = ${staffSource}
      returning starts_at as "startsAt", ends_at as "endsAt"`;
    return row;
  });
}

/** The week the console shows is whole to its first day; nothing else looks back at what was open. */
const keptDays = 7;

/** One statement takes half a second for so many, in a ledger of ten million; nobody waits for it. */
const batchMax = 5_000;

/**
 * Removes an organization's slots of more than a week ago that nobody booked; holds that ran out there end. Appointments
 * and their slots stay, cancelled ones too.
 *
 * @param batch how many one statement removes
 * @returns how many were removed
 */
export async function forgetPastSlots(
  sql: Sql,
  tenantId: string,
  { signal, batch = batchMax }: { signal?: AbortSignal; batch?: number } = {},
): Promise<number> {
  let removed = 0;
  for (let more = true; more && !signal?.aborted; ) {
    const [row] = await sql<[{ answer: { removed: number; more: boolean } }]>`
      select forget_past_slots(${tenantId}, ${keptDays}, ${batch}) as answer`;
    removed += row.answer.removed;
    more = row.answer.more;
  }
  return removed;
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

function isWithinHours(organization: Organization, claim: ClaimOutsideHours): boolean {
  const practitioner = practitionerOf(organization, claim.practitionerId);
  if (practitioner === undefined) return false;
  const date = localDate(organization.zone, claim.startsAt);
  return openIntervals(timetableOf(organization, practitioner), { from: date, to: date }).some(
    ({ startsAt, endsAt }) => startsAt <= claim.startsAt && claim.endsAt <= endsAt,
  );
}
