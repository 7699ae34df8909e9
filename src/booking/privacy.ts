import type { Sql } from 'postgres';
import { inTenant } from '#storage/postgres.ts';

/**
 * Removes a person from everything an organization keeps but the history, which never held them.
 *
 * @param phone E.164 number the person called from or gave
 * @returns how many rows were changed; refused while appointments of theirs are still to come, because a booked time
 *   without a patient helps nobody
 */
export async function forgetPerson(
  sql: Sql,
  tenantId: string,
  phone: string,
): Promise<{ forgotten: true; rows: number } | { forgotten: false; upcoming: number }> {
  const upcoming = await inTenant(sql, tenantId, async (tx) => {
    const [row] = await tx<[{ count: number }]>`
      select count(*)::integer as count from appointments
      where tenant_id = ${tenantId} and phone = ${phone} and status = 'booked'
        and starts_at > ledger_now()`;
    return row.count;
  });
  if (upcoming > 0) return { forgotten: false, upcoming };
  const [row] = await sql<[{ rows: number }]>`select forget_person(${tenantId}, ${phone}) as rows`;
  return { forgotten: true, rows: row.rows };
}

/** Removes patients' details older than the organization keeps them. Gives how many rows were changed. */
export async function forgetExpired(sql: Sql, tenantId: string): Promise<number> {
  const [row] = await sql<[{ rows: number }]>`select forget_expired(${tenantId}) as rows`;
  return row.rows;
}
