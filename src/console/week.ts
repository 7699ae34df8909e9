import type { Sql } from 'postgres';
import { inTenant } from '#storage/postgres.ts';

/** One practitioner's slots and busy times in a stretch of time, as the ledger has them at `now`. */
export interface Week {
  /** The ledger's clock: what a hold's end is to be measured against. */
  now: Date;
  slots: WeekSlot[];
  busy: BusyTime[];
}

export interface WeekSlot {
  slotId: string;
  version: string;
  startsAt: Date;
  endsAt: Date;
  /**
   * A hold that ran out counts as open; a slot under a busy time as blocked, and one beside a longer claim. A slot the
   * hours no longer have is not shown, unless somebody is booked on it: that is a conflict, too.
   */
  state: 'open' | 'held' | 'booked' | 'blocked' | 'conflict' | 'past';
  /** Of a hold. */
  expiresAt: Date | null;
  callSid: string | null;
  appointment: { id: string; patient: Record<string, string> } | null;
  /** Why an appointment is a conflict: something else is at that time, or the clinic or the calendar says otherwise. */
  conflict: Conflict | null;
}

/** `overlap`, `moved`, `removed`: what happened to its event, or lies on it, in the practitioner's calendar. */
export type Conflict = 'busy' | 'outside-hours' | 'overlap' | 'moved' | 'removed';

export interface BusyTime {
  id: string;
  startsAt: Date;
  endsAt: Date;
  source: string;
}

/** A week of five-minute slots around the clock; whoever asks for more gets the first of them. */
const slotsMax = 2_100;
const busyMax = 500;

/** Reads what lies between two instants, in order of time. */
export async function weekOf(
  sql: Sql,
  tenantId: string,
  { practitionerId, from, to }: { practitionerId: string; from: Date; to: Date },
): Promise<Week> {
  return inTenant(sql, tenantId, async (tx) => {
    const [clock] = await tx<[{ now: Date }]>`select ledger_now() as now`;
    const rows = await tx<SlotRow[]>`
      select s.slot_id as "slotId", s.version, s.starts_at as "startsAt", upper(s.during) as "endsAt",
        upper(s.occupies) as "freeAgainAt", s.status, s.withdrawn, s.expires_at as "expiresAt",
        coalesce(s.reserved_by, a.call_sid) as "callSid", a.id as "appointmentId", a.patient, (
          select k.kind from calendar_conflicts k
          where k.tenant_id = ${tenantId} and k.practitioner_id = ${practitionerId} and k.appointment_id = a.id
            and k.resolved_at is null limit 1) as "calendarConflict"
      from available_slots s
      left join appointments a on s.status = 'booked' and a.tenant_id = s.tenant_id and a.slot_id = s.slot_id
        and a.status = 'booked'
      where s.tenant_id = ${tenantId} and s.practitioner_id = ${practitionerId}
        and s.status in ('available', 'reserved', 'booked', 'blocked')
        and s.starts_at >= ${from} and s.starts_at < ${to}
        and (not s.withdrawn or s.status in ('reserved', 'booked'))
      order by s.starts_at limit ${slotsMax}`;
    const busy = await tx<BusyTime[]>`
      select id, starts_at as "startsAt", ends_at as "endsAt", source from busy_times
      where tenant_id = ${tenantId} and practitioner_id = ${practitionerId}
        and ends_at > ${from} and starts_at < ${to}
      order by starts_at limit ${busyMax}`;
    const { now } = clock;
    const claims = rows.filter((row) => row.status === 'booked' || isHeld(row, now));
    const shown = rows.filter((row) => !row.withdrawn || row.status === 'booked' || isHeld(row, now));
    return { now, slots: shown.map((row) => slotOf(row, { now, busy, claims })), busy: [...busy] };
  });
}

interface Around {
  now: Date;
  busy: readonly BusyTime[];
  claims: SlotRow[];
}

function slotOf(row: SlotRow, around: Around): WeekSlot {
  const conflict = row.status === 'booked' ? conflictOf(row, around) : null;
  const claimed = row.status === 'booked' || isHeld(row, around.now);
  return {
    slotId: row.slotId,
    version: row.version,
    startsAt: row.startsAt,
    endsAt: row.endsAt,
    state: conflict === null ? stateOf(row, around) : 'conflict',
    expiresAt: isHeld(row, around.now) ? row.expiresAt : null,
    callSid: claimed ? row.callSid : null,
    appointment: row.appointmentId === null ? null : { id: row.appointmentId, patient: row.patient ?? {} },
    conflict,
  };
}

interface SlotRow {
  slotId: string;
  version: string;
  startsAt: Date;
  endsAt: Date;
  /** The end with the buffer behind it. */
  freeAgainAt: Date;
  status: 'available' | 'reserved' | 'booked' | 'blocked';
  expiresAt: Date | null;
  callSid: string | null;
  withdrawn: boolean;
  appointmentId: string | null;
  calendarConflict: Conflict | null;
  patient: Record<string, string> | null;
}

function isHeld(row: SlotRow, now: Date): boolean {
  return row.status === 'reserved' && row.expiresAt !== null && row.expiresAt > now;
}

function isUnderBusy(row: SlotRow, busy: readonly BusyTime[]): boolean {
  return busy.some((one) => one.endsAt > row.startsAt && one.startsAt < row.endsAt);
}

function conflictOf(row: SlotRow, { busy }: Around): Conflict | null {
  if (row.calendarConflict !== null) return row.calendarConflict;
  if (isUnderBusy(row, busy)) return 'busy';
  return row.withdrawn ? 'outside-hours' : null;
}

/** The same question as the ledger's `slot_in_use`, asked of rows that are here already. */
function stateOf(row: SlotRow, { now, busy, claims }: Around): WeekSlot['state'] {
  if (row.status === 'booked') return 'booked';
  if (isHeld(row, now)) return 'held';
  const besideClaim = claims.some(
    (claim) => claim.startsAt < row.freeAgainAt && claim.freeAgainAt > row.startsAt,
  );
  if (row.status === 'blocked' || isUnderBusy(row, busy) || besideClaim) return 'blocked';
  return row.startsAt <= now ? 'past' : 'open';
}
