// What does it cost to know a day's open times: from memory, from Redis, from Postgres, and from a calendar that answers
// after 1.8 s? The same question and the same answer, side by side in one run. Then: how long an edit in the calendar
// takes, by Google's notification, until another process would offer by it.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fastify } from 'fastify';
import { nextOpenDay } from '#availability/open-hours.ts';
import { createOpenSlots } from '#availability/open-slots.ts';
import { createSharedSlots } from '#availability/shared-slots.ts';
import { type OpenSlot, readDays } from '#availability/slot-days.ts';
import { fillSlots } from '#availability/slot-upkeep.ts';
import { googleHooks } from '#hooks/google-hooks.ts';
import { addDays, dayBounds, localDate } from '#organization/clinic-clock.ts';
import { migrationsFolder, promptsFolder } from '../src/config.ts';
import { openCalendarAccess } from '../src/jobs/calendar-access.ts';
import { openRunner } from '../src/jobs/runner.ts';
import { createHandlers } from '../src/jobs/tasks.ts';
import { createLanguages } from '../src/language/languages.ts';
import { shippedLanguages } from '../src/language/shipped-languages.ts';
import { connectCalendars } from '../src/organization/calendar-credentials.ts';
import { demoClinic, seedDemoClinic } from '../src/organization/demo-clinic.ts';
import { openDirectory } from '../src/organization/directory.ts';
import { openPrompts } from '../src/prompts/templates.ts';
import { openLedger } from '../src/storage/open-ledger.ts';
import { inTenant } from '../src/storage/postgres.ts';
import { openRedis } from '../src/storage/redis.ts';
import { createLog } from '../src/telemetry/log.ts';
import { startGoogle } from '../tests/stand-ins/google.ts';
import { redisInstalled, startRedis } from '../tests/torture/processes.ts';
import { type Distribution, distribution, printComparison } from './figures.ts';

const questions = 2_000;
/** Each takes 1.8 s; they are asked at once, as many callers would. */
const calendarQuestions = 40;
const calendarAnswersAfterMs = 1_800;
const edits = 30;
const calendar = 'lee@clinic.example';
const log = createLog({ level: 'error', pretty: true });

if (!redisInstalled()) throw new Error('redis-server is not installed; this comparison needs it');
await using stack = new AsyncDisposableStack();
const dataDir = await mkdtemp(join(tmpdir(), 'holdline-bench-'));
stack.defer(() => rm(dataDir, { recursive: true, force: true }));
await chmod(dataDir, 0o711);
const place = { databaseUrl: undefined, migrateUrl: undefined, dataDir, migrationsFolder };
const { sql, url } = stack.use(await openLedger(place, { holder: 'server', log, poolSize: 8 }));
const redis = stack.use(await startRedis());
const [store, othersStore] = [
  // A busy machine must not leave Redis out in the middle of a comparison.
  stack.use(await openRedis({ url: redis.url, log, commandDeadlineMs: 1_000 })),
  stack.use(await openRedis({ url: redis.url, log, commandDeadlineMs: 1_000 })),
];
await seedDemoClinic({ sql, key: 'a-key-for-the-benchmark' });
const directory = stack.use(await openDirectory({ sql, log }));
const organization = directory.named(demoClinic.key);
assert(organization !== undefined);
await fillSlots(sql, organization, new Date());
const { id: tenantId, zone, schedule } = organization;
const day = nextOpenDay(schedule, addDays(localDate(zone, new Date()), 2)) ?? '';

const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const google = stack.use(await startGoogle({ publicKey }));
const access = await openCalendarAccess({
  encryptionKey: randomBytes(32),
  clientId: undefined,
  clientSecret: undefined,
  baseUrl: google.baseUrl,
  cron: '0 * * * *',
});
const openSlots = stack.use(createOpenSlots({ sql, store }));
await compare();
await followEdits();

