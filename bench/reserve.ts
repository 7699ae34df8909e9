// What does a reservation cost beyond the database function it is? One Node process claims slots through
// reserveSlot, with and without Redis in front, beside pgbench calling the same function, in turns in one run.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { type Claiming, reserveSlot } from '../src/booking/holds.ts';
import { redisInstalled, startRedis } from '../src/commands/torture/processes.ts';
import { migrationsFolder } from '../src/config.ts';
import { openEmbeddedPostgres } from '../src/storage/embedded-postgres.ts';
import { createMemoryStore } from '../src/storage/memory-store.ts';
import { migrate } from '../src/storage/migrate.ts';
import { openPostgres } from '../src/storage/postgres.ts';
import { openRedis } from '../src/storage/redis.ts';
import type { Store } from '../src/storage/store.ts';
import { createLog } from '../src/telemetry/log.ts';
import { type Distribution, distribution } from './figures.ts';

const concurrencies = [1, 8, 32, 100];
const rounds = 3;
const claimsPerRound = 2_000;
const practitioners = 60;
/** As many connections as a server has. */
const poolSize = 16;

interface Round {
  perSecond: number;
  timesMs: number[];
}

const log = createLog({ level: 'error', pretty: true });
await using stack = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), 'holdline-bench-'));
stack.defer(() => rm(folder, { recursive: true, force: true }));
await chmod(folder, 0o711);
const embedded = stack.use(await openEmbeddedPostgres({ dataDir: folder, holder: 'command', log }));
await migrate({ url: embedded.migrateUrl, folder: migrationsFolder, log });
const owner = postgres(embedded.migrateUrl, { max: 1, onnotice: () => {} });
stack.defer(() => owner.end({ timeout: 2 }));
const { sql } = stack.use(await openPostgres({ url: embedded.appUrl, poolSize, log }));
const tenantId = await makeClinic(owner);

const contenders: [name: string, run: (concurrency: number) => Promise<Round>][] = [];
if (!redisInstalled()) console.log('redis-server is not installed: the rows with Redis are missing');
else {
  const redis = stack.use(await startRedis());
  const store = stack.use(await openRedis({ url: redis.url, log }));
  contenders.push(['reserveSlot, Redis in front', (n) => claimByNode({ sql, store }, n)]);
}
const store: Store = createMemoryStore();
contenders.push(['reserveSlot, in-process lock', (n) => claimByNode({ sql, store }, n)]);
if (spawnSync('pgbench', ['--version']).error === undefined) {
  contenders.push(['pgbench, the same function', (n) => claimByPgbench(n)]);
} else console.log('pgbench is not installed: there is no reference in this run');

