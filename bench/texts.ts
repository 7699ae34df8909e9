// How fast are promised text messages sent, and is each sent once? Promises a message with each of many bookings, lets
// worker processes send them to a stand-in of Twilio that answers at once, and compares with the same number of
// requests made to the stand-in with nothing else to do. Fails when a message is missing or doubled. Then: what does the
// promise cost the booking that makes it?
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { openEmbeddedPostgres } from '#storage/embedded/embedded-postgres.ts';
import { migrationsFolder, promptsFolder } from '../src/config.ts';
import { usualSchedule } from '../src/organization/settings.ts';
import { createTwilio } from '../src/sms/twilio.ts';
import { migrate } from '../src/storage/migrate.ts';
import { createLog } from '../src/telemetry/log.ts';
import { account, startTwilio } from '../tests/stand-ins/twilio.ts';
import { comparePromises } from './text-promises.ts';

const messages = Number(process.argv[2] ?? 10_000);
const workerCount = 4;
const jobsEach = 4;

const log = createLog({ level: 'error', pretty: true });
await using stack = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), 'holdline-texts-'));
stack.defer(() => rm(folder, { recursive: true, force: true }));
await chmod(folder, 0o711);
const embedded = stack.use(await openEmbeddedPostgres({ dataDir: folder, holder: 'command', log }));
await migrate({ url: embedded.migrateUrl, folder: migrationsFolder, log });
const sql = postgres(embedded.migrateUrl, { max: 2, max_lifetime: null, onnotice: () => {} });
stack.defer(() => sql.end({ timeout: 2 }));
const twilio = stack.use(await startTwilio());

const promisedInMs = await timed(() => promise(sql));
const half = Math.ceil(messages / 2);
let directMs = await timed(() => askDirectly(half));
twilio.accepted.length = 0;

const workers = Array.from({ length: workerCount }, startWorker);
await Promise.all(workers.map(({ started }) => started));
await sql`update text_messages set send_after = now()`;
const sentInMs = await timed(async () => {
  await sql`update graphile_worker._private_jobs set run_at = now()`;
  await sql`select pg_notify('jobs:insert', ${JSON.stringify({ count: workerCount * jobsEach })})`;
  while (twilio.accepted.length < messages) await setTimeout(20);
});
while ((await unsent(sql)) > 0) await setTimeout(50);
for (const { child } of workers) child.kill('SIGTERM');
await Promise.all(workers.map(({ exit }) => exit));
const accepted = [...twilio.accepted];
// Half before and half after, as whatever else the machine does is not the same all the time.
directMs += await timed(() => askDirectly(messages - half));

const numbers = new Set(accepted.map(({ to }) => to));
const [ledger] = await sql<[{ sent: number; ids: number; attempts: number; jobs: number }]>`
  select count(*) filter (where status = 'sent')::integer as sent, count(distinct provider_sid)::integer as ids,
    sum(attempts)::integer as attempts, (select count(*)::integer from graphile_worker._private_jobs) as jobs
  from text_messages`;
const perSecond = (ms: number) => Math.round(messages / (ms / 1000));
console.log(`${messages} messages, ${workerCount} workers with ${jobsEach} jobs at a time`);
console.log(`promised and enqueued in one transaction   ${perSecond(promisedInMs)} a second`);
console.log(`sent by the workers                        ${perSecond(sentInMs)} a second`);
console.log(`requests to the stand-in and nothing else  ${perSecond(directMs)} a second`);
console.log(`ratio, sent to nothing else                ${(directMs / sentInMs).toFixed(3)}`);
console.log(
  `accepted ${accepted.length}, different numbers ${numbers.size}, in the ledger sent ${ledger.sent} with ${ledger.ids} ids in ${ledger.attempts} attempts, jobs left ${ledger.jobs}, requests that did not fit ${twilio.misfits.length}`,
);
const exact = [accepted.length, numbers.size, ledger.sent, ledger.ids].every((count) => count === messages);
if (!exact || ledger.jobs > 0 || twilio.misfits.length > 0) {
  console.error('a message is missing, doubled, or was not as Twilio wants it');
  process.exitCode = 1;
}
await comparePromises(sql, embedded.appUrl);

/** Books an appointment for each message and promises it, as confirming a hold does. */
async function promise(db: Sql): Promise<void> {
  const id = randomUUID();
  const organization = { id, key: 'clinic', name: 'The Clinic', schedule: db.json(usualSchedule as never) };
  const limits = { texts_per_call_max: null, texts_per_number_and_day_max: null, texts_per_day_max: null };
  await db`insert into organizations ${db({ ...organization, ...limits })}`;
  const practitioner = {
    id: randomUUID(),
    tenant_id: id,
    key: 'lee',
    name: 'Dr. Lee',
    spoken_name: 'Doctor Lee',
  };
  await db`insert into practitioners ${db(practitioner)}`;
  await db.begin(async (tx) => {
    await tx`select set_config('holdline.tenant_id', ${id}, true)`;
    await tx`
      insert into available_slots (tenant_id, practitioner_id, slot_id, starts_at, during, occupies, status)
      select ${id}, ${practitioner.id}, 'slot ' || n, at, tstzrange(at, at + interval '1 minute'),
        tstzrange(at, at + interval '1 minute'), 'booked'
      from (select n, date_trunc('hour', now()) + interval '2 hours' + n * interval '1 minute' as at
        from generate_series(1, ${messages}) n)`;
    await tx`
      insert into appointments (tenant_id, practitioner_id, slot_id, starts_at, occupies, call_sid, hold_version, patient)
      select tenant_id, practitioner_id, slot_id, starts_at, occupies, slot_id, gen_random_uuid(), '{"name":"Ann Miller"}'
      from available_slots where tenant_id = ${id}`;
    await tx`
      select promise_text(a, jsonb_build_object('number', '+1212' || (5000000 + row_number() over ()),
        'wording', 'confirmation', 'language', 'en')) from appointments a`;
    // One message each is what is counted.
    await tx`delete from text_messages where wording = 'reminder'`;
  });
  await db`delete from graphile_worker._private_jobs where key like '%/reminder' or task_id <> (
    select id from graphile_worker._private_tasks where identifier = 'send-text')`;
}

async function askDirectly(count: number): Promise<void> {
  const sender = createTwilio({ ...account, baseUrl: twilio.url, timeoutMs: 10_000 });
  let left = count;
  const one = async () => {
    while (left > 0) {
      left -= 1;
      await sender.send({
        to: '+12125550100',
        body: 'The Clinic: you are booked for a time. Reply C to cancel.',
      });
    }
  };
  await Promise.all(Array.from({ length: workerCount * jobsEach }, one));
}

function startWorker(): { child: ChildProcess; started: Promise<void>; exit: Promise<unknown> } {
  const child = spawn(process.execPath, ['src/commands/worker.ts', '--concurrency', String(jobsEach)], {
    cwd: join(promptsFolder, '..'),
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: embedded.appUrl,
      TWILIO_ACCOUNT_SID: account.accountSid,
      TWILIO_AUTH_TOKEN: account.authToken,
      TWILIO_FROM: account.from,
      TWILIO_BASE_URL: twilio.url,
      PUBLIC_URL: 'https://holdline.example',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const started = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (piece) => {
      if (String(piece).includes('working')) resolve();
    });
    exit.then(() => reject(new Error('a worker did not start')), reject);
  });
  return { child, started, exit };
}

async function unsent(db: Sql): Promise<number> {
  const [row] = await db<[{ count: number }]>`
    select count(*)::integer as count from text_messages where status <> 'sent'`;
  return row.count;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}
