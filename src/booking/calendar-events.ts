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

/** Where a calendar and the ledger disagree about an appointment. Only people can say what is to become of it. */
export interface CalendarConflict {
  id: string;
  /**
   * `overlap`: an event of the clinic's own lies on the appointment. `moved`, `removed`: somebody changed the
   * appointment's event in the calendar, and not the appointment.
   */
  kind: 'overlap' | 'moved' | 'removed';
  practitionerId: string;
  appointmentId: string;
  /** When the appointment is. */
  startsAt: Date;
  patient: Record<string, string>;
  /** When the event is; unknown when it was removed. */
  eventStartsAt: Date | null;
  eventEndsAt: Date | null;
  noticedAt: Date;
}

/** What is open, the nearest appointment first. */
export async function openConflicts(sql: Sql, tenantId: string): Promise<CalendarConflict[]> {
  const rows = await inTenant(
    sql,
    tenantId,
    (tx) => tx<CalendarConflict[]>`
      select c.id, c.kind, c.practitioner_id as "practitionerId", c.appointment_id as "appointmentId",
        a.starts_at as "startsAt", a.patient, c.starts_at as "eventStartsAt", c.ends_at as "eventEndsAt",
        c.noticed_at as "noticedAt"
      from calendar_conflicts c join appointments a on a.id = c.appointment_id
      where c.tenant_id = ${tenantId} and c.resolved_at is null and a.status = 'booked'
        and upper(a.occupies) > ledger_now()
      order by a.starts_at, c.noticed_at`,
  );
  return [...rows];
}

/** Takes the telling of a conflict upon oneself: given to the first who asks, and to nobody when it is over. */
export async function takeReport(
  sql: Sql,
  { tenantId, conflictId }: { tenantId: string; conflictId: string },
): Promise<Pick<CalendarConflict, 'kind' | 'appointmentId' | 'eventStartsAt'> | undefined> {
  const [row] = await inTenant(
    sql,
    tenantId,
    (tx) => tx<Pick<CalendarConflict, 'kind' | 'appointmentId' | 'eventStartsAt'>[]>`
      update calendar_conflicts set reported_at = ledger_now()
      where tenant_id = ${tenantId} and id = ${conflictId} and reported_at is null and resolved_at is null
      returning kind, appointment_id as "appointmentId", starts_at as "eventStartsAt"`,
  );
  return row;
}
