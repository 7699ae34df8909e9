import { randomUUID } from 'node:crypto';
import type { Sql } from 'postgres';

const practitioners = 60;

/** A clinic of sixty practitioners with ten days of slots each, and no limit on holds: what is claimed in benchmarks. */
export async function makeClinic(sql: Sql): Promise<string> {
  const id = randomUUID();
  await sql.unsafe(`
    select set_config('holdline.tenant_id', '${id}', false);
    insert into organizations (id, key, name, schedule, holds_per_call_max, holds_per_number_and_day_max, live_holds_max)
    values ('${id}', 'bench', 'bench', '{}', null, null, null);
    insert into practitioners (tenant_id, key, name, spoken_name)
    select '${id}', 'p' || n, 'P', 'P' from generate_series(1, ${practitioners}) as n;
    insert into available_slots (tenant_id, practitioner_id, slot_id, starts_at, during, occupies)
    select '${id}', p.id, to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z/"') || p.key, t,
      tstzrange(t, t + interval '30 minutes'), tstzrange(t, t + interval '30 minutes')
    from practitioners p, generate_series(date_trunc('day', now()) + interval '1 day',
      date_trunc('day', now()) + interval '11 days', interval '30 minutes') as t
    where p.tenant_id = '${id}'`);
  return id;
}

/** Every round begins with the same ledger. */
export async function openEverything(sql: Sql): Promise<void> {
  await sql.unsafe(`
    truncate call_offers, call_turns;
    update available_slots set status = 'available', reserved_by = null, reserved_at = null, expires_at = null
      where status <> 'available';
    delete from call_states`);
  await sql.unsafe('vacuum analyze available_slots');
}
