import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LanguageModel } from '#model/language-model.ts';
import { Caller, demoKey, frames, type RunningApp, spoken, startApp, vapiSecret } from '../../running-app.ts';

let app: RunningApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app[Symbol.asyncDispose]());

function post(
  body: unknown,
  { path = '/vapi/chat/completions', headers = {} as Record<string, string> } = {},
) {
  return fetch(`${app.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${vapiSecret}`, ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
  });
}

function body(words = 'Hello, I need an appointment.'): object {
  const caller = new Caller(app);
  caller.history.push({ role: 'user', content: words });
  return caller.body();
}

describe('the stream', () => {
  test('has the form Vapi demands, read byte by byte', async () => {
    const response = await post(body());
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      for (const byte of chunk) text += decoder.decode(Uint8Array.of(byte), { stream: true });
    }
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    const read = frames(text);
    expect(read[0]?.choices[0]?.delta).toEqual({ role: 'assistant' });
    expect(new Set(read.map((frame) => frame.id)).size).toBe(1);
    expect(
      read.every((frame) => frame.choices.length === 1 && frame.object === 'chat.completion.chunk'),
    ).toBe(true);
    expect(read.map((frame) => frame.choices[0]?.finish_reason).filter(Boolean)).toEqual(['stop']);
    expect(read.at(-1)?.choices[0]).toEqual({ index: 0, delta: {}, finish_reason: 'stop' });
    expect(spoken(text)).toMatch(/day/i);
  });

  test('satisfies the openai client, streamed and not', async () => {
    const client = new OpenAI({ apiKey: vapiSecret, baseURL: `${app.url}/vapi`, maxRetries: 0 });
    const asked = { model: 'receptionist', messages: [{ role: 'user' as const, content: 'Hello.' }] };
    const call = { call: { id: 'openai-client', assistantId: 'demo-clinic' } };
    const streamed = await client.chat.completions.stream({ ...asked, ...call }).finalChatCompletion();
    expect(streamed.choices[0]?.message.content).toMatch(/day/i);
    const whole = await client.chat.completions.create({ ...asked, ...call, stream: false });
    expect(whole.choices[0]?.message).toMatchObject({
      role: 'assistant',
      content: expect.stringMatching(/day/i),
    });
    expect(whole.choices[0]?.finish_reason).toBe('stop');
  });

  test('relays a tool of the platform as a tool call', async () => {
    const caller = new Caller(app);
    for (const words of ['Next Friday, please.', 'The first one.', 'Yes, this is Ann Miller.'])
      await caller.say(words);
    caller.history.push({ role: 'user', content: 'No, thank you. Goodbye.' });
    const read = frames(await (await caller.post()).text());
    const calls = read.flatMap((frame) => frame.choices[0]?.delta.tool_calls ?? []);
    expect(calls).toEqual([
      expect.objectContaining({ index: 0, type: 'function', function: { name: 'endCall', arguments: '{}' } }),
    ]);
    expect(read.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls');
  });

  test('opens the conversation when nobody has said anything yet', async () => {
    const response = await post({
      messages: [{ role: 'system', content: 'x' }],
      call: { assistantId: 'demo-clinic' },
    });
    expect(spoken(await response.text())).toMatch(/thank you for calling/i);
  });
});

test('a listener who reads slowly makes the model wait, and misses nothing', async () => {
  const words = 'and on '.repeat(4_000);
  const deltas = 1_000;
  let given = 0;
  const model: LanguageModel = {
    name: 'without end',
    async *stream() {
      for (; given < deltas; given += 1) {
        await setImmediate();
        yield { type: 'text', text: words };
      }
      yield { type: 'finish', reason: 'stop' };
    },
  };
  await using talkative = await startApp({ model });
  const asked = request(`${talkative.url}/vapi/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${vapiSecret}` },
  });
  asked.end(JSON.stringify(body()));
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let before = -1;
  // Whatever lies between the two is full when nothing more is said.
  while (before !== given) {
    before = given;
    await delay(300);
  }
  expect(given).toBeLessThan(deltas);
  expect(spoken(await text(response))).toHaveLength(deltas * words.length);
});

describe('the paths', () => {
  test.each([
    '/vapi/chat/completions',
    '/vapi/v1/chat/completions',
    '/vapi/chat/completions/chat/completions',
    '/vapi/v1/chat/completions/chat/completions',
  ])('%s answers a turn, and a GET with nothing', async (path) => {
    expect(spoken(await (await post(body(), { path })).text())).not.toBe('');
    const probe = await fetch(`${app.url}${path}`);
    expect([probe.status, await probe.text()]).toEqual([200, '']);
  });
});

