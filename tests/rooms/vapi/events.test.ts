import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callRecord } from '#console/call-record.ts';
import type { ErrorAnswer } from '#http/error-answer.ts';
import { inTenant } from '#storage/postgres.ts';
import { demoKey, type RunningApp, startApp, vapiSecret } from '../../running-app.ts';

let app: RunningApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app[Symbol.asyncDispose]());

/** Whatever an answer may hold; which of it is there is what the tests are about. */
interface Answer {
  error: string;
  assistantId: string;
  assistant: {
    model: { provider: string; url: string; headers: Record<string, string> };
    server: { url: string };
  };
  assistantOverrides: { variableValues: object };
  destination: object;
  message: { content: string };
  timeoutSeconds: number;
  result: string;
  results: [ToolAnswer, ...ToolAnswer[]];
}

interface ToolAnswer {
  toolCallId: string;
  result: string;
  error: string;
  message?: { type: string; content: string };
}

async function answerOf(response: Response): Promise<Answer> {
  return (await response.json()) as Answer;
}

async function send(message: object, { path = '/vapi/events', key = vapiSecret } = {}) {
  const response = await fetch(`${app.url}${path}`, {
    method: 'POST',
    headers: { 'x-vapi-secret': key, 'content-type': 'application/json' },
    body: JSON.stringify({ message }),
  });
  return { status: response.status, body: await answerOf(response) };
}

/** A call of the demo clinic, as Vapi spells it. */
function call(id: string = randomUUID(), number = '+12125550142') {
  return {
    id,
    type: 'inboundPhoneCall',
    status: 'ringing',
    assistantId: 'demo-clinic',
    customer: { number },
  };
}

const record = (callSid: string) => callRecord(app.sql, app.organization.id, callSid);

function openDate(): string {
  const day = new Date(Date.now() + 5 * 86_400_000);
  while (day.getUTCDay() % 6 === 0) day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 10);
}

describe('every kind of message', () => {
  test.each<[string, object]>([
    ['conversation-update', { messagesOpenAIFormatted: [{ role: 'user', content: 'Hello' }], messages: [] }],
    ['transcript', { role: 'user', transcriptType: 'partial', transcript: 'Hel' }],
    ['transcript[transcriptType="final"]', { role: 'user', transcript: 'Hello' }],
    ['speech-update', { status: 'started', role: 'user', turn: 0 }],
    ['speech-update', { status: 'stopped', role: 'assistant', turn: 0 }],
    ['model-output', { output: 'Hello', turnId: 'a' }],
    ['user-interrupted', { turnId: 'a' }],
    ['hang', {}],
    ['voice-input', { input: 'Hello' }],
    ['status-update', { status: 'queued' }],
    ['status-update', { status: 'ringing' }],
    ['status-update', { status: 'in-progress' }],
    ['status-update', { status: 'forwarding', destination: { type: 'number', number: '+12125550100' } }],
    ['status-update', { status: 'ended', endedReason: 'customer-ended-call' }],
    ['end-of-call-report', { endedReason: 'customer-ended-call', analysis: {}, artifact: { messages: [] } }],
    ['transfer-update', { destination: { type: 'number', number: '+12125550100' } }],
    ['phone-call-control', { request: 'hang-up' }],
    ['language-change-detected', { language: 'es' }],
    ['language-changed', { language: 'es' }],
    ['assistant.started', { newAssistant: {} }],
    ['assistant.speechStarted', { text: 'Hello', turn: 0, source: 'model' }],
    ['chat.created', { chat: {} }],
    ['session.deleted', { session: {} }],
    ['call.deleted', {}],
    ['campaign.predial', {}],
    ['something-new', { anything: [1, 2, 3] }],
  ])('%s needs no answer and gets one at once', async (type, fields) => {
    expect(await send({ type, timestamp: Date.now(), call: call(), ...fields })).toEqual({
      status: 200,
      body: {},
    });
  });

  test('those that want an answer get one of the shape they want', async () => {
    const about = { call: call() };
    expect((await send({ type: 'knowledge-base-request', messages: [], ...about })).body).toEqual({
      documents: [],
    });
    const { body } = await send({ type: 'call.endpointing.request', ...about });
    expect(body.timeoutSeconds).toBeGreaterThanOrEqual(0);
    expect(
      (await send({ type: 'handoff-destination-request', parameters: {}, ...about })).body.error,
    ).toMatch(/hand/);
    expect((await send({ type: 'voice-request', text: 'Hello', sampleRate: 16_000 })).body.error).toMatch(
      /voice/,
    );
  });

  test.each([
    ['no JSON', 'message'],
    ['no object', '7'],
    ['no message', '{"type":"hang"}'],
    ['a message that is no object', '{"message":[]}'],
  ])('%s is refused with a reason', async (_, body) => {
    const response = await fetch(`${app.url}/vapi/events`, {
      method: 'POST',
      headers: { 'x-vapi-secret': vapiSecret },
      body,
    });
    expect(response.status).toBe(400);
    expect(((await response.json()) as ErrorAnswer).error.message).toMatch(/body/);
  });

  test('without the secret nothing is told', async () => {
    expect((await send({ type: 'hang' }, { key: 'wrong' })).status).toBe(401);
    expect((await send({ type: 'hang' }, { key: 'wrong', path: '/tools/booking-handler' })).status).toBe(401);
  });
});

