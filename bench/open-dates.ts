import type { Sql } from 'postgres';
import { demoClinic } from '../src/organization/demo-clinic.ts';

/** Days of the demo clinic with many open slots after noon, the soonest first, none of them today or tomorrow. */
export async function openDates(owner: Sql, count: number): Promise<string[]> {
  const rows = await owner<{ date: string }[]>`
    select to_char(starts_at at time zone o.zone, 'YYYY-MM-DD') as date
    from available_slots s join organizations o on o.id = s.tenant_id and o.key = ${demoClinic.key}
    where s.status = 'available' and s.starts_at > now() + interval '2 days'
      and extract(hour from starts_at at time zone o.zone) >= 12
    group by 1 having count(*) >= 20 order by 1 limit ${count}`;
  if (rows.length < count) throw new Error(`the demo clinic has only ${rows.length} open days of ${count}`);
  return rows.map(({ date }) => date);
}
