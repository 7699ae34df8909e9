// How long does a practitioner's calendar being applied keep callers waiting? Readings of 2,000 and of 10,000 events are
// applied for the first time, again unchanged, all changed and all gone, while claims of that practitioner's slots are
// made one after another. The reference is the same claims while nothing is applied.
import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { fillSlots } from '#availability/slot-upkeep.ts';
import { openEmbeddedPostgres } from '#storage/embedded/embedded-postgres.ts';
import { applyReading, calendarState } from '../src/booking/calendar-readings.ts';
import { claimSlot } from '../src/booking/holds.ts';
import { migrationsFolder } from '../src/config.ts';
import { openDirectory } from '../src/organization/directory.ts';
import { migrate } from '../src/storage/migrate.ts';
import { openPostgres } from '../src/storage/postgres.ts';
import { createLog } from '../src/telemetry/log.ts';

const log = createLog({ level: 'error', pretty: true });
await using stack = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), 'holdline-readings-'));
stack.defer(() => rm(folder, { recursive: true, force: true }));
await chmod(folder, 0o711);
const embedded = stack.use(await openEmbeddedPostgres({ dataDir: folder, holder: 'command', log }));
await migrate({ url: embedded.migrateUrl, folder: migrationsFolder, log });
const owner = postgres(embedded.migrateUrl, { max: 1, onnotice: () => {} });
stack.defer(() => owner.end({ timeout: 2 }));
const { sql } = stack.use(await openPostgres({ url: embedded.appUrl, poolSize: 4, log }));
const dayMs = 86_400_000;
const windowDays = 90;
await owner.unsafe(`
  insert into organizations (key, name, zone, schedule, holds_per_call_max, live_holds_max)
    values ('clinic', 'C', 'UTC', '{"horizonDays": ${windowDays}}', null, null);
  insert into practitioners (tenant_id, key, name, spoken_name, calendar_id)
    select id, 'ada', 'A', 'A', 'ada@clinic.example' from organizations`);
await using directory = await openDirectory({ sql, log });
const clinic = directory.named('clinic');
const ada = clinic?.practitioners[0];
if (clinic === undefined || ada === undefined) throw new Error('the clinic is missing');
await fillSlots(sql, clinic, new Date());
// A busy practitioner: a third of the time is booked.
await owner.unsafe(`
  update available_slots set status = 'booked' where hashtext(slot_id) % 3 = 0;
  insert into appointments (tenant_id, practitioner_id, slot_id, starts_at, occupies, call_sid, hold_version)
    select tenant_id, practitioner_id, slot_id, starts_at, occupies, 'call ' || slot_id, version
    from available_slots where status = 'booked';
  analyze`);
const key = { tenantId: clinic.id, practitionerId: ada.id };

const none = await whileClaiming(() => new Promise((resolve) => setTimeout(resolve, 2_000)));
console.log(`claims while nothing is applied: ${waits(none.claimsMs)}`);
for (const count of [2_000, 10_000]) {
  const events = (shiftMs: number) => Array.from({ length: count }, (_, n) => eventOf(n, count, shiftMs));
  await applied(`${count} events, the first reading`, events(0));
  await applied(`${count} events, unchanged`, events(0));
  await applied(`${count} events, all changed`, events(60_000));
  await applied(`${count} events, all gone`, []);
}

function eventOf(n: number, count: number, shiftMs: number) {
  const startsAt = new Date(
    Math.floor(Date.now() / dayMs) * dayMs + (n * windowDays * dayMs) / count + shiftMs,
  );
  return { id: `event-${n}`, seriesId: null, startsAt, endsAt: new Date(startsAt.getTime() + 5 * 60_000) };
}

async function applied(name: string, events: ReturnType<typeof eventOf>[]): Promise<void> {
  const state = await calendarState(sql, key);
  if (state === undefined) throw new Error('the calendar is missing');
  const { result, tookMs, claimsMs } = await whileClaiming(() =>
    applyReading(sql, key, {
      ...{ calendarId: state.calendarId, round: state.round, whole: true, syncToken: 'token', events },
      ...{ listedFrom: new Date(), windowEndsAt: new Date(Date.now() + windowDays * dayMs) },
    }),
  );
  if (!result.applied) throw new Error('the reading was not applied');
  console.log(
    `${name.padEnd(36)}${tookMs.toFixed(0).padStart(6)} ms, ${result.changed} changed; claims: ${waits(claimsMs)}`,
  );
}

/** Claims slots one after another until the work is done; how long each took. */
async function whileClaiming<T>(
  work: () => Promise<T>,
): Promise<{ result: T; tookMs: number; claimsMs: number[] }> {
  const claimsMs: number[] = [];
  let over = false;
  const open = await owner<{ slotId: string; version: string }[]>`
    select slot_id as "slotId", version from available_slots
    where status = 'available' and starts_at > now() + interval '1 day' order by random() limit 200`;
  const claiming = (async () => {
    for (let n = 0; !over; n += 1) {
      const slot = open[n % open.length];
      if (slot === undefined) throw new Error('nothing is open');
      const startedMs = performance.now();
      const call = { tenantId: key.tenantId, callSid: randomUUID() };
      await claimSlot({ sql }, call, { ...slot, turn: null });
      claimsMs.push(performance.now() - startedMs);
    }
  })();
  const startedMs = performance.now();
  const result = await work();
  const tookMs = performance.now() - startedMs;
  over = true;
  await claiming;
  return { result, tookMs, claimsMs };
}

function waits(claimsMs: number[]): string {
  const sorted = claimsMs.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
  return `${sorted.length}, median ${at(0.5)} ms, slowest ${at(1)} ms`;
}
