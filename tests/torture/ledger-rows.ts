import type { Sql } from 'postgres';

/** What the database says about one organization, read in one snapshot. Instants are milliseconds. */
export interface LedgerRows {
  /** The database's clock. */
  now: number;
  slots: SlotRow[];
  appointments: AppointmentRow[];
  calls: { callSid: string; step: string; slotId: string | null }[];
  /** In the order written; one practitioner's changes are serialised, so theirs is the order they happened in. */
  history: HistoryRow[];
  transitions: { from: string; to: string }[];
  texts: TextRow[];
}

export interface SlotRow {
  slotId: string;
  practitionerId: string;
  status: string;
  from: number;
  to: number;
  reservedBy: string | null;
  expiresAt: number | null;
}

export interface AppointmentRow {
  id: string;
  slotId: string;
  practitionerId: string;
  callSid: string;
  holdVersion: string;
  status: string;
  movedFrom: string | null;
  /** Whether there is a number to text. */
  hasNumber: boolean;
  from: number;
  to: number;
}

/** A promised text message. */
export interface TextRow {
  appointmentId: string;
  wording: string;
  status: string;
  /** Whether it goes to the number the appointment has now. */
  toPresentNumber: boolean;
}

export interface HistoryRow {
  id: number;
  callSid: string;
  fromStep: string | null;
  toStep: string | null;
  slotId: string | null;
  cause: string;
}

/**
 * Reads the ledger's rows of an organization.
 *
 * @param history whether the history and the calls are wanted too: they grow, and a look in between needs no more
 *   than slots and appointments
 */
export async function readLedgerRows(
  sql: Sql,
  tenantId: string,
  { history: whole }: { history: boolean },
): Promise<LedgerRows> {
  const rows = await sql.begin('isolation level repeatable read', async (tx) => {
    await tx`select set_config('holdline.tenant_id', ${tenantId}, true)`;
    const [clock] = await tx<[{ now: number }]>`
      select extract(epoch from ledger_now())::float8 * 1000 as now`;
    const slots = await tx<SlotRow[]>`
      select slot_id as "slotId", practitioner_id as "practitionerId", status, reserved_by as "reservedBy",
        extract(epoch from lower(occupies))::float8 * 1000 as "from",
        extract(epoch from upper(occupies))::float8 * 1000 as "to",
        extract(epoch from expires_at)::float8 * 1000 as "expiresAt"
      from available_slots`;
    const appointments = await tx<AppointmentRow[]>`
      select id, slot_id as "slotId", practitioner_id as "practitionerId", call_sid as "callSid",
        hold_version as "holdVersion", status, moved_from as "movedFrom",
        patient ? 'phone' as "hasNumber",
        extract(epoch from lower(occupies))::float8 * 1000 as "from",
        extract(epoch from upper(occupies))::float8 * 1000 as "to"
      from appointments ${whole ? tx`` : tx`where status = 'booked'`}`;
    const calls = whole
      ? await tx<
          LedgerRows['calls']
        >`select call_sid as "callSid", step, slot_id as "slotId" from call_states`
      : [];
    const history = whole
      ? await tx<HistoryRow[]>`
          select id::float8 as id, call_sid as "callSid", from_step as "fromStep", to_step as "toStep",
            slot_id as "slotId", cause
          from call_history order by id`
      : [];
    const texts = whole
      ? await tx<TextRow[]>`
          select t.appointment_id as "appointmentId", t.wording, t.status,
            t.number = a.patient ->> 'phone' as "toPresentNumber"
          from text_messages t join appointments a on a.id = t.appointment_id`
      : [];
    const transitions = await tx<LedgerRows['transitions']>`
      select from_step as "from", to_step as "to" from step_transitions`;
    return { now: clock.now, slots, appointments, calls, history, transitions, texts };
  });
  return rows as LedgerRows;
}
