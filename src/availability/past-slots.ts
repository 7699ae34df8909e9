import type { Sql } from 'postgres';

/** The week the console shows is whole to its first day; nothing else looks back at what was open. */
const keptDays = 7;

/** One statement takes half a second for so many, in a ledger of ten million; nobody waits for it. */
const batchMax = 5_000;

/**
 * Removes an organization's slots of more than a week ago that nobody booked; holds that ran out there end. Appointments
 * and their slots stay, cancelled ones too.
 *
 * @param batch how many one statement removes
 * @returns how many were removed
 */
export async function forgetPastSlots(
  sql: Sql,
  tenantId: string,
  { signal, batch = batchMax }: { signal?: AbortSignal; batch?: number } = {},
): Promise<number> {
  let removed = 0;
  for (let more = true; more && !signal?.aborted; ) {
    const [row] = await sql<[{ answer: { removed: number; more: boolean } }]>`
      select forget_past_slots(${tenantId}, ${keptDays}, ${batch}) as answer`;
    removed += row.answer.removed;
    more = row.answer.more;
  }
  return removed;
}
