import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mutations } from '../mutations.ts';
import { Caller, type RunningApp, startApp, vapiSecret } from '../running-app.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let app: RunningApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app[Symbol.asyncDispose]());

const call = {
  id: 'call-1',
  type: 'inboundPhoneCall',
  assistantId: 'demo-clinic',
  customer: { number: '+12125550142' },
};
const tool = {
  type: 'function',
  function: { name: 'endCall', description: 'Ends.', parameters: { type: 'object', properties: {} } },
};
const toolCall = {
  id: 'a',
  type: 'function',
  function: { name: 'check_availability', arguments: '{"date":"next Tuesday"}' },
};

const chat = {
  model: 'holdline',
  stream: true,
  temperature: 0.5,
  timestamp: 1_795_500_000_000,
  messages: [
    { role: 'system', content: 'You answer.' },
    { role: 'assistant', content: null, tool_calls: [toolCall] },
    { role: 'tool', tool_call_id: 'a', content: 'No result returned.' },
    { role: 'user', content: [{ type: 'text', text: 'Next Tuesday, please.' }] },
  ],
  tools: [tool],
  call: { ...call, monitor: { controlUrl: 'https://x.vapi.ai/call-1/control' } },
  customer: { number: '+12125550142' },
  phoneNumber: { id: 'p', number: '+15550100000' },
  metadata: { numUserTurns: 1 },
};

const messages = [
  { type: 'tool-calls', call, toolCallList: [toolCall, { ...toolCall, id: 'b' }] },
  {
    type: 'tool-calls',
    call,
    toolCalls: [{ id: 'a', name: 'reserve_slot', parameters: { slotId: 'slot_1' } }],
  },
  {
    type: 'tool-calls',
    call,
    toolWithToolCallList: [
      {
        name: 'send_sms_reminder',
        toolCall: {
          id: 'a',
          arguments: {
            phone: '+12125550142',
            appointmentDetails: { patientName: 'Ann', email: 'a@example.com' },
          },
        },
      },
    ],
  },
  {
    type: 'tool-calls',
    call,
    toolCallList: [{ id: 'a', name: 'find_appointments', arguments: { patientName: 'Ann' } }],
  },
  {
    type: 'function-call',
    call,
    functionCall: { name: 'check_availability', parameters: { date: 'today' } },
  },
  {
    type: 'assistant-request',
    call: { ...call, assistantId: null },
    phoneNumber: { number: '+15550100000' },
  },
  { type: 'status-update', status: 'in-progress', call },
  { type: 'status-update', status: 'ended', endedReason: 'customer-ended-call', call },
  {
    type: 'end-of-call-report',
    endedReason: 'pipeline-error',
    call,
    artifact: { messages: [{ role: 'user', message: 'Hi' }] },
  },
  { type: 'speech-update', status: 'started', role: 'user', call },
  { type: 'transfer-destination-request', call },
];

const doors = [
  { path: '/vapi/chat/completions', bodies: [chat, { ...chat, stream: false }] },
  { path: '/vapi/v1/chat/completions/chat/completions', bodies: [chat] },
  { path: '/vapi/events', bodies: messages.map((message) => ({ message })) },
  { path: '/tools/booking-handler', bodies: messages.slice(0, 5).map((message) => ({ message })) },
];

const request = fc
  .constantFrom(...doors.flatMap(({ path, bodies }) => bodies.map((body) => ({ path, body }))))
  .chain(({ path, body }) =>
    fc.record({
      path: fc.constant(path),
      // Many calls, because the turns of one wait for each other.
      bytes: fc.nat(3_000).chain((id) => mutations(ofCall(body, id))),
    }),
  );

function ofCall(body: object, id: number): unknown {
  return JSON.parse(JSON.stringify(body).replaceAll('"call-1"', `"call-${id}"`));
}

async function send({
  path,
  bytes,
}: {
  path: string;
  bytes: Buffer;
}): Promise<{ status: number; text: string }> {
  const response = await fetch(`${app.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${vapiSecret}`, 'content-type': 'application/json' },
    body: new Uint8Array(bytes),
  });
  return { status: response.status, text: await response.text() };
}

const atOnce = 20;
const rounds = 500;

test('10,000 mutated bodies at every door: an answer each, never a fault of ours, and the memory stays flat', async () => {
  const heap: number[] = [];
  let sent = 0;
  const statuses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: atOnce, maxLength: atOnce }), async (requests) => {
      const answers = await Promise.all(requests.map(send));
      for (const { status, text } of answers) {
        statuses.add(status);
        expect([200, 400, 413]).toContain(status);
        if (status !== 200) expect(text).toMatch(/error/);
        if (text.startsWith('data:')) expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
      }
      sent += requests.length;
      if (sent % 2_000 === 0) {
        collectGarbage();
        heap.push(process.memoryUsage().heapUsed / 2 ** 20);
      }
    }),
    { numRuns: rounds, endOnFailure: true },
  );
  expect(sent).toBe(atOnce * rounds);
  expect([...statuses].sort()).toEqual([200, 400]);
  // After the first two thousand everything that is kept is there: what grows on is a leak.
  expect((heap.at(-1) ?? 0) - (heap[0] ?? 0)).toBeLessThan(30);

  const caller = new Caller(app);
  await caller.say('Next Tuesday, please.');
  expect(await caller.say('The first one, please.')).toMatch(/holding/i);
}, 300_000);

test.each([
  ['a body of 2 MB', Buffer.from(JSON.stringify({ ...chat, padding: 'x'.repeat(2 * 2 ** 20) })), [200]],
  ['a body above the limit', Buffer.alloc(6 * 2 ** 20, 0x20), [413]],
  ['an empty body', Buffer.alloc(0), [400]],
])('%s is answered', async (_, bytes, statuses) => {
  expect(statuses).toContain((await send({ path: '/vapi/chat/completions', bytes })).status);
});
