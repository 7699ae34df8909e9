import type { Sql, TransactionSql } from 'postgres';
import type { CallKey } from '#booking/calls.ts';
import { inTenant } from '#storage/postgres.ts';

/** A call in a list, without what the caller said or is called. */
export interface ListedCall {
  callSid: string;
  step: string;
  slotId: string | null;
  startedAt: Date;
  endedAt: Date | null;
  /** Has not ended, and something was heard of it in the last minutes. */
  live: boolean;
  caller: string | null;
  name: string | null;
  fault: string | null;
  /** What is left of its hold, by the ledger's clock; `null` without a live one. */
  holdEndsInMs: number | null;
  turns: number;
  /** Of the call's turns, in milliseconds; `null` when none spoke. */
  firstWordMs: number | null;
  /** Where the next page begins. */
  cursor: string;
}

export type CallFilter = 'all' | 'live' | 'booked' | 'failed';

/**
 * A page of an organization's calls, the latest first.
 *
 * @param before `cursor` of the last call of the page before
 */
export async function listCalls(
  sql: Sql,
  tenantId: string,
  { before, filter, limit }: { before?: string | undefined; filter: CallFilter; limit: number },
): Promise<ListedCall[]> {
  const [startedBefore, idBefore] = before === undefined ? [null, null] : readCursor(before);
  return inTenant(sql, tenantId, async (tx) => {
    const rows = await tx<CallRow[]>`
      ${listed(tx)}
      where c.tenant_id = ${tenantId}
        ${startedBefore === null ? tx`` : tx`and (c.created_at, c.id) < (${startedBefore}::text::timestamptz, ${idBefore}::uuid)`}
        ${filter === 'all' ? tx`` : filter === 'live' ? tx`and call_is_live(c)` : tx`and c.step = ${filter}`}
      order by c.created_at desc, c.id desc limit ${limit}`;
    return rows.map(listedCall);
  });
}

/** One call as a list shows it; nothing when there is none of this id. */
export async function findCall(sql: Sql, { tenantId, callSid }: CallKey): Promise<ListedCall | undefined> {
  return inTenant(sql, tenantId, async (tx) => {
    const [row] = await tx<CallRow[]>`
      ${listed(tx)} where c.tenant_id = ${tenantId} and c.call_sid = ${callSid}`;
    return row === undefined ? undefined : listedCall(row);
  });
}

type CallRow = Omit<ListedCall, 'cursor'> & { id: string; position: string };

function listed(tx: TransactionSql) {
  return tx`
    select c.id, c.created_at::text as position, c.call_sid as "callSid", c.step, c.slot_id as "slotId",
      c.created_at as "startedAt", c.ended_at as "endedAt", call_is_live(c) as live, c.caller,
      c.patient_data ->> 'name' as name, c.error_message as fault, t.turns, t."firstWordMs",
      case when c.step in ('reserve', 'confirm_sms') and c.expires_at > ledger_now()
        then milliseconds_of(c.expires_at - ledger_now()) end as "holdEndsInMs"
    from call_states c
    cross join lateral (
      select count(*)::integer as turns,
        percentile_cont(0.5) within group (order by first_word_ms) as "firstWordMs"
      from call_turns where tenant_id = c.tenant_id and call_sid = c.call_sid) t`;
}

function listedCall({ id, position, ...call }: CallRow): ListedCall {
  return { ...call, cursor: `${position}|${id}` };
}

/** Whether a text has the form of a cursor; what it points at need not be there any more. */
export function isCursor(text: string): boolean {
  return /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[+-]\d\d(:\d\d)?\|[0-9a-f-]{36}$/.test(text);
}

function readCursor(cursor: string): [string, string] {
  const [position = '', id = ''] = cursor.split('|');
  return [position, id];
}
