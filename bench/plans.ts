// Do the ledger's questions stay index scans when it has grown? Fills a ledger with slots of many clinics, then has
// Postgres explain what the ledger's own functions do, as the application's role. Fails on a scan of a whole table,
// and on one that looks at more rows than its question can need.
// node bench/plans.ts [slots] [folder]: with a folder the ledger stays there and is used again, brought up to date.
import { access, chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { openEmbeddedPostgres } from '#storage/embedded/embedded-postgres.ts';
import { migrationsFolder } from '../src/config.ts';
import { migrate } from '../src/storage/migrate.ts';
import { createLog } from '../src/telemetry/log.ts';

const rows = Number(process.argv[2] ?? 1_000_000);
const clinics = 100;
const practitionersEach = 10;
const slotsEach = Math.ceil(rows / clinics / practitionersEach);

const log = createLog({ level: 'error', pretty: true });
await using stack = new AsyncDisposableStack();
const kept = process.argv[3];
const folder = kept ?? (await mkdtemp(join(tmpdir(), 'holdline-plans-')));
if (kept === undefined) stack.defer(() => rm(folder, { recursive: true, force: true }));
await mkdir(folder, { recursive: true });
await chmod(folder, 0o711);
const filled = join(folder, `filled-${rows}`);
const embedded = stack.use(await openEmbeddedPostgres({ dataDir: folder, holder: 'command', log }));
await migrate({ url: embedded.migrateUrl, folder: migrationsFolder, log });
const plans: string[] = [];
const sql = postgres(embedded.migrateUrl, {
  max: 1,
  max_lifetime: null,
  onnotice: (notice) => plans.push(String(notice['message'])),
});
stack.defer(() => sql.end({ timeout: 2 }));
const isFilled = await access(filled).then(
  () => true,
  () => false,
);
if (!isFilled) await fill(sql);
await writeFile(filled, '');

const [clinic] = await sql<[{ id: string; slots: string[]; stale: string; practitioner: string; day: Date }]>`
  select tenant_id as id, practitioner_id as practitioner, min(starts_at) as day,
    array_agg(slot_id order by starts_at) filter (where status = 'available') as slots,
    min(slot_id) filter (where status = 'reserved' and expires_at <= now()) as stale
  from available_slots
  where starts_at > now() + interval '2 hours' and starts_at < now() + interval '3 days'
    and practitioner_id = (select id from practitioners order by id limit 1)
  group by 1, 2`;
await sql`update practitioners set calendar_id = 'plans@clinic.example' where id = ${clinic.practitioner}`;
await sql`update organizations set retention_days = 36500, live_holds_max = 1000000 where id = ${clinic.id}`;
// As the application: row-level security is part of the plan. auto_explain sees into the functions.
await sql.unsafe(`
  load 'auto_explain';
  set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
  set auto_explain.log_analyze = on; set auto_explain.log_timing = off;
  set role holdline_app; set client_min_messages = log`);
const dayLater = new Date(clinic.day.getTime() + 86_400_000).toISOString();
const day = clinic.day.toISOString();
const call = `plan-${Date.now()}`;
const [first = '', second = ''] = clinic.slots;
const patient = '{"name":"Ann Miller","phone":"+15550100000"}';
/** No question of a call needs more rows than these of one scan; a batch of the job that removes slots needs its own. */
const rowsMax = 2_000;
const batch = 5_000;
const whole: string[] = [];
const ledgerTable = /available_slots|busy_times|call_states|call_history|call_offers|appointments/;

await explain('the open slots of a day', `select * from open_slots('${clinic.id}', '${day}', '${dayLater}')`);
await explain(
  'busy times that overlap a slot',
  `select slot_in_use(s, null, now()) from available_slots s
   where s.tenant_id = '${clinic.id}' and s.slot_id = '${first}'`,
  { as: clinic.id },
);
await explain(
  'the stale holds of an organization',
  `select slot_id from available_slots
   where tenant_id = '${clinic.id}' and status = 'reserved' and expires_at <= now() order by expires_at limit 100`,
  { as: clinic.id },
);
await explain(
  "a call's first turn, which looks for the hold of an earlier call",
  `select begin_turn('${clinic.id}', '${call}', '+15550100000', 1)`,
);
const turns = JSON.stringify([{ tenantId: clinic.id, callSid: call, caller: '+15550100000', userTurns: 2 }]);
await explain('turns in one round trip, with hold and offers', `select begin_turns('${turns}')`);
await explain('a claim of a slot whose hold is stale', claimOf(clinic.stale));
await explain('a claim of another slot, which gives up the first', claimOf(first));
await explain(
  'a confirmation',
  `select confirm_booking('${clinic.id}', '${call}', (select hold_version from call_states
     where tenant_id = '${clinic.id}' and call_sid = '${call}'), '${patient}',
     '{"number":"+15550100000","wording":"confirmation","language":"en"}')`,
  { as: clinic.id },
);
await explain(
  "a caller's own appointments",
  `select id from appointments where tenant_id = '${clinic.id}' and phone = '+15550100000'
     and status = 'booked' and starts_at > ledger_now() order by starts_at`,
  { as: clinic.id },
);
const appointment = `(select id from appointments
  where tenant_id = '${clinic.id}' and call_sid = '${call}' and status = 'booked')`;
await explain(
  'a move to another time',
  `select move_appointment('${clinic.id}', ${appointment}, '${second}', ${versionOf(second)}, '${call}')`,
  { as: clinic.id },
);
await explain('a cancellation', `select cancel_appointment('${clinic.id}', ${appointment}, '${call}')`, {
  as: clinic.id,
});
// Not where the next run on the same ledger claims.
const events = Array.from({ length: 100 }, (_, n) => ({
  id: `plan-${n}`,
  startsAt: new Date(clinic.day.getTime() + 5 * 86_400_000 + n * 7_200_000),
  endsAt: new Date(clinic.day.getTime() + 5 * 86_400_000 + n * 7_200_000 + 600_000),
}));
const [{ round } = { round: '0' }] = await asApplication<{ round: string }>(
  `select begin_reading('${clinic.id}', '${clinic.practitioner}', 'plans@clinic.example',
     (select round from calendar_syncs where practitioner_id = '${clinic.practitioner}'))::text as round`,
);
await explain(
  'part of a reading of a calendar, 100 events',
  `select apply_reading_part('${clinic.id}', '${clinic.practitioner}', ${round}, '${JSON.stringify(events)}')`,
);
await explain('patients’ details past their time', `select forget_expired('${clinic.id}')`);
await explain(
  `free slots of the past, ${batch} in one statement`,
  `select forget_past_slots('${clinic.id}', 7, ${batch})`,
  { rowsMax: 3 * batch },
);
if (whole.length > 0) {
  console.error(`\nread whole or nearly so: ${whole.join(', ')}`);
  process.exitCode = 1;
}

function versionOf(slot: string): string {
  return `(select version from available_slots where tenant_id = '${clinic.id}' and slot_id = '${slot}')`;
}

function claimOf(slot: string): string {
  return `select set_config('holdline.tenant_id', '${clinic.id}', false);
    select claim_slot_atomic('${clinic.id}', '${slot}', '${call}', ${versionOf(slot)})`;
}

async function asApplication<Row>(query: string): Promise<Row[]> {
  let rows: unknown;
  await sql.begin(async (tx) => {
    await tx`select set_config('holdline.tenant_id', ${clinic.id}, true)`;
    rows = await tx.unsafe(query);
  });
  return rows as Row[];
}

/** Runs it and shows each scan of a ledger's table once, with the most rows one of its kind looked at. */
async function explain(
  title: string,
  query: string,
  { as, rowsMax: most = rowsMax }: { as?: string; rowsMax?: number } = {},
): Promise<void> {
  plans.length = 0;
  const startedMs = performance.now();
  if (as === undefined) await sql.unsafe(query);
  else await asApplication(query);
  const tookMs = performance.now() - startedMs;
  console.log(`\n=== ${title}: ${plans.length} statements, ${tookMs.toFixed(0)} ms with their explanation`);
  const shown = new Map<string, { times: number; rows: number }>();
  for (const { scan, rows } of plans.flatMap(scansOf)) {
    if (!ledgerTable.test(scan)) continue;
    const known = shown.get(scan) ?? { times: 0, rows: 0 };
    shown.set(scan, { times: known.times + 1, rows: Math.max(known.rows, rows) });
    if (scan.startsWith('Seq Scan') || rows > most) whole.push(`${title}: ${scan}, ${rows} rows`);
  }
  for (const [scan, { times, rows }] of shown) {
    console.log(`${String(times).padStart(6)} × ${scan}${rows > 1 ? `, up to ${Math.ceil(rows)} rows` : ''}`);
  }
}

/** Each scan of a plan, with the rows it looked at in all its rounds: those it gave and those it threw away. */
function scansOf(plan: string): { scan: string; rows: number }[] {
  const scans: { scan: string; rows: number; loops: number }[] = [];
  let open: (typeof scans)[number] | undefined;
  for (const line of plan.split('\n')) {
    const [, node, given = '0', loops = '0'] =
      /^[\s>-]*(.*?)\s*\(cost.*?actual.*?rows=([\d.]+) loops=(\d+)/.exec(line) ?? [];
    if (node !== undefined) {
      open = undefined;
      if (!/Scan/.test(node)) continue;
      open = { scan: node, rows: Number(given) * Number(loops), loops: Number(loops) };
      scans.push(open);
    }
    const [, removed] = /Rows Removed by (?:Filter|Index Recheck): (\d+)/.exec(line) ?? [];
    if (open !== undefined && removed !== undefined) open.rows += Number(removed) * open.loops;
  }
  return scans;
}

async function fill(sql: Sql): Promise<void> {
  const startedMs = performance.now();
  await sql.unsafe(`
    insert into organizations (key, name, schedule) select 'c' || n, 'C', '{}' from generate_series(1, ${clinics}) n;
    insert into practitioners (tenant_id, key, name, spoken_name)
    select o.id, 'p' || n, 'P', 'P' from organizations o, generate_series(1, ${practitionersEach}) n`);
  const practitioners = await sql<{ id: string }[]>`select id from practitioners`;
  for (const [index, { id }] of practitioners.entries()) {
    // Half of the time lies behind us: booked or never taken. Ahead, one in twenty is a hold, mostly a stale one.
    await sql.unsafe(`
      insert into available_slots (tenant_id, practitioner_id, slot_id, starts_at, during, occupies, status,
        reserved_by, reserved_at, expires_at)
      select p.tenant_id, p.id, to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z/"') || p.key, t,
        tstzrange(t, t + interval '30 minutes'), tstzrange(t, t + interval '30 minutes'),
        case when n % 3 = 0 then 'booked' when n % 20 = 1 then 'reserved' else 'available' end,
        case when n % 20 = 1 and n % 3 <> 0 then 'call-' || p.id || n end,
        case when n % 20 = 1 and n % 3 <> 0 then now() - interval '1 hour' end,
        case when n % 20 = 1 and n % 3 <> 0 then now() - interval '50 minutes' end
      from practitioners p, generate_series(1, ${slotsEach}) n,
        lateral (select date_trunc('hour', now()) + (n - ${slotsEach / 2}) * interval '30 minutes' as t) as at
      where p.id = '${id}'`);
    if ((index + 1) % 100 === 0) {
      console.log(
        `${(index + 1) * slotsEach} slots after ${((performance.now() - startedMs) / 1000).toFixed(0)} s`,
      );
    }
  }
  // The other tables, so that none is so small that reading it whole would be right.
  await sql.unsafe(`
    insert into appointments (tenant_id, practitioner_id, slot_id, starts_at, occupies, call_sid, hold_version, patient)
      select tenant_id, practitioner_id, slot_id, starts_at, occupies, 'call-' || slot_id, version, '{"phone":"+1555"}'
      from available_slots where status = 'booked' and hashtext(slot_id) % 10 = 0;
    insert into busy_times (tenant_id, practitioner_id, starts_at, ends_at, source)
      select tenant_id, practitioner_id, starts_at, starts_at + interval '10 minutes', 'bench'
      from available_slots where hashtext(slot_id) % 50 = 1;
    insert into call_states (tenant_id, call_sid, caller, cause)
      select tenant_id, 'call-' || slot_id, '+1555' || abs(hashtext(slot_id)), 'call started'
      from available_slots where hashtext(slot_id) % 20 = 0;
    insert into call_offers (tenant_id, call_sid, number, slot_id, version)
      select tenant_id, 'call-' || slot_id, 1, slot_id, version from available_slots where hashtext(slot_id) % 20 = 0`);
  await sql.unsafe('vacuum analyze');
}
