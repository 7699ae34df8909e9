import type { Lock, Store } from '#storage/store.ts';

/** Where callers who want the same slot at the same moment wait for the first of them. */
export type ClaimLock = Pick<Store, 'lock'>;

/** A claim takes milliseconds. A lock whose holder died is in nobody's way for longer than this. */
const lockLifetimeMs = 3_000;
/** For so long after a claim the losers of a rush only read whether the slot is still claimed, and claim nothing. */
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
 * The mark that a claim leaves decides nothing either: the hold may have been given up since. The ledger says whether
 * the slot is taken, by a read that waits for no lock.
 *
 * @param about which slot is wanted, and by which call
 * @returns what `claim` gave, or `lost` when another call has just claimed the slot and still has it
 */
export async function claimInTurn<T extends { held: boolean }>(
  store: ClaimLock,
  { tenantId, slotId, callSid }: { tenantId: string; slotId: string; callSid: string },
  { claim, isTaken }: { claim: () => Promise<T>; isTaken: () => Promise<boolean> },
): Promise<T | 'lost'> {
  const key = `claim:${tenantId}:${slotId}`;
  const lock = await lockOrLose(store, key, callSid);
  if (lock === 'lost') return (await together(store, key, isTaken)) ? 'lost' : claim();
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

/** What the losers of one rush are asking the ledger right now: they share one answer. */
const asking = new WeakMap<ClaimLock, Map<string, Promise<boolean>>>();

function together(store: ClaimLock, key: string, ask: () => Promise<boolean>): Promise<boolean> {
  const asked = asking.get(store) ?? new Map<string, Promise<boolean>>();
  asking.set(store, asked);
  const known = asked.get(key);
  if (known !== undefined) return known;
  const answer = ask().finally(() => asked.delete(key));
  asked.set(key, answer);
  return answer;
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
