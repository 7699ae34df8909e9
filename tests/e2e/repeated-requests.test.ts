import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { callRecord } from '#console/call-record.ts';
import { createOpenAiModel } from '#model/openai.ts';
import { inTenant } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { redisServer } from '../redis-server.ts';
import { Caller, type RunningApp, spoken, startApp, vapiSecret } from '../running-app.ts';
import {
  type ModelStandIn,
  type Reply,
  startModelStandIn,
  toolCalls,
  words,
} from '../stand-ins/language-model.ts';

/** Two processes on one ledger, and the model they both ask. */
interface Two extends AsyncDisposable {
  model: ModelStandIn;
  apps: [RunningApp, RunningApp];
}

/** @param redisUrl what the two share, or nothing, and each has a store of its own */
async function startTwo(redisUrl?: string): Promise<Two> {
  await using opening = new AsyncDisposableStack();
  const model = opening.use(await startModelStandIn());
  const log = createLog({ level: 'silent', pretty: false });
  const parts = () => ({
    ...(redisUrl === undefined ? {} : { redisUrl }),
    model: createOpenAiModel({ apiKey: 'none', model: 'stand-in', baseUrl: model.baseUrl, log }),
  });
  const first = opening.use(await startApp(parts()));
  const second = opening.use(await startApp({ ...parts(), ledgerUrl: first.ledgerUrl }));
  const opened = opening.move();
  return { model, apps: [first, second], [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function openDate(): string {
  const day = new Date(Date.now() + 5 * 86_400_000);
  while (day.getUTCDay() % 6 === 0) day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 10);
}

const reserve = (silentMs: number) => ({ ...toolCalls(['reserve_slot', { slotId: 'slot_1' }]), silentMs });

/** Asks one process for a turn whose words may still grow. */
async function ask(
  app: RunningApp,
  caller: Caller,
  { lastWords, sentAt, signal }: { lastWords: string; sentAt: number; signal?: AbortSignal },
): Promise<string> {
  const messages = [...caller.history, { role: 'user', content: lastWords }];
  const response = await fetch(`${app.url}/vapi/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${vapiSecret}` },
    body: JSON.stringify({ ...caller.body(), messages, timestamp: sentAt }),
    ...(signal === undefined ? {} : { signal }),
  });
  return spoken(await response.text());
}

async function offered(two: Two): Promise<Caller> {
  two.model.answer(toolCalls(['check_availability', { date: openDate() }]));
  const caller = new Caller(two.apps[0]);
  await caller.say('When are you free?');
  // Whoever listens to offers takes longer than their being written; the other process is to find them.
  await expect.poll(() => offersOf(two, caller)).toBeGreaterThan(0);
  return caller;
}

async function offersOf({ apps: [{ sql, organization }] }: Two, { callSid }: Caller): Promise<number> {
  const rows = await inTenant(
    sql,
    organization.id,
    (tx) => tx`select from call_offers where call_sid = ${callSid}`,
  );
  return rows.length;
}

const said = 'I would like the first one';

/** What the caller had said by the n-th of the six requests. */
const saidBy = (turn: number) =>
  said
    .split(' ')
    .slice(0, turn + 1)
    .join(' ');

/** Goes on for ever: who does not leave such an answer has forgotten it. */
const endless = (silentMs: number): Reply => ({ pieces: [words('Let me see. ')], silentMs, staysOpen: true });

async function claims({ apps }: Two, caller: Caller): Promise<number> {
  const { history } = await callRecord(apps[0].sql, apps[0].organization.id, caller.callSid);
  return history.filter((row) => row.cause === 'slot claimed').length;
}

test.each([
  ['its model silent for 5 ms', 5, 'at once'],
  ['its model silent for 20 ms', 20, 'at once'],
  ['its model silent for 60 ms', 60, 'at once'],
  ['the first having claimed already', 0, 'when the first has claimed'],
] as const)(
  'six requests for one turn, five cut off, over two processes, %s: one hold, one answer, no orphan',
  async (_how, silentMs, next) => {
    await using two = await startTwo();
    const caller = await offered(two);
    // The first ones may claim before they are cut off; the later ones end only when they are.
    const ends = [saidBy(0), saidBy(1), said];
    two.model.answerTo((heard) => (ends.includes(heard) ? reserve(silentMs) : endless(silentMs)));
    let answer = '';
    for (let turn = 0; turn < 6; turn += 1) {
      const leaving = new AbortController();
      const sentAt = 1_795_500_000_000 + turn;
      const asked = ask(two.apps[turn % 2 === 0 ? 0 : 1], caller, {
        lastWords: saidBy(turn),
        sentAt,
        signal: leaving.signal,
      });
      asked.catch(() => {});
      if (turn === 5) answer = await asked;
      else if (turn === 0 && next !== 'at once') await expect.poll(() => claims(two, caller)).toBe(1);
      else await wait(15 + 10 * turn);
      leaving.abort();
    }
    expect(answer).toMatch(/^I am holding .* for you/);
    expect(await claims(two, caller)).toBe(1);
    const { state } = await callRecord(two.apps[0].sql, two.apps[0].organization.id, caller.callSid);
    expect(state?.step).toBe('reserve');
    await two.model.quiet();
  },
);

