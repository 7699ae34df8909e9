import type { Sql, TransactionSql } from 'postgres';
import { inTenant } from '#storage/postgres.ts';

/** Somebody who wants to be called back. */
export interface CallBackRequest {
  id: string;
  /** E.164. */
  number: string;
  /** The patient's name on the appointment they were texted about. */
  name: string | null;
  askedAt: Date;
}

/** Notes that somebody wants to be called back; asked again before it was done, it stays one wish. */
export async function askForCallBack(
  sql: Sql | TransactionSql,
  { tenantId, number, appointmentId }: { tenantId: string; number: string; appointmentId: string | null },
): Promise<void> {
  await inTenant(
    sql,
    tenantId,
    (tx) => tx`
      insert into call_back_requests (tenant_id, number, appointment_id)
      values (${tenantId}, ${number}, ${appointmentId})
      on conflict (tenant_id, number) where done_at is null do update set appointment_id = excluded.appointment_id`,
  );
}

/** Who waits to be called back, longest first. */
export async function callBackRequests(sql: Sql, tenantId: string): Promise<CallBackRequest[]> {
  const rows = await inTenant(
    sql,
    tenantId,
    (tx) => tx<CallBackRequest[]>`
      select r.id, r.number, a.patient ->> 'name' as name, r.asked_at as "askedAt"
      from call_back_requests r left join appointments a on a.id = r.appointment_id
      where r.tenant_id = ${tenantId} and r.done_at is null order by r.asked_at`,
  );
  return [...rows];
}

/** Notes that somebody was called back. Gives false when nobody waits under that id. */
export async function endCallBack(sql: Sql, tenantId: string, id: string): Promise<boolean> {
  const result = await inTenant(
    sql,
    tenantId,
    (tx) => tx`
      update call_back_requests set done_at = ledger_now()
      where tenant_id = ${tenantId} and id = ${id} and done_at is null`,
  );
  return result.count === 1;
}
