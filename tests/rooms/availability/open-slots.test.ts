import { setTimeout as wait } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { expect, onTestFinished, test } from 'vitest';
import { createOpenSlots, type OpenSlots } from '#availability/open-slots.ts';
import { fillSlots } from '#availability/slot-upkeep.ts';
import { claimSlot } from '#booking/holds.ts';
import { localDate } from '#organization/clinic-clock.ts';
import { createMemoryStore } from '#storage/memory-store.ts';
import { openRedis } from '#storage/redis.ts';
import type { Store } from '#storage/store.ts';
import { createLog } from '#telemetry/log.ts';
import { metricsPage } from '#telemetry/metrics.ts';
import { type Clinic, nth, openClinic, type Slot } from '../../clinic.ts';
import { moveLedgerClock } from '../../ledger-database.ts';
import { redisServer } from '../../redis-server.ts';
import type { Restartable } from '../../torture/processes.ts';

const log = createLog({ level: 'silent', pretty: false });
const now = new Date();

/** A process as far as open slots go: memory and connections of its own. */
interface Process {
  openSlots: OpenSlots;
  store: Store;
  /** What it would offer on the day a slot lies on. */
  offers(slot: Slot): Promise<string[]>;
  /** Claims a slot for a new call, and says so. */
  claim(slot: Slot): Promise<void>;
}

async function clinic(): Promise<Clinic> {
  const opened = await openClinic();
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}

