import type { Sql } from 'postgres';
import { z } from 'zod';
import { inTenant } from '#storage/postgres.ts';
import type { CallKey } from './calls.ts';

/** What the ledger says of a call to somebody who watches it. */
export type CallNews = z.infer<typeof news>;

/**
 * Reads what a call brought about since a moment, and what it holds now. For those who watch: no caller waits for it.
 *
 * @param since by the ledger's clock
 */
export async function readCallNews(
  sql: Sql,
  { tenantId, callSid }: CallKey,
  since: Date,
): Promise<CallNews | undefined> {
  const [row] = await inTenant(
    sql,
    tenantId,
    (tx) => tx`
      select jsonb_build_object(
        'steps', coalesce((
          select jsonb_agg(jsonb_build_object('id', h.id::text, 'from', h.from_step, 'to', h.to_step,
            'cause', h.cause, 'slot', h.slot_id) order by h.id)
          from call_history h
          where h.tenant_id = c.tenant_id and h.call_sid = c.call_sid and h.at >= ${since}), '[]'),
        'hold', (
          select jsonb_build_object('slot', s.slot_id, 'startsAt', s.starts_at, 'practitionerId', s.practitioner_id,
            'endsInMs', round(extract(epoch from s.expires_at - ledger_now()) * 1000))
          from available_slots s
          where s.tenant_id = c.tenant_id and s.reserved_by = c.call_sid and s.status = 'reserved'
            and s.expires_at > ledger_now()),
        'booked', (
          select jsonb_build_object('slot', a.slot_id, 'startsAt', a.starts_at, 'practitionerId', a.practitioner_id,
            'patientName', a.patient ->> 'name', 'phone', a.patient ->> 'phone')
          from appointments a
          where a.tenant_id = c.tenant_id and a.call_sid = c.call_sid and a.status = 'booked'
            and a.created_at >= ${since}
          order by a.created_at desc limit 1),
        'patientName', c.patient_data ->> 'name') as news
      from call_states c
      where c.tenant_id = ${tenantId} and c.call_sid = ${callSid}`,
  );
  return row === undefined ? undefined : news.parse(row['news']);
}

const instant = z.string().transform((text) => new Date(text));
const slot = { slot: z.string(), startsAt: instant, practitionerId: z.string() };

const news = z.object({
  steps: z.array(
    z.object({
      id: z.string(),
      from: z.string().nullable(),
      to: z.string().nullable(),
      cause: z.string(),
      slot: z.string().nullable(),
    }),
  ),
  hold: z.object({ ...slot, endsInMs: z.number() }).nullable(),
  booked: z.object({ ...slot, patientName: z.string().nullable(), phone: z.string().nullable() }).nullable(),
  patientName: z.string().nullable(),
});
