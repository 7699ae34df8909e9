import type { Sql } from 'postgres';
import { inTenant } from '#storage/postgres.ts';

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
