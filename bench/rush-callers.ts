// A server's callers in a process of its own, as far as claims go: `rush.ts` starts it and tells it when to claim what.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { type Claiming, claimSlot } from '../src/booking/holds.ts';
import { createMemoryStore } from '../src/storage/memory-store.ts';
import { openPostgres } from '../src/storage/postgres.ts';
import { openRedis } from '../src/storage/redis.ts';
import { createLog } from '../src/telemetry/log.ts';

export type LockName = 'none' | 'memory' | 'Redis';

export interface Slot {
  slotId: string;
  version: string;
}

/** What is to be claimed. */
export interface Order {
  lock: LockName;
  tenantId: string;
  /** The slot that all callers of the rush want. */
  wanted: Slot | undefined;
  callers: number;
  /** Callers with a slot of their own each: one after another while the rush is on, or alone. */
  alone: Slot[];
  /** How far apart those begin; nothing makes each wait for the one before. */
  apartMs: number | undefined;
}

/** How long each caller waited for the answer. */
export interface Answered {
  winnersMs: number[];
  losersMs: number[];
  aloneMs: number[];
}

/** As many connections as a server has. */
const poolSize = 16;

const [appUrl = '', redisUrl = ''] = process.argv.slice(2);
const log = createLog({ level: 'error', pretty: true });
await using postgres = await openPostgres({ url: appUrl, poolSize, log });
await using redis = await openRedis({ url: redisUrl, log });
const memory = createMemoryStore();
const claiming: Record<LockName, Claiming> = {
  none: { sql: postgres.sql },
  memory: { sql: postgres.sql, claimLock: memory },
  Redis: { sql: postgres.sql, claimLock: redis },
};

process.on('message', async (order: Order) => {
  process.send?.(await carryOut(order));
});
process.send?.('ready');
await once(process, 'disconnect');

async function carryOut({ lock, tenantId, wanted, callers, alone, apartMs }: Order): Promise<Answered> {
  const winnersMs: number[] = [];
  const losersMs: number[] = [];
  const aloneMs: number[] = [];
  const claim = async (slot: Slot) => {
    const askedMs = performance.now();
    const call = { tenantId, callSid: randomUUID() };
    const outcome = await claimSlot(claiming[lock], call, { ...slot, turn: null });
    return { outcome, tookMs: performance.now() - askedMs };
  };
  const inTheRush = async (slot: Slot) => {
    const { outcome, tookMs } = await claim(slot);
    if (!outcome.held && outcome.reason !== 'taken') throw new Error(`not held: ${outcome.reason}`);
    (outcome.held ? winnersMs : losersMs).push(tookMs);
  };
  const byThemselves = async () => {
    const claims: Promise<void>[] = [];
    for (const slot of alone) {
      const one = claim(slot).then(({ outcome, tookMs }) => {
        if (!outcome.held) throw new Error(`not held: ${outcome.reason}`);
        aloneMs.push(tookMs);
      });
      claims.push(one);
      await (apartMs === undefined ? one : wait(apartMs));
    }
    await Promise.all(claims);
  };
  const rush = wanted === undefined ? [] : Array.from({ length: callers }, () => inTheRush(wanted));
  await Promise.all([...rush, byThemselves()]);
  return { winnersMs, losersMs, aloneMs };
}
