import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createMemoryStore } from '#storage/memory-store.ts';
import { openRedis } from '#storage/redis.ts';
import { createEvents, type Events, type LiveEvent, maskedEvent } from '#telemetry/events.ts';
import { createLog } from '#telemetry/log.ts';
import type { EventStream, Missed, Wire } from '#telemetry/stream.ts';
import { redisServer } from '../../redis-server.ts';

const clinic = { id: '00000000-0000-4000-8000-000000000001', key: 'clinic' };
const patience = { timeout: 10_000, interval: 10 };

function open(wire?: Wire): Events {
  const events = createEvents({ wire });
  onTestFinished(() => events[Symbol.dispose]());
  return events;
}

/** Reads a stream to its end, in the background. */
function reading(stream: EventStream<LiveEvent>): (LiveEvent | Missed)[] {
  const read: (LiveEvent | Missed)[] = [];
  void (async () => {
    for await (const event of stream) read.push(event);
  })();
  return read;
}

const turn = (number: number) => ({ turn: number, spans: { total: 1 }, tools: [], cut: false });
const turns = (read: (LiveEvent | Missed)[]) =>
  read.flatMap((event) => (event.type === 'turn-finished' ? [event.turn] : []));

test('what one process tells, every process that watches reads, in order, and each event once', async () => {
  const store = createMemoryStore();
  await across(open(store), open(store));
});

redisServer.describe('through Redis', () => {
  test('what one process tells, the other reads', async () => {
    const server = await redisServer.start();
    onTestFinished(() => server[Symbol.asyncDispose]());
    const stores = [];
    for (let count = 0; count < 2; count += 1) {
      const store = await openRedis({
        url: server.url,
        log: createLog({ level: 'silent', pretty: false }),
        commandDeadlineMs: 1_000,
      });
      onTestFinished(() => store[Symbol.asyncDispose]());
      stores.push(store);
    }
    await across(open(stores[0]), open(stores[1]));
  });
});

async function across(telling: Events, other: Events): Promise<void> {
  expect(telling.watched).toBe(false);
  telling.turnFinished(clinic, 'a', turn(0));
  const read = reading(other.watch());
  const readHere = reading(other.watch());
  await vi.waitFor(() => expect(telling.watched).toBe(true), patience);
  for (let number = 1; number <= 20; number += 1) {
    telling.turnFinished(clinic, 'a', turn(number));
    if (number % 7 === 0) await delay(60);
  }
  const all = Array.from({ length: 20 }, (_, index) => index + 1);
  await vi.waitFor(() => expect(turns(read)).toEqual(all), patience);
  await vi.waitFor(() => expect(turns(readHere)).toEqual(all), patience);
  other.callEnded(clinic, 'a', { reason: null, holdKept: true });
  await vi.waitFor(() => expect(read.at(-1)).toMatchObject({ type: 'call-ended', call: 'a' }), patience);
  expect(read.filter(({ type }) => type === 'call-ended')).toHaveLength(1);
}

test('a reader that does not read misses the oldest, is told how many, and holds nobody up', async () => {
  const events = open();
  const [slow, quick] = [events.watch(), reading(events.watch())];
  const count = 5_000;
  for (let number = 1; number <= count; number += 1) events.turnFinished(clinic, 'a', turn(number));
  await vi.waitFor(() => expect(turns(quick).at(-1)).toBe(count), patience);
  const late = reading(slow);
  await vi.waitFor(() => expect(turns(late).at(-1)).toBe(count), patience);
  const [missed] = late;
  expect(missed).toEqual({ type: 'missed', count: count - turns(late).length });
  expect(turns(late)).toHaveLength(2_000);
});

test('behind a slow wire one message is on its way, and what could not go with it is counted', async () => {
  const store = createMemoryStore();
  const sent: (() => void)[] = [];
  const slow: Wire = {
    subscribe: (channel, listener) => store.subscribe(channel, listener),
    publish: (channel, message) =>
      channel === 'live-events'
        ? new Promise((resolve) => sent.push(() => resolve(store.publish(channel, message))))
        : store.publish(channel, message),
  };
  const [telling, watching] = [open(slow), open(store)];
  const read = reading(watching.watch());
  await vi.waitFor(() => expect(telling.watched).toBe(true), patience);
  for (let number = 1; number <= 4; number += 1) {
    telling.turnFinished(clinic, 'a', turn(number));
    await delay(80);
  }
  expect(sent).toHaveLength(1);
  sent[0]?.();
  await delay(10);
  telling.turnFinished(clinic, 'a', turn(5));
  await vi.waitFor(() => expect(sent).toHaveLength(2), patience);
  sent[1]?.();
  await vi.waitFor(() => expect(turns(read)).toEqual([1, 5]), patience);
  expect(read).toContainEqual({ type: 'missed', count: 3 });
});

test('what a wire loses is counted, and said with what goes next', async () => {
  const store = createMemoryStore();
  let losing = true;
  const lossy: Wire = {
    subscribe: (channel, listener) => store.subscribe(channel, listener),
    publish: async (channel, message) =>
      channel === 'live-events' && losing ? false : store.publish(channel, message),
  };
  const [telling, watching] = [open(lossy), open(store)];
  const read = reading(watching.watch());
  await vi.waitFor(() => expect(telling.watched).toBe(true), patience);
  for (let number = 1; number <= 3; number += 1) {
    telling.turnFinished(clinic, 'a', turn(number));
    await delay(80);
  }
  losing = false;
  telling.turnFinished(clinic, 'a', turn(4));
  await vi.waitFor(() => expect(turns(read)).toEqual([4]), patience);
  expect(read).toContainEqual({ type: 'missed', count: 3 });
});

test('a stream that was left is nobody watching', async () => {
  const events = open();
  const stream = events.watch();
  expect(events.watched).toBe(true);
  stream[Symbol.dispose]();
  expect(events.watched).toBe(false);
});

test('a masked event keeps the last digits of a number and the initials of a name', () => {
  const booked: LiveEvent = {
    at: '2026-11-24T19:00:00Z',
    tenantId: clinic.id,
    organization: clinic.key,
    call: 'a',
    type: 'appointment-booked',
    slot: '2026-11-24T19:00:00Z/lee',
    startsAt: '2026-11-24T19:00:00Z',
    practitioner: 'Dr. Lee',
    pii: { patientName: 'Maria da Silva', phone: '+12125550142' },
  };
  expect(maskedEvent(booked)).toEqual({ ...booked, pii: { patientName: 'M. d. S.', phone: '…42' } });
  expect(JSON.stringify(maskedEvent(booked))).not.toMatch(/Maria|Silva|212555/);
});
