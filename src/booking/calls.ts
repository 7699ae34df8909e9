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

/** What is so in a call, as the ledger says it when a turn begins and with the answer to everything that changes a call. */
export type CallSnapshot = Fixed<z.infer<typeof snapshot>>;

/** Nobody changes what the ledger said. */
type Fixed<T> = T extends Date ? T : T extends object ? { readonly [K in keyof T]: Fixed<T[K]> } : T;

/** What a turn begins with, as far as the door knows. */
export interface TurnStart {
  /** E.164, or `null` when withheld. */
  caller: string | null;
  /** Messages of the caller in the history; `null` from a door without a history. */
  userTurns: number | null;
  /** When the platform sent the request, by its own clock; `null` when it does not say. */
  requestedAt: Date | null;
}

/**
 * Begins a turn by itself: takes the call's next number, waits for an operation of the same call that is still
 * committing on any process, and reads what is so afterwards. One round trip.
 *
 * @returns nothing when a request that was sent later has begun its turn already, on whichever process
 */
export async function beginTurn(
  sql: Sql,
  call: CallKey,
  start: TurnStart,
): Promise<CallSnapshot | undefined> {
  return readSnapshot(await askToBegin(sql, call, start));
}

/** The same, in the form that `readSnapshot` reads. */
export async function askToBegin(
  sql: Sql,
  { tenantId, callSid }: CallKey,
  { caller, userTurns, requestedAt }: TurnStart,
): Promise<unknown> {
  const [row] = await sql`
    select begin_turn(${tenantId}, ${callSid}, ${caller}, ${userTurns}, ${requestedAt}) as call`;
  return row?.['call'];
}

/** What the beginning of a turn says about the call; nothing when a request that was sent later has its turn already. */
export function readSnapshot(answer: unknown): CallSnapshot | undefined {
  const superseded = typeof answer === 'object' && answer !== null && 'superseded' in answer;
  return superseded ? undefined : snapshot.parse(answer);
}

/** Whether anything has been noted about a call. */
export async function callIsKnown(sql: Sql, { tenantId, callSid }: CallKey): Promise<boolean> {
  const rows = await inTenant(
    sql,
    tenantId,
    (tx) => tx`select from call_states where tenant_id = ${tenantId} and call_sid = ${callSid}`,
  );
  return rows.length > 0;
}

/**
 * Keeps what was read out. Offers that are there already stay as they were; those of a turn that a newer one replaced
 * are not kept.
 *
 * @returns what is so in the call afterwards; nothing for a turn that was replaced
 * @throws OffersOvertaken when their numbers mean other slots by now; none of them is kept then
 */
export async function recordOffers(
  sql: Sql,
  call: CallKey,
  { userTurns, turn }: { userTurns: number | null; turn: number | null },
  offers: Offer[],
): Promise<CallSnapshot | undefined> {
  const kept = offers.map(({ number, slotId, version }) => ({ number, slotId, version }));
  try {
    const [row] = await sql`
      select record_offers(${call.tenantId}, ${call.callSid}, ${userTurns}, ${sql.json(kept)}, ${turn}) as answer`;
    return withCall.nullable().parse(row?.['answer'])?.call;
  } catch (error) {
    throw (error as { code?: unknown }).code === offersOvertaken ? new OffersOvertaken() : error;
  }
}

/** As `record_offers` raises it (`migrations/functions/calls.sql`). */
const offersOvertaken = 'HL001';

/** Two requests of a call, on two processes at once, have offered different slots under the same numbers. */
export class OffersOvertaken extends Error {
  override name = 'OffersOvertaken';
}

/**
 * Notes that a call ended, once; gives up its hold when the organization wants that.
 *
 * @param fault why, when something broke: the call's step becomes `failed` unless it was booked
 */
export async function endCall(
  sql: Sql,
  call: CallKey,
  { releaseHold, fault }: { releaseHold: boolean; fault: string | null },
): Promise<{ first: boolean }> {
  const [row] =
    await sql`select end_call(${call.tenantId}, ${call.callSid}, ${releaseHold}, ${fault}) as ended`;
  return z.object({ first: z.boolean() }).parse(row?.['ended']);
}

const instant = z.string().transform((text) => new Date(text));
const userTurns = z.number().nullable();

const snapshot = z.object({
  turn: z.number(),
  /** The ledger's clock at that moment: what `expiresAt` is to be measured against. */
  now: instant,
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

/** What comes with every answer of the ledger's that changed a call: what is so in it afterwards. */
export const withCall = z.object({ call: snapshot });
