import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { callRecord } from '#booking/call-record.ts';
import { createOpenAiModel } from '#model/openai.ts';
import { createLog } from '#telemetry/log.ts';
import { Caller, type RunningApp, spoken, startApp, vapiSecret } from '../running-app.ts';
import { type ModelStandIn, startModelStandIn, toolCalls, words } from '../stand-ins/language-model.ts';

/** Two processes on one ledger, and the model they both ask. */
interface Two extends AsyncDisposable {
  model: ModelStandIn;
  apps: [RunningApp, RunningApp];
}

async function startTwo(): Promise<Two> {
  await using opening = new AsyncDisposableStack();
  const model = opening.use(await startModelStandIn());
  const log = createLog({ level: 'silent', pretty: false });
  const parts = () => ({
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
  return caller;
}

test.each([5, 20, 60])(
  'six requests for one turn, five cut off, over two processes: one hold, one answer, no orphan (model after %i ms)',
  async (silentMs) => {
    await using two = await startTwo();
    const caller = await offered(two);
    two.model.answer(reserve(silentMs));
    const said = 'I would like the first one';
    let answer = '';
    for (let turn = 0; turn < 6; turn += 1) {
      const app = two.apps[turn % 2 === 0 ? 0 : 1];
      const lastWords = said
        .split(' ')
        .slice(0, turn + 1)
        .join(' ');
      const leaving = new AbortController();
      const asked = ask(app, caller, { lastWords, sentAt: 1_795_500_000_000 + turn, signal: leaving.signal });
      asked.catch(() => {});
      if (turn === 5) answer = await asked;
      else await wait(15 + 10 * turn);
      leaving.abort();
    }
    expect(answer).toMatch(/^I am holding .* for you/);
    const { history, state } = await callRecord(two.apps[0].sql, two.apps[0].organization.id, caller.callSid);
    expect(history.filter((row) => row.cause === 'slot claimed')).toHaveLength(1);
    expect(state?.step).toBe('reserve');
    await two.model.quiet();
  },
);

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
