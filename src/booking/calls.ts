import type { Sql } from 'postgres';
import { z } from 'zod';
import { inTenant } from '#storage/postgres.ts';

/** One call of one organization. */
export interface CallKey {
  tenantId: string;
  callSid: string;
}

/** A slot read out in this call. `number` n is `slot_n` to the model and is never used twice in a call. */
export interface Offer {
  number: number;
  slotId: string;
  version: string;
  startsAt: Date;
  practitionerId: string;
  /** Messages of the caller in the history when it was read out; `null` from a door without a history. */
  userTurns: number | null;
  offeredAt: Date;
}

/** What the ledger says about a call at the moment its turn begins. */
export type CallSnapshot = z.infer<typeof snapshot>;

/**
 * Begins a turn: takes the call's next number, waits for an operation of the same call that is still
 * committing on any process, and reads what is so afterwards. One round trip.
 */
export async function beginTurn(
  sql: Sql,
  { tenantId, callSid }: CallKey,
  caller: string | null,
  userTurns: number | null,
): Promise<CallSnapshot> {
  const [row] = await sql`select begin_turn(${tenantId}, ${callSid}, ${caller}, ${userTurns}) as call`;
  return snapshot.parse(row?.['call']);
}

/** Keeps what was read out. Offers that are there already stay as they were. */
export async function recordOffers(
  sql: Sql,
  call: CallKey,
  userTurns: number | null,
  offers: Offer[],
): Promise<void> {
  const kept = offers.map(({ number, slotId, version }) => ({ number, slotId, version }));
  await sql`select record_offers(${call.tenantId}, ${call.callSid}, ${userTurns}, ${sql.json(kept)})`;
}

/** Notes that a call ended, once; gives up its hold when the organization wants that. */
export async function endCall(sql: Sql, call: CallKey, releaseHold: boolean): Promise<{ first: boolean }> {
  const [row] = await sql`select end_call(${call.tenantId}, ${call.callSid}, ${releaseHold}) as ended`;
  return z.object({ first: z.boolean() }).parse(row?.['ended']);
}

/** How long a turn took, for the call's record. `null`: nothing was spoken, or no tool ran. */
export interface TurnTimes {
  number: number;
  firstWordMs: number | null;
  toolMs: number | null;
  tools: string[];
}

export async function recordTurn(sql: Sql, { tenantId, callSid }: CallKey, turn: TurnTimes): Promise<void> {
  await inTenant(
    sql,
    tenantId,
    (tx) => tx`
      insert into call_turns (tenant_id, call_sid, number, first_word_ms, tool_ms, tools)
      values (${tenantId}, ${callSid}, ${turn.number}, ${turn.firstWordMs}, ${turn.toolMs}, ${turn.tools})
      on conflict do nothing`,
  );
}

const instant = z.string().transform((text) => new Date(text));
const userTurns = z.number().nullable();

const snapshot = z.object({
  turn: z.number(),
  step: z.enum(['greeting', 'check_avail', 'reserve', 'confirm_sms', 'booked', 'failed']),
  userTurns,
  caller: z.string().nullable(),
  patient: z.record(z.string(), z.string()),
  /** Version of the call's latest hold, live or not: what a confirmation presents. */
  holdVersion: z.string().nullable(),
  hold: z
    .object({
      slotId: z.string(),
      version: z.string(),
      startsAt: instant,
      practitionerId: z.string(),
      expiresAt: instant,
      /** Messages of the caller in the history when it was made. */
      userTurns,
      /** It was made in an earlier call of the same number, and the caller has not said yet whose it is. */
      fromEarlierCall: z.boolean(),
    })
    .nullable(),
  appointment: z
    .object({ id: z.string(), slotId: z.string(), startsAt: instant, practitionerId: z.string() })
    .nullable(),
  /** Appointments the caller may change in this call: `appointment_1` is number 1. */
  found: z.array(
    z.object({
      number: z.number(),
      id: z.string(),
      slotId: z.string(),
      startsAt: instant,
      practitionerId: z.string(),
      userTurns,
    }),
  ),
  offers: z.array(
    z.object({
      number: z.number(),
      slotId: z.string(),
      version: z.string(),
      startsAt: instant,
      practitionerId: z.string(),
      userTurns,
      offeredAt: instant,
    }),
  ),
});
