import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { describeCluster, restartCluster } from '#storage/embedded/cluster.ts';
import { openEmbeddedPostgres } from '#storage/embedded/embedded-postgres.ts';
import { migrate } from '#storage/migrate.ts';
import { openPostgres } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { migrationsFolder } from '../../src/config.ts';
import { ledgerClock } from '../clock/test-clock.ts';
import { type Evidence, lookAtRows } from './check.ts';
import { holdSeconds, makeClinic } from './clinic.ts';
import { callByDoor, type Door } from './door-caller.ts';
import { readLedgerRows } from './ledger-rows.ts';
import { Operations } from './operations.ts';
import { type Restartable, redisInstalled, startRedis, startServer } from './processes.ts';
import { createRandom } from './random.ts';
import type { Violation } from './replay.ts';
import { callBySql, cancelSomething, type Ledger } from './sql-caller.ts';
import { unleash } from './storm.ts';

export interface Plan {
  minutes: number;
  seed: number;
  servers: number;
  /** Calls at any moment through the servers' doors, and straight at the database. */
  callers: { door: number; sql: number };
  progress(line: string): void;
  /** Ends the run early; what has happened so far is still judged. */
  signal?: AbortSignal;
}

export interface Outcome extends Evidence {
  faults: Record<string, number>;
  /** What looks at the database during the run found. */
  seen: Violation[];
  redis: boolean;
  ranMs: number;
}

const lookEveryMs = 1_000;
const reportEveryMs = 15_000;

/** Runs servers, callers and faults for the planned time, then reads what is left as evidence. */
export async function runTorture(plan: Plan): Promise<Outcome> {
  await using world = await openWorld(plan);
  const { sql, owner, organization, servers, redis, secret } = world;
  const random = createRandom(plan.seed);
  const operations = new Operations();
  const slotCount = (await readLedgerRows(sql, organization.id, { history: false })).slots.length;
  const ended = new AbortController();
  const startedMs = Date.now();

  const storm = unleash(
    { servers, redis, admin: owner, restartPostgres: world.restartPostgres },
    random.fork(),
    ended.signal,
  );
  const door: Door = {
    urls: servers.map(({ url }) => url),
    secret,
    dates: datesFrom(new Date()),
    practitionerKeys: new Map(organization.practitioners.map(({ name, key }) => [name, key])),
  };
  const ledger: Ledger = { sql, tenantId: organization.id };
  const again = async (call: () => Promise<void>) => {
    // A caller who met an outage rings again a moment later.
    while (!ended.signal.aborted) await call().catch(() => setTimeout(100));
  };
  const working = [
    ...Array.from({ length: plan.callers.door }, () => random.fork()).map((own) =>
      again(() => callByDoor(door, operations, own)),
    ),
    ...Array.from({ length: plan.callers.sql }, () => random.fork()).map((own) =>
      again(() => callBySql(ledger, operations, own)),
    ),
    again(async () => {
      await cancelSomething(ledger, operations, random);
      await setTimeout(20);
    }),
  ];
  const seen: Violation[] = [];
  const looking = again(async () => {
    await setTimeout(lookEveryMs);
    seen.push(...lookAtRows(await readLedgerRows(sql, organization.id, { history: false })));
  });
  const telling = again(async () => {
    await setTimeout(reportEveryMs, undefined, { signal: ended.signal }).catch(() => {});
    const count = Object.values(storm.faults).reduce((sum, n) => sum + n, 0);
    const seconds = Math.round((Date.now() - startedMs) / 1000);
    plan.progress(
      `${seconds} s: ${operations.list.length} operations, ${count} faults, ${seen.length} violations`,
    );
  });

  await setTimeout(plan.minutes * 60_000, undefined, { signal: plan.signal }).catch(() => {});
  ended.abort();
  await storm.stopped;
  await Promise.all([...working, looking, telling]);
  const rows = await readLedgerRows(sql, organization.id, { history: true });
  return {
    operations: operations.list,
    rows,
    slotCount,
    deadlocks: await world.deadlocks(),
    faults: storm.faults,
    seen,
    redis: redis !== undefined,
    ranMs: Date.now() - startedMs,
  };
}

/** Everything the run needs, of its own: nothing it breaks is anybody else's. */
async function openWorld(plan: Plan) {
  await using opening = new AsyncDisposableStack();
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'holdline-torture-')));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711);
  const log = createLog({ level: 'fatal', pretty: false });
  const embedded = opening.use(await openEmbeddedPostgres({ dataDir: folder, holder: 'command', log }));
  const cluster = await describeCluster(folder);
  await migrate({ url: embedded.migrateUrl, folder: migrationsFolder, log });
  const owner = postgres(embedded.migrateUrl, { max: 1, onnotice: () => {} });
  opening.defer(() => owner.end({ timeout: 2 }));
  await owner.unsafe(ledgerClock());
  await shortenHolds(owner);
  const { sql } = opening.use(
    await openPostgres({ url: embedded.appUrl, poolSize: plan.callers.sql + 4, log }),
  );
  const organization = await makeClinic(sql);
  const redis = redisInstalled() ? opening.use(await startRedis()) : undefined;
  const secret = randomUUID();
  const servers: Restartable[] = [];
  for (let n = 0; n < plan.servers; n += 1) {
    const options = {
      folder: join(folder, `server-${n}`),
      secret,
      databaseUrl: embedded.appUrl,
      redisUrl: redis?.url,
      // The last one's clock goes ten minutes fast. Nothing about a hold may notice: holds live by the database's clock.
      aheadMs: plan.servers > 1 && n === plan.servers - 1 ? 10 * 60_000 : 0,
    };
    servers.push(opening.use(await startServer(options)));
  }
  const opened = opening.move();
  return {
    sql,
    owner,
    organization,
    servers,
    redis,
    secret,
    restartPostgres: (mode: 'fast' | 'immediate') => restartCluster(cluster, mode),
    deadlocks: async () => {
      const text = await readFile(join(cluster.folder, 'holdline-postgres.log'), 'utf8');
      return text.split('deadlock detected').length - 1;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function shortenHolds(owner: Sql): Promise<void> {
  await owner.unsafe(
    `create or replace function hold_lifetime() returns interval language sql immutable
     return interval '${holdSeconds} seconds'`,
  );
}

/** The coming days, as callers ask for them. Today is nearly over sometimes; it is asked for all the same. */
function datesFrom(now: Date): string[] {
  return Array.from({ length: 6 }, (_, day) =>
    new Date(now.getTime() + day * 86_400_000).toISOString().slice(0, 10),
  );
}