/** Five requests nobody hangs up on, whose model answers only after the sixth was answered, with another slot. */
async function sixWithoutHangingUp(two: Two, { stillOpen }: { stillOpen: number }): Promise<void> {
  const caller = await offered(two);
  const late = Promise.withResolvers<void>();
  const another = { ...toolCalls(['reserve_slot', { slotId: 'slot_2' }]), after: late.promise };
  two.model.answerTo((heard) => (heard === said ? reserve(0) : another));
  const asked: Promise<string>[] = [];
  for (let turn = 0; turn < 6; turn += 1) {
    const sentAt = 1_795_500_000_000 + turn;
    const one = ask(two.apps[turn % 2 === 0 ? 0 : 1], caller, { lastWords: saidBy(turn), sentAt });
    one.catch(() => {});
    asked.push(one);
    if (turn < 5) await expect.poll(() => two.model.asked.length).toBe(turn + 2);
  }
  expect(await asked[5]).toMatch(/^I am holding .* for you/);
  await expect.poll(() => two.model.open).toBe(stillOpen);
  late.resolve();
  const others = (await Promise.all(asked)).slice(0, 5);
  expect({ others, claims: await claims(two, caller) }).toEqual({ others: ['', '', '', '', ''], claims: 1 });
  await two.model.quiet();
}

test('six requests nobody hangs up on: the sixth alone is answered, though the other process has not heard of it', async () => {
  await using two = await startTwo();
  // The fifth is the newest that its process knows.
  await sixWithoutHangingUp(two, { stillOpen: 1 });
});

redisServer.describe('with a store between the processes', () => {
  test('six requests nobody hangs up on: the sixth alone is answered, and ends the others’ models', async () => {
    await using redis = await redisServer.start();
    await using two = await startTwo(redis.url);
    await sixWithoutHangingUp(two, { stillOpen: 0 });
  });
});

test('a request that was sent earlier and comes later says nothing and does nothing', async () => {
  await using two = await startTwo();
  const caller = await offered(two);
  two.model.answer({ pieces: [words('Take your time.')], silentMs: 200, staysOpen: true });
  const leaving = new AbortController();
  const newer = ask(two.apps[0], caller, {
    lastWords: 'The first, no wait',
    sentAt: 2_000_000_000_500,
    signal: leaving.signal,
  });
  newer.catch(() => {});
  await expect.poll(() => two.model.asked.length).toBe(2);

  two.model.answer(reserve(0));
  for (const app of two.apps) {
    expect(await ask(app, caller, { lastWords: 'The first', sentAt: 2_000_000_000_000 })).toBe('');
  }
  expect(two.model.asked).toHaveLength(2);
  leaving.abort();
  await two.model.quiet();
  const { state } = await callRecord(two.apps[0].sql, two.apps[0].organization.id, caller.callSid);
  expect(state?.step).toBe('check_avail');
});

test('a newer request ends the older one’s words and model, though nobody has hung up on it', async () => {
  await using two = await startTwo();
  const caller = await offered(two);
  two.model.answer({ pieces: [words('Take your time.')], staysOpen: true });
  const older = ask(two.apps[0], caller, { lastWords: 'The first', sentAt: 1_795_500_000_000 });
  await expect.poll(() => two.model.open).toBe(1);
  two.model.answer(reserve(0));
  const newer = await ask(two.apps[0], caller, { lastWords: 'The first one', sentAt: 1_795_500_000_500 });
  expect(newer).toMatch(/holding/);
  expect(await older).not.toMatch(/holding|sorry/);
  await two.model.quiet();
});

test('a request sent again, word for word, hears the same result', async () => {
  await using two = await startTwo();
  const caller = await offered(two);
  two.model.answer(reserve(0));
  const request = { lastWords: 'The first one', sentAt: 1_795_500_000_000 };
  const first = await ask(two.apps[0], caller, request);
  expect(await ask(two.apps[1], caller, request)).toBe(first);
  expect(await ask(two.apps[0], caller, { ...request, lastWords: 'The first one, please' })).toBe(first);
  const { history } = await callRecord(two.apps[0].sql, two.apps[0].organization.id, caller.callSid);
  expect(history.filter((row) => row.cause === 'slot claimed')).toHaveLength(1);
});

test('one wrong stamp strands no call: a little later the order of arrival counts again', async () => {
  await using two = await startTwo();
  const caller = await offered(two);
  two.model.answer(reserve(0));
  await ask(two.apps[0], caller, { lastWords: 'The first', sentAt: 4_000_000_000_000 });
  expect(await ask(two.apps[1], caller, { lastWords: 'The first one', sentAt: 1_795_500_000_000 })).toBe('');
  await wait(5_200);
  for (const app of two.apps)
    expect(await ask(app, caller, { lastWords: 'The first one', sentAt: 1_795_500_000_000 })).toMatch(
      /holding/,
    );
});
