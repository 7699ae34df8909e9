import type { Lock, Store } from '#storage/store.ts';

/** Where callers who want the same slot at the same moment wait for the first of them. */
export type ClaimLock = Pick<Store, 'lock'>;

/** A claim takes milliseconds. A lock whose holder died is in nobody's way for longer than this. */
const lockLifetimeMs = 3_000;
/** For so long after a claim the losers of a rush are told so without asking Postgres. */
const claimedMarkMs = 1_000;
/** How often, and how far apart, a loser looks whether the claim ahead of it succeeded, before it asks Postgres. */
const looksMax = 20;
const lookEveryMs = 5;

/**
 * Thins a rush: of many callers on one slot one asks Postgres, the others wait for what becomes of it. Nothing rests
 * on the lock: whoever cannot get it in a tenth of a second, or finds the store left out, claims all the same.
 *
 * It is there for those who want something else. Without it 200 claims on one slot take every connection of the pool, and
 * a caller who wants another time, of another clinic too, waits behind them (`bench/rush.ts`; `CLAIM_LOCK=off` does
 * without).
 *
 * @param about which slot is wanted, and by which call
 * @returns what `claim` gave, or `lost` when another call has just claimed the slot
 */
export async function claimInTurn<T extends { held: boolean }>(
  store: ClaimLock,
  { tenantId, slotId, callSid }: { tenantId: string; slotId: string; callSid: string },
  claim: () => Promise<T>,
): Promise<T | 'lost'> {
  const lock = await lockOrLose(store, `claim:${tenantId}:${slotId}`, callSid);
  if (lock === 'lost') return 'lost';
  let outcome: T | undefined;
  try {
    outcome = await claim();
    return outcome;
  } finally {
    // Neither is waited for: the caller is.
    if (lock.state === 'held') {
      void (outcome?.held ? lock.keep(ownerOf(callSid, 'claimed'), claimedMarkMs) : lock.release());
    }
  }
}

/** The lock, whoever else has it by now, or `lost` when another call has just claimed the slot. */
async function lockOrLose(store: ClaimLock, key: string, callSid: string): Promise<Lock | 'lost'> {
  for (let look = 1; ; look += 1) {
    const lock = await store.lock(key, ownerOf(callSid, 'claiming'), lockLifetimeMs);
    if (lock.state !== 'busy') return lock;
    const [owner, stage] = lock.owner.split('/');
    // Our own repeated request: the ledger tells the same success again.
    if (owner === encodeURIComponent(callSid) || look >= looksMax) return lock;
    if (stage === 'claimed') return 'lost';
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

function ownerOf(callSid: string, stage: 'claiming' | 'claimed'): string {
  return `${encodeURIComponent(callSid)}/${stage}`;
}
