// Do the ledger's questions stay index scans when it has grown? Fills a ledger with slots of many clinics, then has
// Postgres explain what the ledger's own functions do, as the application's role. Fails on a scan of a whole table.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { migrationsFolder } from '../src/config.ts';
import { openEmbeddedPostgres } from '../src/storage/embedded-postgres.ts';
import { migrate } from '../src/storage/migrate.ts';
import { createLog } from '../src/telemetry/log.ts';

const rows = Number(process.argv[2] ?? 1_000_000);
const clinics = 100;
const practitionersEach = 10;
const slotsEach = Math.ceil(rows / clinics / practitionersEach);

const log = createLog({ level: 'error', pretty: true });
await using stack = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), 'holdline-plans-'));
stack.defer(() => rm(folder, { recursive: true, force: true }));
await chmod(folder, 0o711);
const embedded = stack.use(await openEmbeddedPostgres({ dataDir: folder, holder: 'command', log }));
await migrate({ url: embedded.migrateUrl, folder: migrationsFolder, log });
const plans: string[] = [];
const sql = postgres(embedded.migrateUrl, {
  max: 1,
  max_lifetime: null,
  onnotice: (notice) => plans.push(String(notice['message'])),
});
stack.defer(() => sql.end({ timeout: 2 }));
await fill(sql);

const [clinic] = await sql<[{ id: string; slot: string; version: string; day: Date }]>`
  select tenant_id as id, slot_id as slot, version, starts_at as day from available_slots
  where status = 'available' and starts_at > now() + interval '1 day' order by starts_at, slot_id limit 1`;
// As the application: row-level security is part of the plan. auto_explain sees into the functions.
await sql.unsafe(`
  load 'auto_explain';
  set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
  set auto_explain.log_analyze = on; set auto_explain.log_timing = off;
  set role holdline_app; set client_min_messages = log`);
const dayLater = new Date(clinic.day.getTime() + 86_400_000).toISOString();
const day = clinic.day.toISOString();
const whole: string[] = [];
const ledgerTable = /available_slots|busy_times|call_|appointments/;
await explain('the open slots of a day', `select * from open_slots('${clinic.id}', '${day}', '${dayLater}')`);
await explain(
  'a claim, with the stale holds it meets',
  `select claim_slot_atomic('${clinic.id}', '${clinic.slot}', 'plan', '${clinic.version}')`,
);
await explain(
  'a turn, with the hold and the offers of its call',
  `select begin_turn('${clinic.id}', 'plan', '+15550100000', 1)`,
);
if (whole.length > 0) {
  console.error(`\nread whole: ${whole.join(', ')}`);
  process.exitCode = 1;
}

async function explain(title: string, query: string): Promise<void> {
  plans.length = 0;
  await sql.unsafe(query);
  console.log(`\n=== ${title}: ${plans.length} statements`);
  // What is done once for each slot of a day is shown once.
  const shown = new Map<string, number>();
  for (const line of plans.flatMap((plan) => plan.split('\n'))) {
    const [, scan] = /((?:Index|Bitmap|Seq)[\w ]*Scan.*?)\s*\(cost/.exec(line) ?? [];
    if (scan !== undefined && ledgerTable.test(line)) shown.set(scan, (shown.get(scan) ?? 0) + 1);
    const [, table] = /Seq Scan on (\w+)/.exec(line) ?? [];
    if (table !== undefined && ledgerTable.test(line) && !whole.includes(table)) whole.push(table);
  }
  for (const [scan, times] of shown) console.log(`${String(times).padStart(6)} × ${scan}`);
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