describe('which assistant answers', () => {
  test('is the organization’s own, with the values of the moment', async () => {
    const { body } = await send({
      type: 'assistant-request',
      call: { ...call(), assistantId: null },
      phoneNumber: { number: '+15550100000' },
    });
    expect(body.assistantId).toBe('demo-clinic');
    expect(body.assistantOverrides.variableValues).toMatchObject({ tenantTimezone: 'America/New_York' });
  });

  test('is made for the call where there is none, and its key opens that organization', async () => {
    await using other = await startApp();
    await inTenant(
      other.sql,
      other.organization.id,
      (tx) => tx`delete from organization_addresses where kind = 'assistant'`,
    );
    const ask = () =>
      fetch(`${other.url}/vapi/events`, {
        method: 'POST',
        headers: { 'x-vapi-secret': vapiSecret },
        body: JSON.stringify({
          message: {
            type: 'assistant-request',
            call: { id: randomUUID() },
            phoneNumber: { number: '+15550100000' },
          },
        }),
      }).then(answerOf);
    await expect.poll(async () => (await ask()).assistant?.model.provider).toBe('custom-llm');
    const { assistant } = await ask();
    expect(assistant.model.url).toBe('https://holdline.example/vapi');
    expect(assistant.server.url).toBe('https://holdline.example/vapi/events');
    expect(JSON.stringify(assistant)).not.toContain(vapiSecret);
    const response = await fetch(`${other.url}/vapi/chat/completions`, {
      method: 'POST',
      headers: assistant.model.headers,
      body: JSON.stringify({ stream: false, messages: [], call: { id: randomUUID() } }),
    });
    expect(await response.text()).toContain('the demo clinic');
  });

  test('is nobody for a number nobody knows: the caller hears a sentence', async () => {
    const { status, body } = await send({
      type: 'assistant-request',
      call: { id: randomUUID() },
      phoneNumber: { number: '+19995550100' },
    });
    expect(status).toBe(200);
    expect(body).toEqual({ error: expect.stringMatching(/not set up/) });
  });
});

describe('a call’s life', () => {
  test('starts once, whichever messages say so', async () => {
    const about = call();
    await Promise.all(
      ['queued', 'ringing', 'in-progress', 'in-progress'].map((status) =>
        send({ type: 'status-update', status, call: about }),
      ),
    );
    await send({ type: 'assistant.started', call: about });
    await expect.poll(async () => (await record(about.id)).state?.step).toBe('greeting');
    const { history } = await record(about.id);
    expect(history.map((row) => row.cause)).toEqual(['call started']);
  });

  test('ends once, however often it is told', async () => {
    const about = call();
    await send({ type: 'status-update', status: 'in-progress', call: about });
    await expect.poll(async () => (await record(about.id)).state?.step).toBe('greeting');
    await send({ type: 'status-update', status: 'ended', endedReason: 'customer-ended-call', call: about });
    const first = (await record(about.id)).state?.endedAt;
    expect(first).toBeInstanceOf(Date);
    await send({ type: 'end-of-call-report', endedReason: 'customer-ended-call', call: about });
    const { state } = await record(about.id);
    expect(state).toMatchObject({ step: 'greeting', endedAt: first });
  });

  test('that broke off is a failed one, with its reason', async () => {
    const about = call();
    await send({ type: 'status-update', status: 'in-progress', call: about });
    await expect.poll(async () => (await record(about.id)).state?.step).toBe('greeting');
    const endedReason = 'pipeline-error-custom-llm-500-server-error';
    await send({ type: 'end-of-call-report', endedReason, call: about });
    expect((await record(about.id)).state?.step).toBe('failed');
  });
});

describe('where to transfer', () => {
  test('is the organization’s human', async () => {
    const { body } = await send({ type: 'transfer-destination-request', call: call() });
    expect(body.destination).toEqual({ type: 'number', number: '+15550100001' });
    expect(body.message.content).toMatch(/connect/);
  });

  test('is nowhere for an organization nobody knows', async () => {
    const { body } = await send({ type: 'transfer-destination-request', call: { id: randomUUID() } });
    expect(body).toEqual({ error: expect.stringMatching(/call you back/) });
  });
});

