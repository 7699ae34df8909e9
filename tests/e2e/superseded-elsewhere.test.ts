import { expect, test } from 'vitest';
import { callRecord } from '#console/call-record.ts';
import { redisServer } from '../redis-server.ts';
import { Caller, demoKey, spoken, vapiSecret } from '../running-app.ts';
import {
  done,
  finish,
  type ModelStandIn,
  type Reply,
  startModelStandIn,
  toolCalls,
  toolPiece,
  words,
} from '../stand-ins/language-model.ts';
import { RetellCaller } from '../stand-ins/retell.ts';
import { startTwoServers, type TwoServers } from '../two-servers.ts';

interface Line extends AsyncDisposable {
  model: ModelStandIn;
  two: TwoServers;
  caller: Caller;
}

/** A caller who was offered times by the first of two processes. */
async function openLine(): Promise<Line> {
  await using opening = new AsyncDisposableStack();
  const model = opening.use(await startModelStandIn());
  const two = opening.use(await startTwoServers({ modelUrl: model.baseUrl }));
  const caller = new Caller(two.servers[0]);
  model.answer(toolCalls(['check_availability', { date: openDate() }]));
  expect(await caller.say('When are you free?')).toMatch(/would you like/);
  const opened = opening.move();
  return { model, two, caller, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function openDate(): string {
  const day = new Date(Date.now() + 5 * 86_400_000);
  while (day.getUTCDay() % 6 === 0) day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 10);
}

/** Talks for as long as `seconds`, and then does what is given. */
function talk(seconds: number, ...then: object[]): Reply {
  const everyMs = 50;
  const count = (seconds * 1_000) / everyMs;
  const pieces = Array.from({ length: count }, (_, index) => words(`w${index} `));
  return { pieces: [...pieces, ...then, finish('stop'), done], everyMs };
}

/** An answer that is being heard, by somebody who does not hang up. */
interface Hearing {
  /** Resolves when something has been heard. */
  begun: Promise<void>;
  /** Everything that was heard, frames and end. */
  whole: Promise<string>;
}

function ask({ caller, two }: Line, server: 0 | 1, lastWords: string): Hearing {
  const begun = Promise.withResolvers<void>();
  const whole = (async () => {
    const response = await fetch(`${two.servers[server].url}/vapi/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${vapiSecret}` },
      body: JSON.stringify({
        ...caller.body(),
        messages: [...caller.history, { role: 'user', content: lastWords }],
      }),
    });
    let text = '';
    for await (const piece of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      text += piece;
      if (spoken(text) !== '') begun.resolve();
    }
    return text;
  })();
  whole.catch(begun.reject);
  return { begun: begun.promise, whole };
}

async function claims({ two, caller }: Line): Promise<number> {
  const { history } = await callRecord(two.sql, two.organization.id, caller.callSid);
  return history.filter((row) => row.cause === 'slot claimed').length;
}

redisServer.describe('a newer request on another process', () => {
  test('ends the older one’s words and model, though nobody hangs up on it', async () => {
    await using line = await openLine();
    line.model.answer(talk(20));
    const older = ask(line, 0, 'The first');
    await older.begun;
    line.model.answer(talk(1));
    const newer = ask(line, 1, 'The first one');
    const heard = await older.whole;
    expect(spoken(heard)).not.toContain('w100 ');
    expect(heard.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(
      spoken(await newer.whole)
        .trim()
        .split(' '),
    ).toHaveLength(20);
    await line.model.quiet();
    // And back: now the first process is the one that takes the call over.
    line.model.answer(talk(20));
    const older2 = ask(line, 1, 'The first one, please');
    await older2.begun;
    line.model.answer(toolCalls(['reserve_slot', { slotId: 'slot_1' }]));
    expect(spoken(await ask(line, 0, 'The first one, please, if I may').whole)).toMatch(/^I am holding/);
    expect(spoken(await older2.whole)).not.toMatch(/w100 |holding|sorry/);
    await line.model.quiet();
    expect(await claims(line)).toBe(1);
  });

  test('on a socket, too: the older connection’s words end, and are said to be complete', async () => {
    await using line = await openLine();
    const [first, second] = line.two.servers;
    await using before = new RetellCaller(first, { key: demoKey });
    await before.connect();
    line.model.answer(talk(20));
    before.transcript.push({ role: 'user', content: 'Hello?' });
    const older = before.ask('response_required');
    await expect.poll(() => before.wordsOf(older).length, { timeout: 5_000 }).toBeGreaterThan(1);
    await using back = new RetellCaller(second, { key: demoKey, callSid: before.callSid });
    await back.connect();
    line.model.answer(talk(1));
    const newer = back.say('Are you there?');
    expect(await before.answer(older)).not.toContain('w100 ');
    expect((await newer).trim().split(' ')).toHaveLength(20);
    await line.model.quiet();
  });

  test('with the store gone both are answered, nothing breaks, and only the newer one’s tool is run', async () => {
    await using line = await openLine();
    const late = toolPiece(0, { id: 'late', name: 'reserve_slot', arguments: '{"slotId":"slot_2"}' });
    line.model.answer(talk(3, late));
    const older = ask(line, 0, 'The second');
    await older.begun;
    await line.two.redis.kill();
    line.model.answer(toolCalls(['reserve_slot', { slotId: 'slot_1' }]));
    const newer = ask(line, 1, 'No, the first one');
    expect(spoken(await newer.whole)).toMatch(/^I am holding/);
    const heard = spoken(await older.whole);
    expect(heard).toContain('w59 ');
    expect(heard).not.toMatch(/holding|sorry/);
    await line.model.quiet();
    expect(await claims(line)).toBe(1);
    for (const { url } of line.two.servers) expect((await fetch(`${url}/health`)).status).toBe(200);
  });
});
