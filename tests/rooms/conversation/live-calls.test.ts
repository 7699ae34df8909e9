import { setImmediate as later } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createLiveCalls, type LiveCalls } from '#conversation/live-calls.ts';
import { createMemoryStore } from '#storage/memory-store.ts';

const call = { tenantId: 'a tenant', callSid: 'a call, named oddly' };

/** Two processes on one store, and what was published on it. */
function startTwo() {
  const store = createMemoryStore();
  const published: string[] = [];
  const watched = {
    subscribe: store.subscribe,
    publish: (channel: string, message: string) => {
      published.push(message);
      return store.publish(channel, message);
    },
  };
  return { published, store, here: createLiveCalls(watched), there: createLiveCalls(watched) };
}

/** A turn that has been asked for; `over` says whether it was ended. */
function ask(liveCalls: LiveCalls, key = call) {
  const stop = new AbortController();
  const { numbered, end } = liveCalls.supersede(key, null, stop);
  return { numbered, end, over: () => stop.signal.aborted };
}

test('a turn that another process begins ends the one that runs here', async () => {
  const { here, there } = startTwo();
  const older = ask(here);
  older.numbered(1);
  const newer = ask(there);
  newer.numbered(2);
  await later();
  expect([older.over(), newer.over()]).toEqual([true, false]);
});

test('one that hears of a newer turn before it has its own number ends when it has', async () => {
  const { here, there } = startTwo();
  const older = ask(here);
  ask(there).numbered(2);
  await later();
  expect(older.over()).toBe(false);
  older.numbered(1);
  expect(older.over()).toBe(true);
});

test('one that is newer than what it hears of, or the same, goes on', async () => {
  const { here, there, store } = startTwo();
  const waiting = ask(here);
  ask(there).numbered(4);
  await later();
  waiting.numbered(5);
  for (const turn of ['5', '4', 'five', ''])
    await store.publish('turns', `${turn} ${call.tenantId}/${call.callSid}`);
  await later();
  expect(waiting.over()).toBe(false);
  await store.publish('turns', `6 ${call.tenantId}/${call.callSid}`);
  await later();
  expect(waiting.over()).toBe(true);
});

test('a turn of another call, or of another organization’s, goes on', async () => {
  const { here, there } = startTwo();
  const others = [
    { ...call, callSid: 'another' },
    { ...call, tenantId: 'another' },
  ].map((key) => ask(here, key));
  for (const other of others) other.numbered(1);
  ask(there).numbered(2);
  await later();
  expect(others.map((other) => other.over())).toEqual([false, false]);
});

test('a call that stays on one process is published nowhere, its turns being ended there', async () => {
  const { here, published } = startTwo();
  const turns = [1, 2, 3].map((number) => {
    const turn = ask(here);
    turn.numbered(number);
    return turn;
  });
  expect(turns.map((turn) => turn.over())).toEqual([true, true, false]);
  expect(published).toEqual([]);
});

test('a turn that was ended before it had its number still tells those elsewhere: its successor here will not', async () => {
  const { here, there } = startTwo();
  const first = ask(there);
  first.numbered(1);
  const second = ask(here);
  const third = ask(here);
  second.numbered(2);
  third.numbered(3);
  await later();
  expect([first.over(), second.over(), third.over()]).toEqual([true, true, false]);
});

test('after a process has stopped it hears nothing', async () => {
  const { here, there } = startTwo();
  const older = ask(here);
  older.numbered(1);
  await here[Symbol.asyncDispose]();
  ask(there).numbered(2);
  await later();
  expect(older.over()).toBe(false);
});
