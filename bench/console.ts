// What the console's pages cost the server when a clinic has grown: 50 practitioners, 300,000 slots and 10,000 calls.
// Each page is every request it makes, one after another, as somebody who opens it waits for them. Fails when a page
// takes more than 300 ms at the 95th percentile, or answers with more rows than it shows.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { openEmbeddedPostgres } from '#storage/embedded/embedded-postgres.ts';
import { migrationsFolder } from '../src/config.ts';
import { demoClinic, seedDemoClinic } from '../src/organization/demo-clinic.ts';
import { migrate } from '../src/storage/migrate.ts';
import { openPostgres } from '../src/storage/postgres.ts';
import { createLog } from '../src/telemetry/log.ts';
import { distribution } from './figures.ts';
import { secret, startHoldline } from './targets.ts';

const callsWanted = 10_000;
const practitionersWanted = 50;
/** Working days of 18 half hours each: 334 of them for 50 practitioners are 300,000 slots, most of them behind us. */
const daysKept = 446;
const daysAhead = 21;
const rounds = 40;
const limitMs = 300;

const log = createLog({ level: 'error', pretty: true });
await using stack = new AsyncDisposableStack();
const dataDir = await mkdtemp(join(tmpdir(), 'holdline-console-'));
stack.defer(() => rm(dataDir, { recursive: true, force: true }));
await chmod(dataDir, 0o711);
await grow();
await using target = await startHoldline({ DATA_DIR: dataDir, LOG_LEVEL: 'info' });

interface Answered {
  ms: number;
  bytes: number;
  rows: number;
}

let cookie = '';
let proof = '';
await signIn();
const at = `/console/api/organizations/${demoClinic.key}`;
const firstCalls = await json<{ calls: { callSid: string }[]; before: string }>(`${at}/calls`);
const callSid = firstCalls.calls.at(-1)?.callSid ?? '';
const { text: shippedSystem } = await currentText('system');
let slow = 0;

console.log(
  `\n${'page'.padEnd(44)}${'p50'.padStart(8)}${'p95'.padStart(8)}  (ms)  ${'KB'.padStart(7)}  rows`,
);
await page('the document and its first files', 4, firstLoad);
await page('calls', 25, () => get(`${at}/calls?filter=all`));
await page('calls, the next page', 25, () =>
  get(`${at}/calls?filter=all&before=${encodeURIComponent(firstCalls.before)}`),
);
await page('calls that failed', 25, () => get(`${at}/calls?filter=failed`));
await page('calls that are on, of which there are none', 25, () => get(`${at}/calls?filter=live`));
await page('one call', 100, () => get(`${at}/calls/${callSid}`));
await page('slots, this week', 126, () => get(`${at}/slots`));
await page('slots, another practitioner half a year ago', 126, () =>
  get(`${at}/slots?practitioner=p25&from=${isoDay(-180)}`),
);
await page('prompts', 250, async () => [
  ...(await get(`${at}/prompts`)),
  ...(await get(`${at}/prompts/system`)),
]);
await page('a text that is typed: checked and previewed', 20, () =>
  send(`${at}/prompts/system/try`, { text: shippedSystem, step: 'reserve' }),
);
await page('health', 100, async () => [
  ...(await get(`${at}/health`)),
  ...(await get(`${at}/jobs?state=waiting`)),
]);
await page('who did what', 25, () => get(`${at}/record`));
if (slow > 0) process.exitCode = 1;

async function page(name: string, rowsMax: number, open: () => Promise<Answered[]>): Promise<void> {
  for (let warm = 0; warm < 3; warm += 1) await open();
  const times: number[] = [];
  let last: Answered[] = [];
  for (let round = 0; round < rounds; round += 1) {
    last = await open();
    times.push(last.reduce((sum, one) => sum + one.ms, 0));
  }
  const { p50, p95 } = distribution(times);
  const bytes = last.reduce((sum, one) => sum + one.bytes, 0);
  const rows = last.reduce((sum, one) => sum + one.rows, 0);
  const verdict = `${p95 > limitMs ? '  TOO SLOW' : ''}${rows > rowsMax ? `  MORE THAN ${rowsMax} ROWS` : ''}`;
  if (verdict !== '') slow += 1;
  const figures = `${p50.toFixed(1).padStart(8)}${p95.toFixed(1).padStart(8)}        ${(bytes / 1024).toFixed(1).padStart(7)}`;
  console.log(`${name.padEnd(44)}${figures}  ${String(rows).padStart(4)}${verdict}`);
}

async function get(path: string): Promise<Answered[]> {
  return [await answer(path, 'GET')];
}

async function send(path: string, body: object): Promise<Answered[]> {
  return [await answer(path, 'POST', body)];
}

/** From sending the request to the last byte, on the machine itself: the server's time and a little of ours. */
async function answer(path: string, method: string, body?: object): Promise<Answered> {
  const startedMs = performance.now();
  const response = await fetch(target.url + path, {
    method,
    headers: {
      cookie,
      'x-holdline-proof': proof,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const ms = performance.now() - startedMs;
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  const parsed: unknown = path.startsWith('/console/api') ? JSON.parse(text) : undefined;
  return { ms, bytes: Buffer.byteLength(text), rows: parsed === undefined ? 1 : rowsIn(parsed) };
}

/** How many things are listed, at whatever depth. */
function rowsIn(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + Math.max(1, rowsIn(one)), 0);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, one) => sum + rowsIn(one), 0);
}

async function firstLoad(): Promise<Answered[]> {
  const html = await (await fetch(target.url)).text();
  const files = [...html.matchAll(/(?:src|href)="(\/console\/assets\/[^"]+)"/g)].map(([, path = '']) => path);
  return Promise.all(['/', ...files].map((path) => answer(path, 'GET')));
}

