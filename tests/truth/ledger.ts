import { setTimeout } from 'node:timers/promises';
import type { Sql } from 'postgres';

/** A time somebody has or had, by the clinic's clock. */
export interface LedgerTime {
  slotId: string;
  date: string;
  minute: number;
  /** As the prompt names them. */
  practitioner: string;
}

export interface LedgerAppointment extends LedgerTime {
  id: string;
  status: 'booked' | 'cancelled' | 'moved';
  patient: Record<string, string>;
  movedFrom: string | null;
  /** Made in this call, not only found by it. */
  own: boolean;
}

/** What the ledger says about one call, read by SQL that is the checker's own. */
export interface CallLedger {
  hold: (LedgerTime & { slotNumber: number | null; reservedAtMs: number }) | null;
  appointments: LedgerAppointment[];
  /** What was read out last. */
  offers: (LedgerTime & { number: number; practitionerName: string })[];
  /** When it was read out, in milliseconds. */
  offeredAtMs: number | null;
  found: { number: number; id: string }[];
  patient: Record<string, string>;
  texts: { number: string; wording: string; status: string }[];
  /** Rows that promise something to be done by a person. */
  tasks: number;
}

const offersWithinMs = 150;
const lookEveryMs = 10;

/** In minutes since the clinic's midnight. */
export interface OpenStretch {
  from: number;
  to: number;
}

/** Reads one tenant's rows as the owner of the tables. */
export class LedgerReader {
  readonly #owner: Sql;
  readonly #tenant: { id: string; zone: string };
  #hasTasks: boolean | undefined;
  /** Hours do not change while a clinic is called. */
  readonly #hours = new Map<string, Promise<OpenStretch[]>>();

  constructor(owner: Sql, tenant: { id: string; zone: string }) {
    this.#owner = owner;
    this.#tenant = tenant;
  }

  /** Offers are spoken first and written a moment later: waits for those of a turn that looked, if there are any. */
  async afterLooking(callSid: string, before: CallLedger): Promise<CallLedger> {
    for (let waitedMs = 0; ; waitedMs += lookEveryMs) {
      const now = await this.call(callSid);
      if (now.offeredAtMs !== before.offeredAtMs || waitedMs >= offersWithinMs) return now;
      await setTimeout(lookEveryMs);
    }
  }

