import type { Sql } from 'postgres';
import { inTenant } from '#storage/postgres.ts';

export interface PromisedEventKey {
  tenantId: string;
  appointmentId: string;
}

/** An appointment whose calendar is to show what has become of it. */
export interface PromisedEvent {
  practitionerId: string;
  calendarId: string;
  eventId: string;
  /** Whether the appointment stands; else its event is to go. */
  booked: boolean;
  startsAt: Date;
  endsAt: Date;
  patient: Record<string, string>;
  /** What has become of the appointment; it may change while Google is being told. */
  revision: string;
  /** Digest of the words Google was told last. */
  toldWords: Buffer | null;
}

/** Nothing for an appointment without a calendar. */
export async function promisedEvent(
  sql: Sql,
  { tenantId, appointmentId }: PromisedEventKey,
): Promise<PromisedEvent | undefined> {
  const [row] = await inTenant(
    sql,
    tenantId,
    (tx) => tx<PromisedEvent[]>`
      select e.practitioner_id as "practitionerId", e.calendar_id as "calendarId", e.event_id as "eventId",
        a.status = 'booked' as booked, lower(s.during) as "startsAt", upper(s.during) as "endsAt", a.patient,
        e.revision::text, e.told_words as "toldWords"
      from calendar_events e
      join appointments a on a.id = e.appointment_id
      join available_slots s on s.tenant_id = a.tenant_id and s.slot_id = a.slot_id
      where e.tenant_id = ${tenantId} and e.appointment_id = ${appointmentId}`,
  );
  return row;
}

/**
 * Notes that Google knows.
 *
 * @returns false when the appointment has changed since: then Google has to be told again
 */
export async function noteTold(
  sql: Sql,
  { tenantId, appointmentId }: PromisedEventKey,
  { revision, words }: { revision: string; words: Buffer | null },
): Promise<boolean> {
  const told = await inTenant(
    sql,
    tenantId,
    (tx) => tx`
      update calendar_events set told_revision = revision, told_at = ledger_now(), told_words = ${words}, problem = null
      where appointment_id = ${appointmentId} and revision = ${revision}`,
  );
  return told.count > 0;
}

export async function noteUntold(
  sql: Sql,
  { tenantId, appointmentId }: PromisedEventKey,
  problem: string,
): Promise<void> {
  await inTenant(
    sql,
    tenantId,
    (tx) => tx`update calendar_events set problem = ${problem} where appointment_id = ${appointmentId}`,
  );
}

/** How many appointments of an organization Google has not been told of. */
export async function untoldEvents(sql: Sql, tenantId: string): Promise<number> {
  const [row] = await inTenant(
    sql,
    tenantId,
    (tx) => tx<[{ count: number }]>`
      select count(*)::integer as count from calendar_events
      where tenant_id = ${tenantId} and told_revision < revision`,
  );
  return row.count;
}
