import type { Sql } from 'postgres';
import { inTenant } from '#storage/postgres.ts';

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
