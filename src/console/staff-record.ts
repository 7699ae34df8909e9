import type { Sql } from 'postgres';
import { inTenant } from '#storage/postgres.ts';

/** Something one of the clinic's own people did by the console. Nothing in it is about a patient. */
export interface StaffAction {
  /** The label of the key they signed in with, or `installation`. */
  who: string;
  /** e.g. `details shown` */
  action: string;
  /** A call's id, an appointment's, a slot's, a template's name. */
  about: string;
}

/** Keeps that something was done, or asked to be shown. Such a line is never changed. */
export async function recordAction(sql: Sql, tenantId: string, action: StaffAction): Promise<void> {
  const { who, action: what, about } = action;
  await inTenant(
    sql,
    tenantId,
    (tx) => tx`
      insert into console_record (tenant_id, who, action, about)
      values (${tenantId}, ${who}, ${what}, ${about})`,
  );
}

/** What was done, the latest first; of one thing, or of all. */
export async function recordedActions(
  sql: Sql,
  tenantId: string,
  { about, before, limit }: { about?: string | undefined; before?: number | undefined; limit: number },
): Promise<(StaffAction & { id: number; at: Date })[]> {
  const rows = await inTenant(
    sql,
    tenantId,
    (tx) => tx<(StaffAction & { id: number; at: Date })[]>`
      select id::integer, who, action, about, at from console_record
      where tenant_id = ${tenantId}
        ${about === undefined ? tx`` : tx`and about = ${about}`}
        ${before === undefined ? tx`` : tx`and id < ${before}`}
      order by id desc limit ${limit}`,
  );
  return [...rows];
}
