import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createMemoryStore } from '#storage/memory-store.ts';
import { openRedis } from '#storage/redis.ts';
import type { Store, Subscription } from '#storage/store.ts';
import { createLog } from '#telemetry/log.ts';
import { redisServer } from '../../redis-server.ts';
import type { Restartable } from '../../torture/processes.ts';

const log = createLog({ level: 'silent', pretty: false });
/** Longer than a machine under load takes to answer. */
const patience = { timeout: 10_000, interval: 20 };

function hearing(store: Store, channel: string) {
  const messages: string[] = [];
  let lost = 0;
  const subscription = store.subscribe(channel, {
    onMessage: (message) => messages.push(message),
    onLost: () => {
      lost += 1;
    },
  });
  return {
    messages,
    subscription,
    get lost() {
      return lost;
    },
  };
}

const live = (subscription: Subscription) => vi.waitFor(() => expect(subscription.live).toBe(true), patience);

describe('the memory store', () => {
  conformance(async () => [createMemoryStore()]);
});

redisServer.describe('the Redis store', () => {
  conformance(async () => {
    const server = await start();
    return [await open(server.url), await open(server.url)];
  });

  test('a listener is told when Redis goes and when it is back, and then hears again', async () => {
    const server = await start();
    const [one, other] = [await open(server.url), await open(server.url)];
    const heard = hearing(one, 'news');
    await live(heard.subscription);
    const lostAtFirst = heard.lost;

    await server.kill();
    await vi.waitFor(() => expect(heard.subscription.live).toBe(false), patience);
    expect(heard.lost).toBe(lostAtFirst + 1);
    await other.publish('news', 'nobody hears this');

    await server.start();
    await live(heard.subscription);
    expect(heard.lost).toBe(lostAtFirst + 2);
    await vi.waitFor(() => expect(other.available).toBe(true), patience);
    await other.publish('news', 'again');
    await vi.waitFor(() => expect(heard.messages).toEqual(['again']), patience);
  });

  test('a Redis that stops answering without closing anything is noticed by who only listens', async () => {
    const server = await start();
    const heard = hearing(await open(server.url), 'news');
    await live(heard.subscription);
    server.pause();
    onTestFinished(() => server.resume());
    await vi.waitFor(() => expect(heard.subscription.live).toBe(false), patience);
    server.resume();
    await live(heard.subscription);
  });

  test('a Redis that is not there yet is listened to when it comes', async () => {
    const server = await start();
    await server.kill();
    const store = await open(server.url);
    const heard = hearing(store, 'news');
    await store.publish('news', 'nobody hears this');
    expect(heard.subscription.live).toBe(false);
    await server.start();
    await live(heard.subscription);
  });

  test('databases of one Redis do not hear each other', async () => {
    const server = await start();
    const [one, other] = [await open(`${server.url}/1`), await open(`${server.url}/2`)];
    const [mine, theirs] = [hearing(one, 'news'), hearing(other, 'news')];
    await Promise.all([live(mine.subscription), live(theirs.subscription)]);
    await one.publish('news', 'for one');
    await other.publish('news', 'for the other');
    await vi.waitFor(() => expect([...mine.messages, ...theirs.messages]).toHaveLength(2), patience);
    expect([mine.messages, theirs.messages]).toEqual([['for one'], ['for the other']]);
  });
});

/** @param open one store, or two that belong together */
function conformance(open: () => Promise<Store[]>): void {
  test('everybody who subscribed hears what is published, in order, and nobody else', async () => {
    const stores = await open();
    const [from, to] = [stores[0], stores.at(-1)];
    if (from === undefined || to === undefined) throw new Error('no store');
    const listeners = [hearing(from, 'news'), hearing(to, 'news'), hearing(to, 'news')];
    const elsewhere = hearing(to, 'weather');
    await Promise.all([...listeners, elsewhere].map(({ subscription }) => live(subscription)));
    for (let number = 0; number < 20; number += 1) await from.publish('news', String(number));
    const all = Array.from({ length: 20 }, (_, number) => String(number));
    for (const { messages } of listeners) await vi.waitFor(() => expect(messages).toEqual(all), patience);
    expect(elsewhere.messages).toEqual([]);
  });

  test('a subscription that was given up hears nothing more, the others go on', async () => {
    const [store] = await open();
    if (store === undefined) throw new Error('no store');
    const [gone, stays] = [hearing(store, 'news'), hearing(store, 'news')];
    await Promise.all([live(gone.subscription), live(stays.subscription)]);
    gone.subscription[Symbol.dispose]();
    await store.publish('news', 'one');
    await vi.waitFor(() => expect(stays.messages).toEqual(['one']), patience);
    expect(gone.messages).toEqual([]);
    stays.subscription[Symbol.dispose]();
    const late = hearing(store, 'news');
    await live(late.subscription);
    await store.publish('news', 'two');
    await vi.waitFor(() => expect(late.messages).toEqual(['two']), patience);
    expect(stays.messages).toEqual(['one']);
  });
}

async function start(): Promise<Restartable> {
  const server = await redisServer.start();
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

async function open(url: string): Promise<Store> {
  const store = await openRedis({ url, log, commandDeadlineMs: 1_000 });
  onTestFinished(() => store[Symbol.asyncDispose]());
  return store;
}