async function startRedis(): Promise<Restartable> {
  const server = await redisServer.start();
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

async function openProcess(
  { sql, organization, call }: Clinic,
  { redis, ledger = sql, nowMs }: { redis?: Restartable; ledger?: Sql; nowMs?: () => number } = {},
): Promise<Process> {
  const store =
    redis === undefined
      ? createMemoryStore()
      : await openRedis({ url: redis.url, log, commandDeadlineMs: 200 });
  const openSlots = createOpenSlots({ sql: ledger, store, ...(nowMs === undefined ? {} : { nowMs }) });
  onTestFinished(async () => {
    await openSlots[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  });
  return {
    openSlots,
    store,
    async offers(slot) {
      const open = await openSlots.onDay(organization, localDate(organization.zone, slot.startsAt), now);
      return open.map(({ slotId }) => slotId);
    },
    async claim(slot) {
      const outcome = await claimSlot({ sql }, await call(), { ...slot, turn: null });
      expect(outcome).toMatchObject({ held: true });
      await openSlots.changed(organization, slot.startsAt);
    },
  };
}

/** How many days were found where, since the last time this was asked. */
function readCounts(): () => Promise<Record<string, number>> {
  const before: Record<string, number> = {};
  return async () => {
    const counts: Record<string, number> = {};
    for (const [, from = '', count = ''] of (await metricsPage()).text.matchAll(
      /^holdline_slot_reads_total\{from="(\w+)"\} (\d+)/gm,
    )) {
      const grown = Number(count) - (before[from] ?? 0);
      if (grown > 0) counts[from] = grown;
      before[from] = Number(count);
    }
    return counts;
  };
}

/** A ledger whose answers arrive later, when they are let through. */
function heldBack(sql: Sql): { sql: Sql; letThrough(): void; asked: Promise<void> } {
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const slow = (strings: TemplateStringsArray, ...values: never[]) => {
    const answer = sql(strings, ...values);
    if (!strings[0]?.includes('open_slots_with_holds')) return answer;
    return answer.then(async (rows) => {
      asked.resolve();
      await gate.promise;
      return rows;
    });
  };
  return {
    sql: Object.assign(slow, { listen: sql.listen }) as unknown as Sql,
    letThrough: gate.resolve,
    asked: asked.promise,
  };
}

test('what is remembered is what the ledger says, and a change of this process is seen at once', async () => {
  const place = await clinic();
  const one = await openProcess(place);
  const counts = readCounts();
  await counts();
  const slot = nth(await place.open(), 10);
  expect(await one.offers(slot)).toContain(slot.slotId);
  expect(await one.offers(slot)).toContain(slot.slotId);
  expect(await counts()).toEqual({ postgres: 1, memory: 1 });
  await one.claim(slot);
  expect(await one.offers(slot)).not.toContain(slot.slotId);
  expect(await counts()).toEqual({ postgres: 1 });
});

test('callers who ask for a day at once read it once', async () => {
  const place = await clinic();
  const one = await openProcess(place);
  const counts = readCounts();
  await counts();
  const slot = nth(await place.open(), 10);
  const answers = await Promise.all(Array.from({ length: 50 }, () => one.offers(slot)));
  expect(new Set(answers.map(String)).size).toBe(1);
  expect(await counts()).toEqual({ postgres: 1 });
});

test('what is read ahead for a call is kept, however late the ledger’s announcements are heard first', async () => {
  const open = await clinic();
  const { sql, organization } = open;
  const heard = Promise.withResolvers<void>();
  const ledger = new Proxy(sql, {
    get: (target, name, receiver) =>
      name === 'listen'
        ? async (...about: Parameters<Sql['listen']>) => {
            await wait(200);
            const listening = await sql.listen(...about);
            heard.resolve();
            return listening;
          }
        : Reflect.get(target, name, receiver),
  });
  const { openSlots, offers } = await openProcess(open, { ledger });
  await openSlots.preload(organization, now);
  await heard.promise;
  const counts = readCounts();
  await counts();
  await offers(nth(await open.open(), 20));
  expect(await counts()).toMatchObject({ memory: 1 });
});

test('a day that is being read while it changes is not remembered as it was', async () => {
  const place = await clinic();
  const ledger = heldBack(place.sql);
  const one = await openProcess(place, { ledger: ledger.sql });
  const slot = nth(await place.open(), 10);
  const asking = one.offers(slot);
  await ledger.asked;
  const changing = one.claim(slot);
  await changing;
  // Whoever asks now must not join the reading that began before.
  const after = one.offers(slot);
  ledger.letThrough();
  expect(await asking).toContain(slot.slotId);
  expect(await after).not.toContain(slot.slotId);
  expect(await one.offers(slot)).not.toContain(slot.slotId);
});

test('a hold that runs out opens its slot again, although nobody says so', async () => {
  const place = await clinic();
  let laterMs = 0;
  const one = await openProcess(place, { nowMs: () => Date.now() + laterMs });
  const slot = nth(await place.open(), 10);
  await one.claim(slot);
  expect(await one.offers(slot)).not.toContain(slot.slotId);
  await moveLedgerClock(place.database, '301 seconds');
  laterMs = 301_000;
  expect(await one.offers(slot)).toContain(slot.slotId);
});

test('a day is kept for an hour', async () => {
  const place = await clinic();
  let laterMs = 0;
  const one = await openProcess(place, { nowMs: () => Date.now() + laterMs });
  const slot = nth(await place.open(), 10);
  await one.offers(slot);
  const counts = readCounts();
  await counts();
  laterMs = 3_590_000;
  await one.offers(slot);
  expect(await counts()).toEqual({ memory: 1 });
  laterMs = 3_601_000;
  await one.offers(slot);
  expect(await counts()).toEqual({ postgres: 1 });
});

test('a change that a command makes is heard by way of Postgres', async () => {
  const place = await clinic();
  const one = await openProcess(place);
  const slot = nth(await place.open(), 10);
  await one.offers(slot);
  await place.sql.begin(async (tx) => {
    await tx`select set_config('holdline.tenant_id', ${place.organization.id}, true)`;
    await tx`
      insert into busy_times (tenant_id, practitioner_id, starts_at, ends_at, source)
      values (${place.organization.id}, ${slot.practitionerId}, ${slot.startsAt},
        ${new Date(slot.startsAt.getTime() + 60_000)}, 'test')`;
    await tx`select announce_slots(${place.organization.id})`;
  });
  await expect.poll(() => one.offers(slot)).not.toContain(slot.slotId);
});

test('slots that are added are offered', async () => {
  const place = await clinic();
  const one = await openProcess(place);
  const { organization } = place;
  const longer = { ...organization, schedule: { ...organization.schedule, horizonDays: 6 } };
  const beyond = new Date(now.getTime() + 4 * 86_400_000);
  const day = localDate(organization.zone, beyond);
  // Until listening has begun nothing is remembered for long.
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await one.openSlots.onDay(longer, day, now)).toEqual([]);
  expect((await fillSlots(place.sql, longer, now)).added).toBeGreaterThan(0);
  await expect.poll(() => one.openSlots.onDay(longer, day, now)).not.toEqual([]);
});

redisServer.describe('several processes with Redis between them', () => {
  test('read each other’s days, and forget them when one of them changes the ledger', async () => {
    const [place, redis] = [await clinic(), await startRedis()];
    const [one, other] = [await openProcess(place, { redis }), await openProcess(place, { redis })];
    const slot = nth(await place.open(), 10);
    const counts = readCounts();
    await one.offers(slot);
    await counts();
    await expect
      .poll(() => other.store.cache?.get(`slots:${place.organization.id}`, dayOf(slot)))
      .not.toBe('missing');
    expect(await other.offers(slot)).toContain(slot.slotId);
    expect(await counts()).toEqual({ redis: 1 });
    expect(await other.offers(slot)).toContain(slot.slotId);
    expect(await counts()).toEqual({ memory: 1 });

    await one.claim(slot);
    await expect.poll(() => other.offers(slot)).not.toContain(slot.slotId);
    expect(await one.offers(slot)).not.toContain(slot.slotId);
  });

  test('a reading that began before a change fills neither memory nor Redis after it', async () => {
    const [place, redis] = [await clinic(), await startRedis()];
    const ledger = heldBack(place.sql);
    const reader = await openProcess(place, { redis, ledger: ledger.sql });
    const changer = await openProcess(place, { redis });
    const slot = nth(await place.open(), 10);
    const asking = reader.offers(slot);
    await ledger.asked;
    await changer.claim(slot);
    // The message has arrived everywhere when its own publisher has it.
    await heardBy(reader.store, changer.store);
    ledger.letThrough();
    expect(await asking).toContain(slot.slotId);
    expect(await reader.offers(slot)).not.toContain(slot.slotId);
    const third = await openProcess(place, { redis });
    expect(await third.offers(slot)).not.toContain(slot.slotId);
  });

  test('a Redis that slept through a change does not tell what was before it', async () => {
    const [place, redis] = [await clinic(), await startRedis()];
    const [one, other] = [await openProcess(place, { redis }), await openProcess(place, { redis })];
    const slot = nth(await place.open(), 10);
    await one.offers(slot);
    await other.offers(slot);
    redis.pause();
    await one.claim(slot);
    expect(await one.offers(slot)).not.toContain(slot.slotId);
    redis.resume();
    await expect.poll(() => one.store.available && other.store.available, { timeout: 10_000 }).toBe(true);
    await expect.poll(() => other.offers(slot), { timeout: 5_000 }).not.toContain(slot.slotId);
    const third = await openProcess(place, { redis });
    expect(await third.offers(slot)).not.toContain(slot.slotId);
  });

  test('while Redis is gone, others’ changes are noticed within seconds', async () => {
    const [place, redis] = [await clinic(), await startRedis()];
    const [one, other] = [await openProcess(place, { redis }), await openProcess(place, { redis })];
    const slot = nth(await place.open(), 10);
    await redis.kill();
    await expect.poll(() => other.store.available).toBe(false);
    expect(await other.offers(slot)).toContain(slot.slotId);
    await one.claim(slot);
    await expect.poll(() => other.offers(slot), { timeout: 4_000 }).not.toContain(slot.slotId);
  });
});

function dayOf(slot: Slot): string {
  return localDate('UTC', slot.startsAt);
}

/** Waits until a message that was published last has arrived, and with it all before. */
async function heardBy(listener: Store, publisher: Store): Promise<void> {
  await new Promise<void>((resolve) => {
    const subscription = listener.subscribe('test', {
      onMessage: () => {
        subscription[Symbol.dispose]();
        resolve();
      },
      onLost: () => void publisher.publish('test', 'hello'),
    });
  });
}
