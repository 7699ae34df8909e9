// How long do slots take to follow the open hours? Many organizations of two practitioners each are filled, looked
// over when there is nothing to do, filled with one more day, and one is edited while it has slots for a year. The
// reference is one plain insert of as many rows into the same table, as its owner.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { fillAllSlots, fillSlots, type SlotChanges } from '#availability/slot-upkeep.ts';
import { openEmbeddedPostgres } from '#storage/embedded/embedded-postgres.ts';
import { migrationsFolder } from '../src/config.ts';
import { openDirectory } from '../src/organization/directory.ts';
import { migrate } from '../src/storage/migrate.ts';
import { openPostgres } from '../src/storage/postgres.ts';
import { createLog } from '../src/telemetry/log.ts';

const clinics = Number(process.argv[2] ?? 1_000);
const dayMs = 86_400_000;

const log = createLog({ level: 'error', pretty: true });
await using stack = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), 'holdline-fill-'));
stack.defer(() => rm(folder, { recursive: true, force: true }));
await chmod(folder, 0o711);
const embedded = stack.use(await openEmbeddedPostgres({ dataDir: folder, holder: 'command', log }));
await migrate({ url: embedded.migrateUrl, folder: migrationsFolder, log });
const owner = postgres(embedded.migrateUrl, { max: 1, onnotice: () => {} });
stack.defer(() => owner.end({ timeout: 2 }));
const { sql } = stack.use(await openPostgres({ url: embedded.appUrl, poolSize: 4, log }));
await owner.unsafe(`
  insert into organizations (key, name, zone) select 'c' || n, 'C', (array['America/New_York', 'Europe/Berlin',
    'Asia/Kolkata', 'Australia/Lord_Howe'])[n % 4 + 1] from generate_series(1, ${clinics}) n;
  insert into practitioners (tenant_id, key, name, spoken_name)
    select o.id, 'p' || n, 'P', 'P' from organizations o, generate_series(1, 2) n;
  delete from graphile_worker._private_jobs`);
await using directory = await openDirectory({ sql, log });
const organizations = directory.all();
const now = new Date();

async function pass(at: Date): Promise<{ seconds: number; added: number }> {
  const startedMs = performance.now();
  let added = 0;
  await fillAllSlots(sql, { organizations, now: at }, (_, changes: SlotChanges) => {
    added += changes.added;
  });
  return { seconds: (performance.now() - startedMs) / 1000, added };
}

const first = await pass(now);
const idle = await pass(now);
const nextDays = await pass(new Date(now.getTime() + 3 * dayMs));
if (first.added < clinics * 2 * 14 * 18 || idle.added !== 0 || nextDays.added === 0)
  throw new Error(`not filled as it should be: ${JSON.stringify({ first, idle, nextDays })}`);

// As any ledger is that has run for a minute: what is written after this, the planner knows nothing of.
await owner.unsafe('analyze');
const [clinic] = organizations;
if (clinic === undefined) throw new Error('there is no organization');
const year = { ...clinic, schedule: { ...clinic.schedule, horizonDays: 365 } };
await fillSlots(sql, year, now);
const editedMs = performance.now();
const edit = await fillSlots(
  sql,
  { ...year, schedule: { ...year.schedule, slotMinutes: 45, gridMinutes: 45 } },
  now,
);
const editMs = performance.now() - editedMs;

const referenceMs = performance.now();
await owner.unsafe(`
  insert into available_slots (tenant_id, practitioner_id, slot_id, starts_at, during, occupies)
  select p.tenant_id, p.id, 'r' || n || p.key, t, tstzrange(t, t + interval '30 minutes'),
    tstzrange(t, t + interval '30 minutes')
  from practitioners p, generate_series(1, ${Math.ceil(first.added / clinics / 2)}) n,
    lateral (select now() + n * interval '1 hour' + interval '2 years' as t) as at`);
const reference = (performance.now() - referenceMs) / 1000;

console.log(`${clinics} organizations of two practitioners, ${first.added} slots`);
row('filled for the first time', first.seconds, first.added);
row('one plain insert of as many rows', reference, first.added);
console.log(`ratio of the two: ${(first.seconds / reference).toFixed(2)}`);
row('looked over, nothing to do', idle.seconds, 0);
row('three days later', nextDays.seconds, nextDays.added);
console.log(`an edit of a year of two practitioners: ${editMs.toFixed(0)} ms, ${JSON.stringify(edit)}`);

function row(name: string, seconds: number, rows: number): void {
  const each = rows === 0 ? '' : `, ${Math.round(rows / seconds)} rows/s`;
  const per = ((seconds / clinics) * 1000).toFixed(2);
  console.log(`${name.padEnd(36)}${seconds.toFixed(2).padStart(8)} s, ${per} ms an organization${each}`);
}