describe.each(['/vapi/events', '/tools/booking-handler'])('tool calls at %s', (path) => {
  const args = () => ({ date: openDate() });
  const shapes: [string, (id: string, name: string, args: object) => object][] = [
    [
      'nested, arguments an object',
      (id, name, given) => ({
        toolCallList: [{ id, type: 'function', function: { name, arguments: given } }],
      }),
    ],
    [
      'nested, arguments in a string',
      (id, name, given) => ({
        toolCallList: [{ id, type: 'function', function: { name, arguments: JSON.stringify(given) } }],
      }),
    ],
    ['flat, arguments', (id, name, given) => ({ toolCallList: [{ id, name, arguments: given }] })],
    ['flat, parameters', (id, name, given) => ({ toolCallList: [{ id, name, parameters: given }] })],
    [
      'only the older list',
      (id, name, given) => ({ toolCallList: [], toolCalls: [{ id, function: { name, arguments: given } }] }),
    ],
    [
      'only wrapped, the name inside',
      (id, name, given) => ({
        toolWithToolCallList: [{ type: 'function', toolCall: { id, function: { name, arguments: given } } }],
      }),
    ],
    [
      'only wrapped, the name outside',
      (id, name, given) => ({ toolWithToolCallList: [{ name, toolCall: { id, parameters: given } }] }),
    ],
  ];

  test.each(shapes)('are read %s', async (_, shape) => {
    const message = { type: 'tool-calls', call: call(), ...shape('call_1', 'check_availability', args()) };
    const { status, body } = await send(message, { path });
    expect(status).toBe(200);
    expect(body.results).toHaveLength(1);
    expect(body.results[0]).toMatchObject({ toolCallId: 'call_1', name: 'check_availability' });
    expect(body.results[0].result).not.toContain('\n');
    expect(JSON.parse(body.results[0].result)).toMatchObject({ success: true, date: args().date });
    expect(body.results[0]).not.toHaveProperty('message');
  });

  test('are answered in their order, each under its own id', async () => {
    const calls = [
      { id: 'toolu_b', name: 'check_availability', arguments: args() },
      { id: 'call_a', name: 'reserve_slot', arguments: { slotId: 'slot_1' } },
    ];
    const { body } = await send({ type: 'tool-calls', call: call(), toolCallList: calls }, { path });
    expect(body.results.map((one) => one.toolCallId)).toEqual(['toolu_b', 'call_a']);
    expect(JSON.parse(body.results[1]?.result ?? '')).toMatchObject({ success: true, slotId: 'slot_1' });
  });

  test.each<[string, object]>([
    ['arguments that are no JSON', { name: 'check_availability', arguments: '{"date":' }],
    ['arguments of another shape', { name: 'check_availability', arguments: { day: 7 } }],
    ['no arguments', { name: 'reserve_slot' }],
    ['a tool nobody has', { name: 'order_pizza', arguments: {} }],
    ['no name', {}],
  ])('with %s are answered with what is wrong', async (_, given) => {
    const { status, body } = await send(
      { type: 'tool-calls', call: call(), toolCallList: [{ id: 'call_1', ...given }] },
      { path },
    );
    expect(status).toBe(200);
    expect(JSON.parse(body.results[0].result)).toMatchObject({ success: false, reason: 'bad_arguments' });
    expect(body.results[0].toolCallId).toBe('call_1');
  });

  test('without a call, or for nobody’s organization, are answered with an error', async () => {
    const toolCallList = [{ id: 'call_1', name: 'check_availability', arguments: args() }];
    const nameless = await send({ type: 'tool-calls', toolCallList }, { path });
    expect(nameless.body.results[0].error).toMatch(/no call/);
    const stranger = await send({ type: 'tool-calls', toolCallList, call: { id: randomUUID() } }, { path });
    expect(stranger.body.results[0].error).toMatch(/nobody knows/);
  });

  test('of a key reach that key’s organization, whatever the call says', async () => {
    const toolCallList = [{ id: 'call_1', name: 'check_availability', arguments: args() }];
    const { body } = await send(
      { type: 'tool-calls', toolCallList, call: { id: randomUUID(), assistantId: 'another-clinic' } },
      { path, key: demoKey },
    );
    expect(JSON.parse(body.results[0].result).success).toBe(true);
  });
});

test('the older form with one function is answered in its own way', async () => {
  const functionCall = { name: 'check_availability', parameters: { date: openDate() } };
  const { body } = await send({ type: 'function-call', functionCall, call: call() });
  expect(JSON.parse(body.result).success).toBe(true);
});

test('a body without a type that has tool calls in it is one', async () => {
  const toolCallList = [
    { id: '1', function: { name: 'check_availability', arguments: { date: openDate() } } },
  ];
  const { body } = await send({ toolCallList, call: call() });
  expect(JSON.parse(body.results[0].result).success).toBe(true);
});

test('where the platform’s own model speaks, the sentence comes with the result', async () => {
  await using other = await startApp();
  await inTenant(other.sql, other.organization.id, (tx) => tx`update organizations set model = 'platform'`);
  const about = call();
  const run = (name: string, given: object) =>
    fetch(`${other.url}/vapi/events`, {
      method: 'POST',
      headers: { 'x-vapi-secret': vapiSecret },
      body: JSON.stringify({
        message: { type: 'tool-calls', call: about, toolCallList: [{ id: '1', name, arguments: given }] },
      }),
    })
      .then(answerOf)
      .then(({ results }) => results[0]);
  await expect
    .poll(async () => (await run('check_availability', { date: openDate() })).message?.content)
    .toMatch(/Which would you like/);
  expect((await run('check_availability', { date: openDate() })).message).toMatchObject({
    type: 'request-complete',
    role: 'assistant',
  });
  expect((await run('reserve_slot', { slotId: 'slot_99' })).message?.type).toBe('request-failed');
});
