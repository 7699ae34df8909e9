import type { Sql } from 'postgres';
import { z } from 'zod';
import { inTenant } from '#storage/postgres.ts';
import { type CallKey, type CallSnapshot, withCall } from './calls.ts';
import { type ClaimLock, claimInTurn } from './claim-lock.ts';

/** `facts` is what is so in the call afterwards; a refusal has changed nothing in it. */
export type ClaimOutcome =
  | { held: true; slotId: string; version: string; expiresAt: Date; facts: CallSnapshot }
  /** The call has booked this very slot already; nothing changed. */
  | { held: true; slotId: string; alreadyBooked: true; facts: CallSnapshot }
  | { held: false; reason: 'taken' | 'changed' | 'in_the_past' | 'unknown_slot' | 'limit' | 'superseded' };

/** What claims are made with. */
export interface Claiming {
  sql: Sql;
  /** What a rush on one slot is thinned with; without it every claim goes straight to Postgres, which decides alone. */
  claimLock?: ClaimLock | undefined;
}

export interface Reservation {
  slotId: string;
  /** The version it was offered with. */
  version: string;
  /**
   * The turn this happens in; a turn that a newer one replaced claims nothing. `null` where the platform itself
   * decides which tool calls count.
   */
  turn: number | null;
}

/** How long a hold lasts; the ledger alone decides it. */
export async function readHoldLifetimeMs(sql: Sql): Promise<number> {
  const [row] = await sql`select extract(epoch from hold_lifetime()) * 1000 as ms`;
  return Number(row?.['ms']);
}

/**
 * Claims an offered slot for a call; the ledger decides, in one round trip. The call's other hold is given up in
 * the same transaction, and claiming what one holds succeeds without changing anything.
 */
export async function claimSlot(
  { sql, claimLock }: Claiming,
  call: CallKey,
  wanted: Reservation,
): Promise<ClaimOutcome> {
  if (claimLock === undefined) return claimOffered(sql, call, wanted);
  const about = { tenantId: call.tenantId, slotId: wanted.slotId, callSid: call.callSid };
  const outcome = await claimInTurn(claimLock, about, {
    claim: () => claimOffered(sql, call, wanted),
    isTaken: () => isTaken(sql, call.tenantId, wanted.slotId),
  });
  return outcome === 'lost' ? { held: false, reason: 'taken' } : outcome;
}

/** Whether somebody has booked a slot, or holds it still. */
async function isTaken(sql: Sql, tenantId: string, slotId: string): Promise<boolean> {
  const rows = await inTenant(
    sql,
    tenantId,
    (tx) => tx`
      select from available_slots
      where tenant_id = ${tenantId} and slot_id = ${slotId}
        and (status = 'booked' or (status = 'reserved' and expires_at > ledger_now()))`,
  );
  return rows.length > 0;
}

/**
 * A hold is in its last minute and its call is on: a caller who is still giving details gets two more minutes, once;
 * else it is time to warn them, once. Whichever process asks first is told to act, the others nothing.
 *
 * @returns `remainingMs` of the hold, when it lives
 */
export async function holdInLastMinute(
  sql: Sql,
  { tenantId, callSid }: CallKey,
  version: string,
): Promise<{ action: 'extended' | 'warn' | 'none'; remainingMs: number | undefined }> {
  const [row] = await sql`select hold_in_last_minute(${tenantId}, ${callSid}, ${version}) as answer`;
  const { action, remaining_ms } = lastMinuteAnswer.parse(row?.['answer']);
  return { action, remainingMs: remaining_ms };
}

/**
 * A slot that is open but has another version than the one offered (somebody held it and let it go) is tried once
 * more with the present version: it is still the time that was read out.
 */
async function claimOffered(sql: Sql, call: CallKey, wanted: Reservation): Promise<ClaimOutcome> {
  const first = await claim(sql, call, wanted);
  const answer =
    !first.success && first.reason === 'changed' && first.version !== undefined
      ? await claim(sql, call, { ...wanted, version: first.version })
      : first;
  if (!answer.success) return { held: false, reason: answer.reason };
  const { slot_id: slotId, version, expires_at: expiresAt, call: facts } = answer;
  return expiresAt === undefined
    ? { held: true, slotId, alreadyBooked: true, facts }
    : { held: true, slotId, version, expiresAt, facts };
}

async function claim(sql: Sql, { tenantId, callSid }: CallKey, { slotId, version, turn }: Reservation) {
  const [row] =
    await sql`select claim_slot_in_turn(${tenantId}, ${slotId}, ${callSid}, ${version}, ${turn}) as answer`;
  return answer.parse(row?.['answer']);
}

const lastMinuteAnswer = z.object({
  action: z.enum(['extended', 'warn', 'none']),
  remaining_ms: z.number().optional(),
});

const answer = z.discriminatedUnion('success', [
  withCall.extend({
    success: z.literal(true),
    slot_id: z.string(),
    version: z.string(),
    /** A slot that the call has booked has no end. */
    expires_at: z
      .string()
      .transform((text) => new Date(text))
      .optional(),
  }),
  z.object({
    success: z.literal(false),
    reason: z.enum(['taken', 'changed', 'in_the_past', 'unknown_slot', 'limit', 'superseded']),
    version: z.string().optional(),
  }),
]);