describe('who is calling', () => {
  test.each([
    ['a bearer token', { authorization: `Bearer ${vapiSecret}` }],
    ['the bare secret', { authorization: vapiSecret }],
    ['our own header', { authorization: '', 'x-holdline-key': vapiSecret }],
    ["Vapi's header", { authorization: '', 'x-vapi-secret': vapiSecret }],
    ["the organization's own key", { authorization: `bearer ${demoKey}` }],
  ])('is let in with %s', async (_name, headers) => {
    expect((await post(body(), { headers })).status).toBe(200);
  });

  test.each([
    ['nothing', { authorization: '' }],
    ['a wrong secret', { authorization: 'Bearer wrong-but-long-enough' }],
    ['a part of the secret', { authorization: `Bearer ${vapiSecret.slice(0, -1)}` }],
    ['an empty bearer', { authorization: 'Bearer ' }],
  ])('is refused with %s', async (_name, headers) => {
    const response = await post(body(), { headers });
    expect(response.status).toBe(401);
    expect(await response.text()).toMatch(/secret is missing or wrong/);
  });

  test('opens only its own organization with an organization’s key, whatever the call says', async () => {
    const asked = {
      messages: [{ role: 'user', content: 'Hello.' }],
      call: { id: 'x', assistantId: 'somebody-else' },
    };
    const mine = await post(asked, { headers: { authorization: `Bearer ${demoKey}` } });
    expect(spoken(await mine.text())).toMatch(/day/i);
    const unknown = await post(asked);
    expect(unknown.status).toBe(200);
    expect(spoken(await unknown.text())).toMatch(/not set up/);
  });

  test('is found by the dialled number as well as by the assistant', async () => {
    const asked = {
      messages: [{ role: 'user', content: 'Hello.' }],
      call: { id: 'by-number' },
      phoneNumber: { number: '+15550100000' },
    };
    expect(spoken(await (await post(asked)).text())).toMatch(/day/i);
  });
});

describe('bad input', () => {
  test.each([
    ['no JSON', '{"messages": [', /not JSON/],
    ['nothing', '', /not JSON/],
    ['a JSON text', '"hello"', /messages/],
    ['null', 'null', /messages/],
    ['no messages', '{}', /messages/],
    ['messages that are no list', '{"messages": "hello"}', /messages/],
  ])('%s is a 400 with the reason', async (_name, given, reason) => {
    const response = await post(given);
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(reason);
  });

  test.each([
    [
      'numbers for texts',
      { messages: [{ role: 'user', content: 7 }], call: { id: 7, assistantId: 'demo-clinic' } },
    ],
    ['messages that are no objects', { messages: [null, 1, 'x', []], call: { assistantId: 'demo-clinic' } }],
    ['tools that are no tools', { messages: [], tools: [1, {}, null], call: { assistantId: 'demo-clinic' } }],
    [
      'parts instead of text',
      {
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello.' }, { type: 'x' }] }],
        call: { assistantId: 'demo-clinic' },
      },
    ],
    [
      'an answer to a call nobody made',
      {
        messages: [
          { role: 'tool', tool_call_id: 'x', content: 'y' },
          { role: 'user', content: 'Hi' },
        ],
        call: { assistantId: 'demo-clinic' },
      },
    ],
    [
      'a call that is a text',
      { messages: [{ role: 'user', content: 'Hi' }], call: 'x', assistant: { id: 'demo-clinic' } },
    ],
  ])('%s are answered with words', async (_name, given) => {
    const response = await post(given);
    expect(response.status).toBe(200);
    expect(spoken(await response.text())).not.toBe('');
  });

  test('two megabytes are handled, ten are refused, and the door stays open', async () => {
    const long = (megabytes: number) => ({
      messages: [{ role: 'user', content: `Hello. ${'x'.repeat(megabytes * 1024 * 1024)}` }],
      call: { assistantId: 'demo-clinic' },
    });
    expect((await post(long(2))).status).toBe(200);
    expect((await post(long(10))).status).toBe(413);
    const deep = `{"messages":[],"x":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    expect([200, 400]).toContain((await post(deep)).status);
    expect((await post(Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d))).status).toBe(400);
    expect((await post(body())).status).toBe(200);
  });
});