  async call(callSid: string): Promise<CallLedger> {
    const { id } = this.#tenant;
    const time = this.#time();
    const sql = this.#owner;
    const [row] = await sql<{ ledger: CallLedger }[]>`
      with call as (select * from call_states where tenant_id = ${id} and call_sid = ${callSid}),
      latest as (select max(offered_at) as at from call_offers where tenant_id = ${id} and call_sid = ${callSid})
      select jsonb_build_object(
        'hold', (
          select jsonb_build_object(${time}, 'reservedAtMs', extract(epoch from s.reserved_at) * 1000, 'slotNumber', (
            select max(o.number) from call_offers o
            where o.tenant_id = ${id} and o.call_sid = ${callSid} and o.slot_id = s.slot_id))
          from available_slots s join practitioners p on p.id = s.practitioner_id
          where s.tenant_id = ${id} and s.reserved_by = ${callSid} and s.status = 'reserved' and s.expires_at > now()
          limit 1),
        'appointments', coalesce((
          select jsonb_agg(jsonb_build_object(${time}, 'id', s.id, 'status', s.status, 'patient', s.patient,
            'movedFrom', s.moved_from, 'own', s.call_sid = ${callSid}) order by s.created_at)
          from appointments s join practitioners p on p.id = s.practitioner_id
          where s.tenant_id = ${id} and (s.call_sid = ${callSid}
            or s.id = any (select unnest(found_appointments) from call))), '[]'),
        'offers', coalesce((
          select jsonb_agg(jsonb_build_object(${time}, 'number', o.number, 'practitionerName', p.name) order by o.number)
          from call_offers o join available_slots s on s.tenant_id = o.tenant_id and s.slot_id = o.slot_id
          join practitioners p on p.id = s.practitioner_id, latest
          where o.tenant_id = ${id} and o.call_sid = ${callSid} and o.offered_at = latest.at), '[]'),
        'offeredAtMs', (select extract(epoch from at) * 1000 from latest),
        'found', coalesce((
          select jsonb_agg(jsonb_build_object('number', f.number, 'id', f.id) order by f.number)
          from call, unnest(call.found_appointments) with ordinality as f (id, number)), '[]'),
        'patient', coalesce((select patient_data from call), '{}'),
        'texts', coalesce((
          select jsonb_agg(jsonb_build_object('number', t.number, 'wording', t.wording, 'status', t.status))
          from text_messages t join appointments a on a.id = t.appointment_id
          where a.tenant_id = ${id} and a.call_sid = ${callSid}), '[]'),
        'tasks', 0) as ledger`;
    if (row === undefined) throw new Error('the ledger gave no row');
    return { ...row.ledger, tasks: await this.#tasks(callSid) };
  }

  /** Times of a day that this call could have: nobody else's, not over, and within the hours. */
  async open(date: string, callSid: string): Promise<LedgerTime[]> {
    const { id, zone } = this.#tenant;
    return this.#owner<LedgerTime[]>`
      select s.slot_id as "slotId", to_char(s.starts_at at time zone ${zone}, 'YYYY-MM-DD') as date,
        (extract(epoch from (s.starts_at at time zone ${zone})::time) / 60)::int as minute, p.spoken_name as practitioner
      from available_slots s join practitioners p on p.id = s.practitioner_id
      where s.tenant_id = ${id} and (s.starts_at at time zone ${zone})::date = ${date}::date and s.starts_at > now()
        and (s.withdrawn = false or s.reserved_by = ${callSid})
        and (s.status = 'available' or (s.status = 'reserved' and (s.expires_at <= now() or s.reserved_by = ${callSid}))
          or exists (select from appointments a where a.tenant_id = ${id} and a.slot_id = s.slot_id
            and a.call_sid = ${callSid} and a.status = 'booked'))
        and not exists (
          select from available_slots c
          where c.practitioner_id = s.practitioner_id and c.id <> s.id and c.occupies && s.occupies
            and (c.status = 'booked' or (c.status = 'reserved' and c.expires_at > now()
              and c.reserved_by <> ${callSid})))
        and not exists (
          select from busy_times b where b.practitioner_id = s.practitioner_id
            and b.starts_at < upper(s.during) and b.ends_at > s.starts_at)
      order by s.starts_at`;
  }

  /** Whether the hours have a start then at all, whoever has it. */
  async starts(date: string): Promise<LedgerTime[]> {
    const { id, zone } = this.#tenant;
    return this.#owner<LedgerTime[]>`
      select s.slot_id as "slotId", ${date} as date, p.spoken_name as practitioner,
        (extract(epoch from (s.starts_at at time zone ${zone})::time) / 60)::int as minute
      from available_slots s join practitioners p on p.id = s.practitioner_id
      where s.tenant_id = ${id} and (s.starts_at at time zone ${zone})::date = ${date}::date`;
  }

  /** When the clinic is open on a date, in minutes; nothing on a day it is closed. */
  hours(date: string): Promise<OpenStretch[]> {
    const known = this.#hours.get(date) ?? this.#readHours(date);
    this.#hours.set(date, known);
    return known;
  }

  async #readHours(date: string): Promise<OpenStretch[]> {
    const stretches = await this.#owner<{ from: string; to: string }[]>`
      select h ->> 'from' as from, h ->> 'to' as to
      from organizations o, jsonb_array_elements(coalesce(
        (select d -> 'open' from jsonb_array_elements(o.schedule -> 'specialDays') d where d ->> 'date' = ${date}),
        o.schedule -> 'weekly' -> trim(lower(to_char(${date}::date, 'Day'))), '[]')) h
      where o.id = ${this.#tenant.id} order by 1`;
    return stretches.map(({ from, to }) => ({ from: minuteOf(from), to: minuteOf(to) }));
  }

  /** The first date from today on that is a weekday of this name. */
  async dateOf(weekday: string): Promise<string> {
    const [row] = await this.#owner<{ date: string }[]>`
      select to_char(d, 'YYYY-MM-DD') as date
      from generate_series((now() at time zone ${this.#tenant.zone})::date, (now() at time zone ${this.#tenant.zone})::date + 6, '1 day') d
      where trim(lower(to_char(d, 'Day'))) = ${weekday}`;
    return row?.date ?? '';
  }

  /** Today and the days after it, by the clinic's calendar. */
  async days(count: number): Promise<string[]> {
    const rows = await this.#owner<{ date: string }[]>`
      select to_char((now() at time zone ${this.#tenant.zone})::date + n, 'YYYY-MM-DD') as date
      from generate_series(0, ${count - 1}) n`;
    return rows.map(({ date }) => date);
  }

  /** A slot's or an appointment's time, as `jsonb_build_object` takes it. */
  #time() {
    const { zone } = this.#tenant;
    return this.#owner`'slotId', s.slot_id, 'date', to_char(s.starts_at at time zone ${zone}, 'YYYY-MM-DD'),
      'minute', (extract(epoch from (s.starts_at at time zone ${zone})::time) / 60)::int, 'practitioner', p.spoken_name`;
  }

  /** A version without such a table promises nothing. */
  async #tasks(callSid: string): Promise<number> {
    const sql = this.#owner;
    this.#hasTasks ??=
      (await sql`select from information_schema.tables where table_name = 'tasks'`).length > 0;
    if (!this.#hasTasks) return 0;
    const [row] = await sql<{ count: number }[]>`
      select count(*)::int as count from tasks where tenant_id = ${this.#tenant.id} and call_sid = ${callSid}`;
    return row?.count ?? 0;
  }
}

function minuteOf(clock: string): number {
  const [hour = 0, minute = 0] = clock.split(':').map(Number);
  return hour * 60 + minute;
}
