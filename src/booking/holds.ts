import type { Sql } from 'postgres';
import { z } from 'zod';
import type { CallKey } from './calls.ts';

export type ReserveOutcome =
  | { held: true; slotId: string; version: string; expiresAt: Date }
  /** The call has booked this very slot already; nothing changed. */
  | { held: true; slotId: string; alreadyBooked: true }
  | { held: false; reason: 'taken' | 'changed' | 'in_the_past' | 'unknown_slot' | 'limit' | 'superseded' };

/**
 * Claims an offered slot for a call; the ledger decides, in one round trip. The call's other hold is given up in
 * the same transaction, and claiming what one holds succeeds without changing anything.
 *
 * A slot that is open but has another version than the one offered (somebody held it and let it go) is tried once
 * more with the present version: it is still the time that was read out.
 *
 * @param turn the turn this happens in; a turn that a newer one replaced claims nothing. `null` where the platform
 *   itself decides which tool calls count.
 */
export async function reserveSlot(
  sql: Sql,
  call: CallKey,
  offer: { slotId: string; version: string },
  turn: number | null,
): Promise<ReserveOutcome> {
  const first = await claim(sql, call, offer, turn);
  const answer =
    !first.success && first.reason === 'changed' && first.version !== undefined
      ? await claim(sql, call, { slotId: offer.slotId, version: first.version }, turn)
      : first;
  if (!answer.success) return { held: false, reason: answer.reason };
  return 'booked' in answer
    ? { held: true, slotId: answer.slot_id, alreadyBooked: true }
    : { held: true, slotId: answer.slot_id, version: answer.version, expiresAt: answer.expires_at };
}

async function claim(
  sql: Sql,
  { tenantId, callSid }: CallKey,
  { slotId, version }: { slotId: string; version: string },
  turn: number | null,
) {
  const [row] =
    await sql`select claim_slot_in_turn(${tenantId}, ${slotId}, ${callSid}, ${version}, ${turn}) as answer`;
  return answer.parse(row?.['answer']);
}

const answer = z.union([
  z.object({ success: z.literal(true), slot_id: z.string(), booked: z.literal(true) }),
  z.object({
    success: z.literal(true),
    slot_id: z.string(),
    version: z.string(),
    expires_at: z.string().transform((text) => new Date(text)),
  }),
  z.object({
    success: z.literal(false),
    reason: z.enum(['taken', 'changed', 'in_the_past', 'unknown_slot', 'limit', 'superseded']),
    version: z.string().optional(),
  }),
]);
