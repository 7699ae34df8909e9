import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { callRecord } from '#console/call-record.ts';
import type { LanguageModel, ModelRequest } from '#model/language-model.ts';
import { createRehearsalModel } from '#model/rehearsal/rehearsal.ts';
import { inTenant } from '#storage/postgres.ts';
import { redisServer } from '../../redis-server.ts';
import { demoKey, startApp, twilioAccount, vapiSecret } from '../../running-app.ts';
import { RelayCaller, twilioSignature } from '../../stand-ins/relay.ts';
import { handshakeStatus } from '../../stand-ins/socket-line.ts';

const patience = { timeout: 10_000, interval: 20 };
const publicUrl = 'https://holdline.example';
const signed = {
  'x-twilio-signature': twilioSignature(twilioAccount.authToken, 'wss://holdline.example/twilio/relay'),
};

/** The rehearsal model at a pace that can be interrupted, and what it was asked. */
const asked: ModelRequest[] = [];
const rehearsal = createRehearsalModel({ msBetweenDeltas: 2 });
let answering: LanguageModel = rehearsal;
const model: LanguageModel = {
  name: 'rehearsal',
  stream(request, signal) {
    asked.push(request);
    return answering.stream(request, signal);
  },
};

/** A model that calls one tool, whatever it hears. */
function calls(name: string, args: Record<string, unknown>): LanguageModel {
  return {
    name: 'one tool',
    async *stream() {
      yield { type: 'text', text: 'One moment. ' };
      yield { type: 'tool-call', id: 'call_1', name, arguments: args };
      yield { type: 'finish', reason: 'tool_calls' };
    },
  };
}

let app: Awaited<ReturnType<typeof startApp>>;
beforeAll(async () => {
  app = await startApp({ model, twilio: twilioAccount });
});
afterAll(() => app[Symbol.asyncDispose]());

async function calling({
  model: answers = rehearsal,
  direction = 'inbound',
}: {
  model?: LanguageModel;
  direction?: string;
} = {}): Promise<RelayCaller> {
  answering = answers;
  onTestFinished(() => {
    answering = rehearsal;
  });
  const numbers = direction === 'inbound' ? {} : { number: '+15550100000', dialled: '+12125550142' };
  const caller = new RelayCaller(app, { headers: signed, ...numbers });
  await caller.connect({ direction });
  return caller;
}

const record = ({ callSid }: RelayCaller) => callRecord(app.sql, app.organization.id, callSid);
const types = ({ line }: RelayCaller) => line.received.map(({ type }) => type);