async function compare(): Promise<void> {
  assert(organization !== undefined);
  const expected = await ids(openSlots.onDay(organization, day, new Date()));
  assert.equal(expected.length, 36);
  const shared = createSharedSlots(store, async () => {});
  await delay(200);
  const ask = async (times: number, question: () => Promise<string[]>): Promise<Distribution> => {
    const timesMs: number[] = [];
    for (let n = 0; n < times; n += 1) {
      const askedMs = performance.now();
      const answer = await question();
      timesMs.push(performance.now() - askedMs);
      assert.equal(answer.length, expected.length);
      if (n === 0) assert.deepEqual(answer, expected);
    }
    return distribution(timesMs.slice(times / 10));
  };
  const fromMemory = () => ids(openSlots.onDay(organization, day, new Date()));
  const fromRedis = async () => (await shared.get(tenantId, day))?.slots.map(({ slotId }) => slotId) ?? [];
  const fromPostgres = async () => {
    const days = await readDays(sql, { tenantId, zone, dates: [day], nowMs: Date.now() });
    return days.get(day)?.slots.map(({ slotId }) => slotId) ?? [];
  };
  const rows: [string, Distribution][] = [
    ['calendar that answers after 1.8 s', await askCalendar(expected)],
    ['Postgres', await ask(questions, fromPostgres)],
    ['Redis', await ask(questions, fromRedis)],
    ['memory', await ask(questions, fromMemory)],
  ];
  printComparison('Open times of a day, one question at a time', rows);
}

/** What every caller would wait for without a ledger of our own: the day's events, and the slots they leave. */
async function askCalendar(expected: string[]): Promise<Distribution> {
  const secret = { kind: 'service-account' as const, email: 'robot@clinic.example', privateKey };
  const calendars = access.google.calendars(secret);
  const { startsAt, endsAt } = dayBounds(zone, day);
  // The access token is there, as it is for all but the first in an hour.
  assert((await calendars.changes(calendar, { from: startsAt, to: endsAt })).ok);
  google.mood = { kind: 'slow', ms: calendarAnswersAfterMs };
  const question = async () => {
    const askedMs = performance.now();
    const answer = await calendars.changes(calendar, { from: startsAt, to: endsAt });
    assert(answer.ok && answer.value.events.length === 0 && expected.length > 0);
    return performance.now() - askedMs;
  };
  const timesMs = await Promise.all(Array.from({ length: calendarQuestions }, question));
  google.mood = { kind: 'working' };
  return distribution(timesMs);
}

async function followEdits(): Promise<void> {
  assert(organization !== undefined);
  const http = fastify();
  stack.defer(() => http.close());
  googleHooks(http, { sql, directory, calendars: access, publicUrl: undefined, log });
  const publicUrl = await http.listen({ host: '127.0.0.1', port: 0 });
  const prompts = stack.use(await openPrompts({ folder: promptsFolder, sql, log }));
  const languages = createLanguages(shippedLanguages);
  const parts = { sql, openSlots, calendars: access, directory, prompts, languages, publicUrl, log };
  stack.use(
    await openRunner({
      url,
      sql,
      handlers: createHandlers({ ...parts, sender: undefined }),
      schedules: [],
      log,
    }),
  );
  const [lee] = organization.practitioners;
  assert(lee !== undefined);
  await inTenant(
    sql,
    tenantId,
    (tx) => tx`update practitioners set calendar_id = ${calendar} where id = ${lee.id}`,
  );
  const secret = JSON.stringify({ email: 'robot@clinic.example', privateKey });
  await connectCalendars(sql, access.sealer, tenantId, { kind: 'service-account', account: 'robot', secret });
  while (google.channels.size === 0) await delay(20);
  await delay(1_000);

  const other = stack.use(createOpenSlots({ sql, store: othersStore }));
  const start = new Date(dayBounds(zone, day).startsAt.getTime() + 10 * 3_600_000).toISOString();
  const end = new Date(Date.parse(start) + 1_800_000).toISOString();
  const offered = async () => {
    const open = await other.onDay(organization, day, new Date());
    return open.some((one) => one.practitionerId === lee.id && one.startsAt.toISOString() === start);
  };
  const timesMs: number[] = [];
  const id = 'abcde01234';
  for (let n = 0; n < edits; n += 1) {
    const taken = n % 2 === 0;
    const editedMs = performance.now();
    if (taken)
      google.put(calendar, { id, status: 'confirmed', start: { dateTime: start }, end: { dateTime: end } });
    else google.remove(calendar, id);
    while ((await offered()) === taken) await delay(2);
    timesMs.push(performance.now() - editedMs);
  }
  assert.deepEqual(google.complaints, []);
  printComparison('An edit in the calendar, until another process offers by it', [
    ['by notification', distribution(timesMs)],
  ]);
}

async function ids(slots: Promise<OpenSlot[]>): Promise<string[]> {
  return (await slots).map(({ slotId }) => slotId);
}
