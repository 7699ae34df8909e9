import type { Sql } from 'postgres';
import type { CallKey } from '#booking/calls.ts';
import { inTenant } from '#storage/postgres.ts';

/** What a call's bookings promised, and what became of it. */
export interface CallPromises {
  texts: { number: string; wording: string; status: string; reason: string | null; sendAfter: Date }[];
  /** Events in practitioners' calendars; none where a practitioner has no calendar. */
  events: { slotId: string; status: 'told' | 'waiting' | 'failing'; problem: string | null }[];
}

/** A call that changed its mind more often than this is shown its first changes. */
const promisesMax = 100;

export async function callPromises(sql: Sql, { tenantId, callSid }: CallKey): Promise<CallPromises> {
  return inTenant(sql, tenantId, async (tx) => {
    const texts = await tx<CallPromises['texts']>`
      select t.number, t.wording, t.status, t.reason, t.send_after as "sendAfter"
      from text_messages t join appointments a on a.id = t.appointment_id
      where a.tenant_id = ${tenantId} and a.call_sid = ${callSid}
      order by t.created_at, t.send_after limit ${promisesMax}`;
    const events = await tx<CallPromises['events']>`
      select a.slot_id as "slotId", e.problem,
        case when e.told_revision >= e.revision then 'told' when e.problem is null then 'waiting' else 'failing' end
          as status
      from calendar_events e join appointments a on a.id = e.appointment_id
      where a.tenant_id = ${tenantId} and a.call_sid = ${callSid}
      order by e.created_at limit ${promisesMax}`;
    return { texts: [...texts], events: [...events] };
  });
}