describe('a call on the relay', () => {
  test('is greeted, books, says goodbye after its words, and ends', async () => {
    await using caller = new RelayCaller(app, { headers: signed });
    expect(await caller.connect()).toMatch(/^Thank you for calling/);
    await caller.say('Next Tuesday in the afternoon, please.');
    expect(await caller.say('The first one, please.')).toMatch(/holding/i);
    expect(await caller.say('Yes please, my name is Ann Miller.')).toMatch(/booked/i);
    expect(types(caller)).not.toContain('end');
    await caller.say('No, that is all. Goodbye.');
    expect(await caller.line.next(({ type }) => type === 'end')).toEqual({ type: 'end' });
    await caller.hangUp();
    expect((await record(caller)).appointments).toMatchObject([
      { status: 'booked', patient: { name: 'Ann Miller', phone: '+12125550142' } },
    ]);
    await vi.waitFor(async () => expect((await record(caller)).state?.endedAt).not.toBeNull(), patience);
  });

  test('greeted by the platform, is not greeted again, and the greeting is in the history', async () => {
    await using caller = new RelayCaller(app, { headers: signed });
    await caller.connect({ greeted: true });
    await caller.say('Hello there.');
    expect(asked.at(-1)?.messages.slice(1)).toEqual([
      { role: 'assistant', content: expect.stringMatching(/^Thank you for calling/) },
      { role: 'user', content: 'Hello there.' },
    ]);
  });

  test('text tokens are not last until the turn is finished', async () => {
    await using caller = await calling();
    const before = caller.line.received.length;
    await caller.say('Hello there.');
    const tokens = caller.line.received.slice(before);
    expect(tokens.length).toBeGreaterThan(2);
    expect(tokens.map(({ last }) => last)).toEqual([...tokens.slice(1).map(() => false), true]);
  });

  test('interrupted, keeps of our words what was heard, and says no more of them', async () => {
    await using caller = await calling();
    caller.line.send({ type: 'prompt', voicePrompt: 'Next Tuesday, please.', lang: 'en-US', last: true });
    const begun = await caller.line.next(({ type, last }) => type === 'text' && last === false, 1);
    const heard = String(begun['token']).split(' ').slice(0, 3).join(' ');
    caller.line.send({
      type: 'interrupt',
      utteranceUntilInterrupt: heard,
      durationUntilInterruptMs: '460',
    });
    caller.line.send({ type: 'prompt', voicePrompt: 'Wednesday, I mean.', lang: 'en-US', last: true });
    await vi.waitFor(
      () => expect(asked.at(-1)?.messages.at(-1)?.content).toBe('Wednesday, I mean.'),
      patience,
    );
    const [, ...history] = asked.at(-1)?.messages ?? [];
    expect(history.slice(1)).toEqual([
      { role: 'user', content: 'Next Tuesday, please.' },
      { role: 'assistant', content: heard },
      { role: 'user', content: 'Wednesday, I mean.' },
    ]);
  });

  test('a caller who talks before a word was heard has said one thing', async () => {
    await using caller = await calling();
    caller.line.send({ type: 'prompt', voicePrompt: 'Next Tuesday', lang: 'en-US', last: true });
    caller.line.send({ type: 'prompt', voicePrompt: 'after lunch, please.', lang: 'en-US', last: true });
    await caller.hear();
    const [, ...history] = asked.at(-1)?.messages ?? [];
    expect(history.slice(1)).toEqual([{ role: 'user', content: 'Next Tuesday after lunch, please.' }]);
  });

  test('an interruption before the goodbye was spoken keeps the call', async () => {
    await using caller = await calling();
    caller.line.send({ type: 'prompt', voicePrompt: 'That is all, goodbye.', lang: 'en-US', last: true });
    await caller.line.next(({ type, last }) => type === 'text' && last === true, 1);
    caller.line.send({ type: 'interrupt', utteranceUntilInterrupt: 'Good', durationUntilInterruptMs: 90 });
    caller.speaks('off');
    await caller.hear();
    expect(await caller.say('Wait, next Tuesday, please.')).toMatch(/tuesday/i);
    expect(types(caller)).not.toContain('end');
  });

  test('keys up to a pause or # are one entry', async () => {
    await using caller = await calling();
    await caller.say('Next Tuesday, please.');
    for (const digit of ['1', '#']) caller.line.send({ type: 'dtmf', digit });
    expect(await caller.hear()).toMatch(/holding/i);
    for (const digit of ['2', '1', '2']) caller.line.send({ type: 'dtmf', digit });
    await caller.hear();
    expect(asked.at(-1)?.messages.at(-1)?.content).toBe("User's Keypad Entry: 212");
  });

  test('partial words fetch the day they name, and take no turn', async () => {
    await using caller = await calling();
    const turns = asked.length;
    for (const voicePrompt of ['in', 'in three weeks', 'I want an appointment on 2026-12-15 please']) {
      caller.line.send({ type: 'prompt', voicePrompt, lang: 'en-US', last: false });
    }
    await caller.say('Hello there.');
    expect(asked).toHaveLength(turns + 1);
  });

  test('a caller who wants a person is handed over, with the reason, after the words', async () => {
    await setHuman('+15550100999');
    await vi.waitFor(async () => {
      await using caller = await calling();
      await caller.say('I want to talk to a person, please.');
      const end = await caller.line.next(({ type }) => type === 'end');
      expect(JSON.parse(String(end['handoffData']))).toMatchObject({ reasonCode: 'live-agent-handoff' });
    }, patience);
  });

  test('cut and back: the history goes on, the hold is known, nobody is greeted', async () => {
    await using caller = await calling();
    await caller.say('Next Tuesday, please.');
    await caller.say('The first one, please.');
    caller.line.cut();
    await using back = new RelayCaller(app, { headers: signed, callSid: caller.callSid });
    await back.connect({ greeted: true });
    expect(await back.say('Yes please, my name is Ann Miller.')).toMatch(/booked/i);
    expect(back.line.received[0]).toMatchObject({
      token: expect.not.stringMatching(/Thank you for calling/),
    });
    expect((await record(caller)).history.filter(({ toStep }) => toStep === 'reserve')).toHaveLength(1);
  });

  test('what was said in it is kept for a next connection, and no longer once it is over', async () => {
    await using caller = await calling();
    const kept = async () => {
      const { tenantId, callSid } = { tenantId: app.organization.id, callSid: caller.callSid };
      return Promise.all(['said', 'carried'].map((what) => app.store.get(`${what}:${tenantId}:${callSid}`)));
    };
    await caller.say('Next Tuesday, please.');
    expect(await kept()).toEqual([expect.stringContaining('Next Tuesday'), expect.any(String)]);
    await caller.hangUp();
    await vi.waitFor(async () => expect(await kept()).toEqual([undefined, undefined]), patience);
  });

  test('a number nobody knows is told so, and the session ends', async () => {
    await using caller = new RelayCaller(app, { headers: signed, dialled: '+15550109999' });
    expect(await caller.connect()).toMatch(/number|clinic|sorry/i);
    expect(await caller.line.next(({ type }) => type === 'end')).toEqual({ type: 'end' });
  });

  test('a look-alike with an organization’s key and without a caller’s number', async () => {
    await using caller = new RelayCaller(app, { key: demoKey, number: null, dialled: '+442071838750' });
    expect(await caller.connect()).toMatch(/^Thank you for calling/);
    expect(await caller.say('Next Tuesday, please.')).toMatch(/tuesday/i);
  });

  test('a platform’s complaint and a setup said twice change nothing', async () => {
    await using caller = await calling();
    caller.line.send({ type: 'error', description: 'Invalid message received' });
    caller.line.send({ type: 'setup', callSid: caller.callSid, from: '+1', to: '+1' });
    caller.line.send({ type: 'interrupt' });
    caller.line.send({ type: 'prompt' });
    expect(await caller.say('Next Tuesday, please.')).toMatch(/tuesday/i);
  });

  test('another language is said to the platform before the words in it', async () => {
    const { id } = app.organization;
    await inTenant(app.sql, id, (tx) => tx`update organizations set languages = '{en,es}' where id = ${id}`);
    await vi.waitFor(async () => {
      const inSpanish = calls('check_availability', { date: 'mañana', language: 'es' });
      await using caller = await calling({ model: inSpanish });
      const from = caller.line.received.length;
      expect(await caller.say('¿Tiene algo mañana?')).toMatch(/^One moment\. .+/);
      const [, language, spoken] = caller.line.received.slice(from);
      expect(language).toEqual({
        type: 'language',
        ttsLanguage: 'es-ES',
        transcriptionLanguage: 'es-ES',
      });
      expect(spoken).toMatchObject({ type: 'text', token: expect.stringMatching(/\w/) });
    }, patience);
  });

  test('who is called by us may be behind a menu: keys are pressed; who calls us has none', async () => {
    const pressing = calls('dtmf', { dtmf: '12#x' });
    await using called = await calling({ model: pressing, direction: 'outbound-api' });
    await called.say('For appointments, press one two.');
    expect(await called.line.next(({ type }) => type === 'sendDigits')).toEqual({
      type: 'sendDigits',
      digits: '12#',
    });
    await using caller = await calling({ model: pressing });
    await caller.say('Press one two.');
    expect(types(caller)).not.toContain('sendDigits');
  });

  redisServer.describe('that comes back at another process', () => {
    test('goes on with what was said at the first', async () => {
      const server = await redisServer.start();
      onTestFinished(() => server[Symbol.asyncDispose]());
      await using one = await startApp({ redisUrl: server.url, twilio: twilioAccount });
      await using other = await startApp({
        redisUrl: server.url,
        ledgerUrl: one.ledgerUrl,
        model,
        twilio: twilioAccount,
      });
      await using caller = new RelayCaller(one, { headers: signed });
      await caller.connect();
      await caller.say('Next Tuesday, please.');
      await caller.say('The first one, please.');
      await using back = new RelayCaller(other, { headers: signed, callSid: caller.callSid });
      await back.connect({ greeted: true });
      expect(await back.say('Yes please, my name is Ann Miller.')).toMatch(/booked/i);
      expect(asked.at(-1)?.messages.filter(({ role }) => role === 'user')).toHaveLength(3);
    });
  });
});