for (const concurrency of concurrencies) {
  const measured = new Map(contenders.map(([name]) => [name, [] as Round[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of contenders) {
      await openEverything(owner);
      measured.get(name)?.push(await run(concurrency));
    }
  }
  print(concurrency, measured);
}

/** Claims a slot nobody else wants, per request; anything but a hold is an error of the benchmark. */
async function claimByNode(claiming: Claiming, concurrency: number): Promise<Round> {
  const slots = await owner<{ slotId: string; version: string }[]>`
    select slot_id as "slotId", version from available_slots order by hashtext(slot_id) limit ${claimsPerRound}`;
  const waiting = [...slots];
  const timesMs: number[] = [];
  const startedMs = performance.now();
  const worker = async () => {
    for (let slot = waiting.pop(); slot !== undefined; slot = waiting.pop()) {
      const askedMs = performance.now();
      const outcome = await reserveSlot(
        claiming,
        { tenantId, callSid: randomUUID() },
        { ...slot, turn: null },
      );
      if (!outcome.held) throw new Error(`not held: ${outcome.reason}`);
      timesMs.push(performance.now() - askedMs);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return { perSecond: (timesMs.length / (performance.now() - startedMs)) * 1000, timesMs };
}

async function claimByPgbench(concurrency: number): Promise<Round> {
  await owner.unsafe(`
    drop table if exists bench_slots;
    create table bench_slots as
      select row_number() over (order by hashtext(slot_id)) as n, slot_id, version from available_slots;
    create unique index on bench_slots (n);
    grant select on bench_slots to holdline_app`);
  const each = Math.floor(claimsPerRound / concurrency);
  const script = join(folder, 'claim.sql');
  await writeFile(
    script,
    `\\set i :i + 1
\\set n :client_id * ${each} + :i
select claim_slot_in_turn('${tenantId}', slot_id, 'pgbench-' || :n, version, null) from bench_slots where n = :n;
`,
  );
  const prefix = join(folder, `pgbench-${concurrency}`);
  const args = [
    '-n',
    '-M',
    'prepared',
    '-D',
    'i=0',
    '-c',
    String(concurrency),
    '-j',
    '1',
    '-t',
    String(each),
  ];
  const child = spawn('pgbench', [...args, '-f', script, '-l', '--log-prefix', prefix, embedded.appUrl], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += String(text)));
  const [code] = await once(child, 'exit');
  const perSecond = Number(/tps = ([\d.]+)/.exec(said)?.[1]);
  const [row] = await owner<[{ held: number }]>`
    select count(*)::integer as held from available_slots where status = 'reserved'`;
  if (code !== 0 || row.held !== each * concurrency) throw new Error(`pgbench held ${row.held}: ${said}`);
  const lines = execFileSync('sh', ['-c', `cat '${prefix}'.*; rm -f '${prefix}'.*`], { encoding: 'utf8' });
  const timesMs = lines
    .trim()
    .split('\n')
    .map((line) => Number(line.split(' ')[2]) / 1000);
  return { perSecond, timesMs };
}

/** Every round begins with the same ledger. */
async function openEverything(sql: Sql): Promise<void> {
  await sql.unsafe(`
    truncate call_offers, call_turns;
    update available_slots set status = 'available', reserved_by = null, reserved_at = null, expires_at = null
      where status <> 'available';
    delete from call_states`);
  await sql.unsafe('vacuum analyze available_slots');
}

async function makeClinic(sql: Sql): Promise<string> {
  const id = randomUUID();
  await sql.unsafe(`
    select set_config('holdline.tenant_id', '${id}', false);
    insert into organizations (id, key, name, schedule, holds_per_call_max, holds_per_number_and_day_max, live_holds_max)
    values ('${id}', 'bench', 'bench', '{}', null, null, null);
    insert into practitioners (tenant_id, key, name, spoken_name)
    select '${id}', 'p' || n, 'P', 'P' from generate_series(1, ${practitioners}) as n;
    insert into available_slots (tenant_id, practitioner_id, slot_id, starts_at, during, occupies)
    select '${id}', p.id, to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z/"') || p.key, t,
      tstzrange(t, t + interval '30 minutes'), tstzrange(t, t + interval '30 minutes')
    from practitioners p, generate_series(date_trunc('day', now()) + interval '1 day',
      date_trunc('day', now()) + interval '11 days', interval '30 minutes') as t`);
  return id;
}

function print(concurrency: number, measured: Map<string, Round[]>): void {
  const reference = [...measured].find(([name]) => name.startsWith('pgbench'))?.[1];
  console.log(`\n${concurrency} at a time, ${rounds} rounds of ${claimsPerRound} claims`);
  console.log(
    `${'contender'.padEnd(32)}${'claims/s'.padStart(9)}${'p50 ms'.padStart(9)}${'p95'.padStart(9)}${'p99'.padStart(9)}   to pgbench (rounds)`,
  );
  for (const [name, list] of measured) {
    const times: Distribution = distribution(list.flatMap((round) => round.timesMs));
    const rates = list.map((round) => round.perSecond);
    const ratios = rates.map((rate, index) => rate / (reference?.[index]?.perSecond ?? Number.NaN));
    const ms = [times.p50, times.p95, times.p99].map((value) => value.toFixed(2).padStart(9)).join('');
    const ratio = Number.isNaN(ratios[0] ?? Number.NaN)
      ? ''
      : `${mean(ratios).toFixed(2)} (${ratios.map((value) => value.toFixed(2)).join(' ')})`;
    console.log(`${name.padEnd(32)}${mean(rates).toFixed(0).padStart(9)}${ms}   ${ratio}`);
  }
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
