// What does a reservation cost beyond the database function it is? One Node process claims slots through
// claimSlot, with and without the lock in Redis, beside pgbench calling the same function, in turns in one run.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sql } from 'postgres';
import { type Claiming, claimSlot } from '../src/booking/holds.ts';
import { openPostgres } from '../src/storage/postgres.ts';
import { openRedis } from '../src/storage/redis.ts';
import { createLog } from '../src/telemetry/log.ts';
import { makeClinic, openEverything } from './claims-clinic.ts';
import { distribution } from './figures.ts';
import {
  type Finding,
  type Goal,
  goal,
  interleaved,
  median,
  percentiles,
  type Row,
  ratios,
  rounds,
} from './finding.ts';
import type { Installation } from './installation.ts';
import { standIn } from './processes.ts';

const question = 'What does a reservation cost beyond the database function it is?';
const concurrencies = (process.env['AT_ONCE'] ?? '1,8,32,100').split(',').map(Number);
const claimsPerRound = 1_000;
/** As many connections as a server has. */
const poolSize = 16;

interface Round {
  perSecond: number;
  timesMs: number[];
}

interface Contender {
  name: string;
  run(concurrency: number): Promise<Round>;
}

interface Place {
  owner: Sql;
  appUrl: string;
  tenantId: string;
  folder: string;
}

export async function reserve({ owner, appUrl, redisUrl }: Installation): Promise<Finding> {
  await using stack = new AsyncDisposableStack();
  const log = createLog({ level: 'error', pretty: true });
  const folder = await mkdtemp(join(tmpdir(), 'holdline-reserve-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711);
  const { sql } = stack.use(await openPostgres({ url: appUrl, poolSize, log }));
  const place = { owner, appUrl, folder, tenantId: await makeClinic(owner) };
  const contenders: Contender[] = [];
  const notes: string[] = [];
  if (redisUrl === undefined) notes.push('redis-server is not installed: the rows with the lock are missing');
  else {
    const claimLock = stack.use(await openRedis({ url: redisUrl, log }));
    contenders.push({ name: 'lock in Redis', run: (n) => claimByNode(place, { sql, claimLock }, n) });
  }
  contenders.push({ name: 'no lock', run: (n) => claimByNode(place, { sql }, n) });
  if (spawnSync('pgbench', ['--version']).error === undefined) {
    contenders.push({ name: 'pgbench, the same function', run: (n) => claimByPgbench(place, n) });
  } else notes.push('pgbench is not installed: there is no reference in this run');

  // This process, or pgbench in its place, is what is measured: it has a processor for itself, and Postgres another.
  using _ = standIn();
  const rows: Row[] = [];
  const goals: Goal[] = [];
  for (const concurrency of concurrencies) {
    const measured = await interleaved(contenders, rounds, async (contender) => {
      await openEverything(owner);
      return contender.run(concurrency);
    });
    const about = `${concurrency} at a time, ${rounds} rounds of ${claimsPerRound} claims`;
    for (const [{ name }, list] of measured) {
      rows.push({
        about,
        target: name,
        figures: {
          perSecond: median(list.map(({ perSecond }) => perSecond)),
          ...percentiles(list.flatMap(({ timesMs }) => timesMs)),
        },
      });
    }
    goals.push(...goalsOf(concurrency, measured));
  }
  return { question, rows, goals, notes };
}

function goalsOf(concurrency: number, measured: Map<Contender, Round[]>): Goal[] {
  const of = (wanted: string) => [...measured].find(([{ name }]) => name === wanted)?.[1];
  const reference = of('pgbench, the same function');
  if (reference === undefined) return [];
  const rates = (list: Round[]) => list.map(({ perSecond }) => perSecond);
  const p99s = (list: Round[]) => list.map(({ timesMs }) => distribution(timesMs).p99);
  return (
    [
      ['no lock', 0.8],
      ['lock in Redis', 0.6],
    ] as const
  ).flatMap(([name, atLeast]) => {
    const list = of(name);
    if (list === undefined) return [];
    return [
      goal(`reserve throughput, ${concurrency} at a time, ${name}`, {
        reference: 'pgbench',
        atLeast,
        rounds: ratios(rates(list), rates(reference)),
      }),
      ...(name === 'no lock'
        ? [
            goal(`reserve p99, ${concurrency} at a time`, {
              reference: 'pgbench',
              atMost: 3,
              rounds: ratios(p99s(list), p99s(reference)),
            }),
          ]
        : []),
    ];
  });
}

/** Claims a slot nobody else wants, per request; anything but a hold is an error of the benchmark. */
async function claimByNode(
  { owner, tenantId }: Place,
  claiming: Claiming,
  concurrency: number,
): Promise<Round> {
  const slots = await owner<{ slotId: string; version: string }[]>`
    select slot_id as "slotId", version from available_slots where tenant_id = ${tenantId} order by hashtext(slot_id) limit ${claimsPerRound}`;
  const waiting = [...slots];
  const timesMs: number[] = [];
  const startedMs = performance.now();
  const worker = async () => {
    for (let slot = waiting.pop(); slot !== undefined; slot = waiting.pop()) {
      const askedMs = performance.now();
      const outcome = await claimSlot(claiming, { tenantId, callSid: randomUUID() }, { ...slot, turn: null });
      if (!outcome.held) throw new Error(`not held: ${outcome.reason}`);
      timesMs.push(performance.now() - askedMs);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return { perSecond: (timesMs.length / (performance.now() - startedMs)) * 1000, timesMs };
}

async function claimByPgbench(
  { owner, appUrl, tenantId, folder }: Place,
  concurrency: number,
): Promise<Round> {
  await owner.unsafe(`
    drop table if exists bench_slots;
    create table bench_slots as
      select row_number() over (order by hashtext(slot_id)) as n, slot_id, version from available_slots where tenant_id = '${tenantId}';
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
  const child = spawn('pgbench', [...args, '-f', script, '-l', '--log-prefix', prefix, appUrl], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += String(text)));
  const [code] = await once(child, 'exit');
  const perSecond = Number(/tps = ([\d.]+)/.exec(said)?.[1]);
  const [row] = await owner<[{ held: number }]>`
    select count(*)::integer as held from available_slots where status = 'reserved' and tenant_id = ${tenantId}`;
  if (code !== 0 || row.held !== each * concurrency) throw new Error(`pgbench held ${row.held}: ${said}`);
  const lines = execFileSync('sh', ['-c', `cat '${prefix}'.*; rm -f '${prefix}'.*`], { encoding: 'utf8' });
  const timesMs = lines
    .trim()
    .split('\n')
    .map((line) => Number(line.split(' ')[2]) / 1000);
  return { perSecond, timesMs };
}