describe('who may open the relay', () => {
  test('Twilio by its signature, or whoever has an organization’s key', async () => {
    const url = `${app.url}/twilio/relay`;
    expect(await handshakeStatus(url, signed)).toBe(101);
    expect(await handshakeStatus(url)).toBe(403);
    expect(await handshakeStatus(url, { 'x-twilio-signature': 'bm9uZQ==' })).toBe(403);
    const elsewhere = twilioSignature(twilioAccount.authToken, 'wss://elsewhere.example/twilio/relay');
    expect(await handshakeStatus(url, { 'x-twilio-signature': elsewhere })).toBe(403);
    expect(await handshakeStatus(`${url}/${demoKey}`)).toBe(101);
    expect(await handshakeStatus(`${url}/wrong`)).toBe(401);
    expect(await handshakeStatus(`${url}/${vapiSecret}`)).toBe(401);
  });
});

describe('the requests around a session', () => {
  const call = {
    CallSid: 'CA1',
    From: '+12125550142',
    To: '+15550100000',
    Direction: 'inbound',
    CallStatus: 'ringing',
  };

  test('an incoming call is connected to the relay with the greeting', async () => {
    const { status, type, text } = await post('/twilio/voice', call);
    expect([status, type]).toEqual([200, 'text/xml; charset=utf-8']);
    expect(text).toContain('<Connect action="https://holdline.example/twilio/after">');
    expect(text).toContain('<ConversationRelay url="wss://holdline.example/twilio/relay"');
    expect(text).toMatch(/welcomeGreeting="Thank you for calling[^"]*" language="en-US"/);
    expect(text).toContain('<Parameter name="greeted" value="yes"/>');
  });

  test('a number nobody knows is told so', async () => {
    const { status, text } = await post('/twilio/voice', { ...call, To: '+15550109999' });
    expect(status).toBe(200);
    expect(text).toMatch(/<Say>.+<\/Say><Hangup\/>/);
  });

  test('without Twilio’s signature nothing is answered', async () => {
    expect((await post('/twilio/voice', call, 'bm9uZQ==')).status).toBe(403);
    expect((await post('/twilio/after', call, 'bm9uZQ==')).status).toBe(403);
    const forOther = twilioSignature(twilioAccount.authToken, `${publicUrl}/twilio/voice`, {
      ...call,
      To: '+1',
    });
    expect((await post('/twilio/voice', call, forOther)).status).toBe(403);
  });

  test('after a hand-off the organization’s own number is dialled', async () => {
    await setHuman('+15550100999');
    const handoff = { ...call, HandoffData: '{"reasonCode":"live-agent-handoff","number":"+19005550000"}' };
    await vi.waitFor(
      async () => expect((await post('/twilio/after', handoff)).text).toContain('<Dial>+15550100999</Dial>'),
      patience,
    );
    await setHuman(null);
    await vi.waitFor(
      async () => expect((await post('/twilio/after', handoff)).text).toMatch(/<Say>.+<\/Say><Hangup\/>/),
      patience,
    );
  });

  test('after a broken session the call is connected again, without a greeting, twice at most', async () => {
    const failed = { ...call, SessionStatus: 'failed' };
    const first = await post('/twilio/after', failed);
    expect(first.text).toContain('reconnects=1');
    expect(first.text).not.toContain('welcomeGreeting');
    expect((await post('/twilio/after?reconnects=2', failed)).text).toContain('<Hangup/>');
    expect((await post('/twilio/after', { ...call, SessionStatus: 'ended' })).text).toContain('<Hangup/>');
    expect((await post('/twilio/after', { ...call, HandoffData: 'no json' })).text).toContain('<Hangup/>');
  });

  async function post(path: string, fields: Record<string, string>, signature?: string) {
    const response = await fetch(`${app.url}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-twilio-signature':
          signature ?? twilioSignature(twilioAccount.authToken, `${publicUrl}${path}`, fields),
      },
      body: new URLSearchParams(fields),
    });
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      text: await response.text(),
    };
  }
});

async function setHuman(number: string | null): Promise<void> {
  const { id } = app.organization;
  await inTenant(app.sql, id, (tx) => tx`update organizations set human_number = ${number} where id = ${id}`);
  await delay(50);
}