async function json<T>(path: string): Promise<T> {
  const response = await fetch(target.url + path, { headers: { cookie } });
  return (await response.json()) as T;
}

async function currentText(name: string): Promise<{ text: string }> {
  const { shipped } = await json<{ shipped: string }>(`${at}/prompts/${name}`);
  return { text: shipped };
}

async function signIn(): Promise<void> {
  const response = await fetch(`${target.url}/console/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ secret }),
  });
  cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  ({ proof } = (await response.json()) as { proof: string });
}

function isoDay(daysAhead: number): string {
  return new Date(Date.now() + daysAhead * 86_400_000).toISOString().slice(0, 10);
}

/** A ledger as it is after a busy year. */
async function grow(): Promise<void> {
  await using growing = new AsyncDisposableStack();
  const embedded = growing.use(await openEmbeddedPostgres({ dataDir, holder: 'command', log }));
  await migrate({ url: embedded.migrateUrl, folder: migrationsFolder, log });
  const { sql } = growing.use(await openPostgres({ url: embedded.appUrl, poolSize: 2, log }));
  await seedDemoClinic({ sql, key: 'a-demo-key-only-for-benchmarks' });
  const owner = postgres(embedded.migrateUrl, { max: 1, onnotice: () => {} });
  growing.defer(() => owner.end({ timeout: 2 }));
  await owner.unsafe(`
    insert into practitioners (tenant_id, key, name, spoken_name)
    select '${demoClinic.id}', 'p' || n, 'Dr. ' || n, 'Doctor ' || n from generate_series(1, ${practitionersWanted - 2}) n`);
  await liveIn(owner);
  const [counts] = await owner`
    select (select count(*) from available_slots) as slots, (select count(*) from call_states) as calls,
      (select count(*) from call_turns) as turns, (select count(*) from appointments) as appointments,
      (select count(*) from graphile_worker._private_jobs) as jobs`;
  console.log('grown:', JSON.stringify(counts));
}

/** Calls of the last year with their turns, steps, bookings and texts. Triggers rest: it is written as it would stand. */
async function liveIn(owner: Sql): Promise<void> {
  const tenant = `'${demoClinic.id}'::uuid`;
  await owner.unsafe(`
    set session_replication_role = replica;
    insert into available_slots (tenant_id, practitioner_id, slot_id, starts_at, during, occupies)
      select p.tenant_id, p.id, to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z/"') || p.key, t,
        tstzrange(t, t + interval '30 minutes'), tstzrange(t, t + interval '30 minutes')
      from practitioners p, generate_series(-${daysKept}, ${daysAhead}) d, generate_series(0, 17) n,
        lateral (select (current_date + d + time '09:00' + n * interval '30 minutes')
          at time zone 'America/New_York' as t) as at
      where extract(isodow from current_date + d) < 6;
    insert into call_states (tenant_id, call_sid, caller, step, cause, patient_data, created_at, updated_at, ended_at)
      select ${tenant}, 'call-' || n, '+1212555' || lpad((n % 10000)::text, 4, '0'),
        case when n % 3 = 0 then 'booked' when n % 50 = 1 then 'failed' else 'greeting' end, 'bench',
        '{"name": "Ann Miller"}', at, at, at + interval '3 minutes'
      from generate_series(1, ${callsWanted}) n, lateral (select now() - n * interval '50 minutes' as at) as t;
    insert into call_history (tenant_id, call_sid, to_step, cause, at)
      select tenant_id, call_sid, 'greeting', 'bench', created_at from call_states, generate_series(1, 6);
    insert into call_turns (tenant_id, call_sid, number, first_word_ms, tool_ms, tools, at)
      select tenant_id, call_sid, n, 5 + random() * 300, random() * 40, '{check_availability}', created_at
      from call_states, generate_series(1, 8) n;
    -- A busy day: as many turns in the last hours as a clinic of fifty has in a week.
    insert into call_turns (tenant_id, call_sid, number, first_word_ms, at)
      select ${tenant}, 'call-' || (1 + n % 400), 100 + n, 5 + random() * 300, now() - n * interval '4 seconds'
      from generate_series(1, 20000) n;
    insert into appointments (tenant_id, practitioner_id, slot_id, starts_at, occupies, call_sid, hold_version, patient)
      select tenant_id, practitioner_id, slot_id, starts_at, occupies, 'call-' || 3 * (abs(hashtext(slot_id)) % 3000),
        version, '{"name": "Ann Miller", "phone": "+12125550142"}'
      from available_slots where hashtext(slot_id) % 5 = 0;
    update available_slots s set status = 'booked' from appointments a where a.slot_id = s.slot_id;
    insert into text_messages (tenant_id, appointment_id, number, wording, language, send_after)
      select tenant_id, id, '+12125550142', 'confirmation', 'en', created_at from appointments;
    insert into busy_times (tenant_id, practitioner_id, starts_at, ends_at, source)
      select tenant_id, practitioner_id, starts_at, starts_at + interval '1 hour', 'staff'
      from available_slots where hashtext(slot_id) % 40 = 1;
    insert into console_record (tenant_id, who, action, about)
      select ${tenant}, 'front desk', 'details shown', 'call-' || n from generate_series(1, 20000) n;
    set session_replication_role = origin;
    select count(enqueue_job('none', jsonb_build_object('tenantId', ${tenant}, 'n', n), 'bench' || n,
      now() + interval '30 days')) from generate_series(1, 5000) n;`);
  await owner.unsafe('vacuum analyze');
}
