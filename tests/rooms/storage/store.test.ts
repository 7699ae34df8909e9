import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createMemoryStore } from '#storage/memory-store.ts';
import { openRedis } from '#storage/redis.ts';
import type { Lock, SharedCache, Store } from '#storage/store.ts';
import { createLog } from '#telemetry/log.ts';
import { redisServer } from '../../redis-server.ts';
import type { Restartable } from '../../torture/processes.ts';

const log = createLog({ level: 'silent', pretty: false });
const ttlMs = 60_000;
/** Longer than a machine under load takes to answer, and short enough to wait for where nobody answers. */
const commandDeadlineMs = 1_000;

interface Subject {
  store: Store;
  /** Lets a lifetime of this many milliseconds pass. */
  pass(ms: number): Promise<void>;
}

async function memory(): Promise<Subject> {
  let nowMs = 1_000;
  return {
    store: createMemoryStore(() => nowMs),
    pass: async (ms) => {
      nowMs += ms;
    },
  };
}

async function startServer(): Promise<Restartable> {
  const server = await redisServer.start();
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

async function openStore({ url }: { url: string }): Promise<Store> {
  const store = await openRedis({ url, log, commandDeadlineMs });
  onTestFinished(() => store[Symbol.asyncDispose]());
  return store;
}

async function redis(): Promise<Subject> {
  return { store: await openStore(await startServer()), pass: (ms) => delay(ms + 20) };
}

function held(lock: Lock): Extract<Lock, { state: 'held' }> {
  if (lock.state !== 'held') throw new Error(`the lock is ${lock.state}`);
  return lock;
}

describe('the memory store', () => conformance(memory));
redisServer.describe('the Redis store', () => conformance(redis));

function conformance(open: () => Promise<Subject>): void {
  test('what was set is read back until its lifetime ends', async () => {
    const { store, pass } = await open();
    expect(store.available).toBe(true);
    expect(await store.get('a')).toBeUndefined();
    await store.set('a', 'one', 300);
    await store.set('b', 'stays', ttlMs);
    expect(await store.get('a')).toBe('one');
    await pass(300);
    expect(await store.get('a')).toBeUndefined();
    expect(await store.get('b')).toBe('stays');
  });

  test('a second write replaces the first and its lifetime', async () => {
    const { store, pass } = await open();
    await store.set('a', 'one', 200);
    await store.set('a', 'two', ttlMs);
    await pass(200);
    expect(await store.get('a')).toBe('two');
  });

  test('an empty value is a value', async () => {
    const { store } = await open();
    await store.set('a', '', ttlMs);
    expect(await store.get('a')).toBe('');
  });

  test('a lock is held by one, and the others are told who has it', async () => {
    const { store } = await open();
    const lock = held(await store.lock('l', 'Ann Miller', ttlMs));
    expect(await store.lock('l', 'Bob', ttlMs)).toEqual({ state: 'busy', owner: 'Ann Miller' });
    expect((await store.lock('another', 'Bob', ttlMs)).state).toBe('held');
    await lock.release();
    expect((await store.lock('l', 'Bob', ttlMs)).state).toBe('held');
  });

  test('of many at once exactly one gets the lock', async () => {
    const { store } = await open();
    const locks = await Promise.all(
      Array.from({ length: 20 }, (_, n) => store.lock('l', `call ${n}`, ttlMs)),
    );
    expect(locks.filter(({ state }) => state === 'held')).toHaveLength(1);
    expect(locks.filter(({ state }) => state === 'busy')).toHaveLength(19);
  });

  test('a lock whose lifetime has ended is not released from under the next owner', async () => {
    const { store, pass } = await open();
    const old = held(await store.lock('l', 'same owner', 200));
    await pass(200);
    held(await store.lock('l', 'same owner', ttlMs));
    await old.release();
    await old.keep('old', ttlMs);
    expect(await store.lock('l', 'x', ttlMs)).toEqual({ state: 'busy', owner: 'same owner' });
  });

  test('a lock that is kept outlives its lifetime and its release, under another name', async () => {
    const { store, pass } = await open();
    const lock = held(await store.lock('l', 'a', 200));
    await lock.keep('done by a', 1_000);
    await lock.release();
    await pass(200);
    expect(await store.lock('l', 'b', ttlMs)).toEqual({ state: 'busy', owner: 'done by a' });
    await pass(1_000);
    expect((await store.lock('l', 'b', ttlMs)).state).toBe('held');
  });
}

test('the memory store forgets the oldest rather than growing without end', async () => {
  const { store } = await memory();
  for (let n = 0; n <= 10_000; n++) await store.set(`k${n}`, 'v', ttlMs);
  expect(await store.get('k0')).toBeUndefined();
  expect(await store.get('k1')).toBe('v');
  expect(await store.get('k10000')).toBe('v');
});

test('the memory store drops what has ended by itself: it takes no room from what is still good', async () => {
  const { store, pass } = await memory();
  await store.set('lasting', 'v', 3_600_000);
  for (let n = 0; n < 9_999; n++) await store.set(`k${n}`, 'v', ttlMs);
  await pass(60_000 + ttlMs);
  for (let n = 0; n < 9_999; n++) await store.set(`later${n}`, 'v', ttlMs);
  expect(await store.get('lasting')).toBe('v');
});

async function knowsNothing(store: Store): Promise<void> {
  expect(await store.get('a')).toBeUndefined();
  await store.set('a', 'lost', ttlMs);
  expect(await store.cache?.get('h', 'x')).toBeUndefined();
  expect(await store.cache?.guards('h', ['x'], ttlMs)).toBeUndefined();
  await store.cache?.fill('h', [{ field: 'x', value: 'lost', guard: '' }], ttlMs);
  expect(await store.cache?.drop('h')).toBe(false);
  expect(await store.lock('l', 'x', ttlMs)).toEqual({ state: 'unavailable' });
  expect(store.available).toBe(false);
}

async function worksAgain(store: Store): Promise<void> {
  await expect.poll(() => store.available, { timeout: 10_000 }).toBe(true);
  await store.set('b', 'again', ttlMs);
  expect(await store.get('b')).toBe('again');
  expect((await store.lock('l', 'x', ttlMs)).state).toBe('held');
}

redisServer.describe('a Redis that does not answer', () => {
  test('absent at open: it is left out, and used when it comes', async () => {
    const server = await startServer();
    await server.kill();
    const store = await openStore(server);
    await knowsNothing(store);
    await server.start();
    await worksAgain(store);
  });

  test('paused at open: it is left out, and used when it wakes up', async () => {
    const server = await startServer();
    server.pause();
    const store = await openStore(server);
    await knowsNothing(store);
    server.resume();
    await worksAgain(store);
  });

  test('killed: it is left out, and used when it is back', async () => {
    const server = await startServer();
    const store = await openStore(server);
    const lock = held(await store.lock('mine', 'x', ttlMs));
    await server.kill();
    await knowsNothing(store);
    await lock.release();
    await lock.keep('x', ttlMs);
    await server.start();
    await worksAgain(store);
  });

  test('paused: it is left out, and a lock asked for meanwhile blocks nobody afterwards', async () => {
    const server = await startServer();
    const store = await openStore(server);
    server.pause();
    expect(await store.lock('l', 'asked while paused', ttlMs)).toEqual({ state: 'unavailable' });
    await knowsNothing(store);
    server.resume();
    await worksAgain(store);
  });

  test('a command it refuses is unknown and leaves it in use', async () => {
    const store = await openStore(await startServer());
    await store.cache?.guards('h', ['x'], ttlMs);
    expect(await store.get('h')).toBeUndefined();
    expect(store.available).toBe(true);
  });
});

redisServer.describe('the shared cache', () => {
  async function openCache(server: Restartable): Promise<SharedCache> {
    const { cache } = await openStore(server);
    if (cache === undefined) throw new Error('this store has no cache');
    return cache;
  }
  const entry = (field: string, value: string, guards: string[] | undefined, index = 0) => [
    { field, value, guard: guards?.[index] ?? '' },
  ];

  test('a field is filled under its guard and dropped, the others stay', async () => {
    const cache = await openCache(await startServer());
    expect(await cache.get('h', 'x')).toBe('missing');
    const guards = await cache.guards('h', ['x', 'y'], ttlMs);
    await cache.fill('h', [...entry('x', '1', guards), ...entry('y', '2', guards, 1)], ttlMs);
    expect(await cache.get('h', 'x')).toBe('1');
    expect(await cache.drop('h', 'x')).toBe(true);
    expect(await cache.get('h', 'x')).toBe('missing');
    expect(await cache.get('h', 'y')).toBe('2');
    expect(await cache.drop('h')).toBe(true);
    expect(await cache.get('h', 'y')).toBe('missing');
  });

  test('what was read before a drop fills nothing after it, of one field, of all, and of a Redis that forgot', async () => {
    const server = await startServer();
    const cache = await openCache(server);
    const fill = async (value: string, drop: () => Promise<unknown>) => {
      const guards = await cache.guards('h', ['x'], ttlMs);
      await drop();
      await cache.fill('h', entry('x', value, guards), ttlMs);
      return cache.get('h', 'x');
    };
    expect(await fill('right', async () => {})).toBe('right');
    expect(await fill('of before', () => cache.drop('h', 'x'))).toBe('missing');
    expect(await fill('of before', () => cache.drop('h'))).toBe('missing');
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    expect(await fill('of before', () => admin.flushall())).toBe('missing');
    expect(await fill('right', async () => {})).toBe('right');
  });

  test('a key lives as long as its last fill says', async () => {
    const cache = await openCache(await startServer());
    const guards = await cache.guards('h', ['x'], 200);
    await cache.fill('h', entry('x', '1', guards), 400);
    await delay(220);
    expect(await cache.get('h', 'x')).toBe('1');
    await delay(220);
    expect(await cache.get('h', 'x')).toBe('missing');
  });
});
