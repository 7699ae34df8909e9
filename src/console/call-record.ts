import type { Sql } from 'postgres';
import type { CallKey } from '#booking/calls.ts';
import { inTenant } from '#storage/postgres.ts';

/** Everything the ledger keeps about one call, as `npm run call` prints it. */
export interface CallRecord {
  state: { step: string; slotId: string | null; expiresAt: Date | null; endedAt: Date | null } | undefined;
  history: {
    at: Date;
    fromStep: string | null;
    toStep: string | null;
    slotId: string | null;
    cause: string;
  }[];
  appointments: {
    id: string;
    slotId: string;
    startsAt: Date;
    status: string;
    patient: Record<string, string>;
  }[];
  texts: { number: string; wording: string; status: string }[];
  turns: { number: number; at: Date; firstWordMs: number | null; toolMs: number | null; tools: string[] }[];
}

/** Reads a call's rows. A call nobody knows gives an undefined state and empty lists. */
export async function callRecord(sql: Sql, tenantId: string, callSid: string): Promise<CallRecord> {
  return inTenant(sql, tenantId, async (tx) => {
    const [state] = await tx<NonNullable<CallRecord['state']>[]>`
      select step, slot_id as "slotId", expires_at as "expiresAt", ended_at as "endedAt"
      from call_states where tenant_id = ${tenantId} and call_sid = ${callSid}`;
    const history = await tx<CallRecord['history']>`
      select at, from_step as "fromStep", to_step as "toStep", slot_id as "slotId", cause
      from call_history where tenant_id = ${tenantId} and call_sid = ${callSid} order by id`;
    const appointments = await tx<CallRecord['appointments']>`
      select id, slot_id as "slotId", starts_at as "startsAt", status, patient
      from appointments where tenant_id = ${tenantId} and call_sid = ${callSid} order by created_at`;
    const texts = await tx<CallRecord['texts']>`
      select t.number, t.wording, t.status
      from text_messages t join appointments a on a.id = t.appointment_id
      where t.tenant_id = ${tenantId} and a.call_sid = ${callSid} order by t.created_at`;
    const turns = await tx<CallRecord['turns']>`
      select number::integer, at, first_word_ms as "firstWordMs", tool_ms as "toolMs", tools
      from call_turns where tenant_id = ${tenantId} and call_sid = ${callSid} order by number`;
    return {
      state,
      history: [...history],
      appointments: [...appointments],
      texts: [...texts],
      turns: [...turns],
    };
  });
}

/** Who called, and what is known of the patient; nothing when there is no such call. */
export async function callPatient(
  sql: Sql,
  { tenantId, callSid }: CallKey,
): Promise<{ caller: string | null; patient: Record<string, string> } | undefined> {
  return inTenant(sql, tenantId, async (tx) => {
    const [row] = await tx<[{ caller: string | null; patient: Record<string, string> }?]>`
      select caller, patient_data as patient from call_states
      where tenant_id = ${tenantId} and call_sid = ${callSid}`;
    return row;
  });
}
