import { describe, expect, test } from 'vitest';
import { readChatRequest } from '#vapi/chat-request.ts';

function read(body: object) {
  const answer = readChatRequest(Buffer.from(JSON.stringify({ messages: [], ...body })));
  if (!answer.ok) throw new Error(answer.problem);
  return answer.request;
}

describe('which call it is', () => {
  test.each<[string, object, object]>([
    [
      'everything at the top',
      {
        customer: { number: '+12125550142' },
        phoneNumber: { id: 'p', number: '+15550100000' },
        call: { id: 'c', assistantId: 'a' },
      },
      {
        callSid: 'c',
        caller: '+12125550142',
        addresses: { assistantId: 'a', phoneNumberId: 'p', dialled: '+15550100000' },
      },
    ],
    [
      'everything in the call',
      {
        call: {
          callId: 'c',
          customer: { number: '+12125550142' },
          phoneNumberId: 'p',
          phoneNumber: { number: '+15550100000' },
          assistant: { id: 'a' },
        },
      },
      {
        callSid: 'c',
        caller: '+12125550142',
        addresses: { assistantId: 'a', phoneNumberId: 'p', dialled: '+15550100000' },
      },
    ],
    ['a web call', { call: { id: 'c', type: 'webCall' } }, { callSid: 'c', caller: null }],
    ['a withheld number', { call: { id: 'c' }, customer: { number: 'anonymous' } }, { caller: null }],
    ['a SIP name', { call: { id: 'c' }, customer: { sipUri: 'sip:ann@example.com' } }, { caller: null }],
    ['nothing', {}, { callSid: undefined, caller: null }],
    ['an id nobody could keep', { call: { id: 'x'.repeat(201) } }, { callSid: undefined }],
    ['an id with a control character', { call: { id: 'a\u0000b' } }, { callSid: undefined }],
    [
      'fields of other types',
      { call: 7, customer: [], phoneNumber: 'x', tools: {}, model: 1 },
      { callSid: undefined, platformTools: [], model: 'holdline' },
    ],
  ])('is read from %s', (_, body, facts) => {
    expect(read(body)).toMatchObject(facts);
  });

  test('the control url is taken from the call', () => {
    const monitor = { controlUrl: 'https://x.vapi.ai/c/control' };
    expect(read({ call: { id: 'c', monitor } }).controlUrl).toBe(monitor.controlUrl);
  });
});

describe('what was said', () => {
  const user = (content: unknown) => ({ role: 'user', content });

  test('comes as text, as parts, or not at all', () => {
    const messages = [
      user('Hello'),
      user([{ type: 'text', text: 'I am' }, { type: 'image_url' }, { type: 'text', text: 'Ann' }]),
      user(null),
      user(''),
      { role: 'assistant', content: null },
      'nonsense',
    ];
    expect(read({ messages }).history).toEqual([user('Hello'), user('I am Ann')]);
  });

  test('leaves out tool calls nobody answered and answers nobody asked for', () => {
    const call = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } });
    const messages = [
      { role: 'assistant', content: '', tool_calls: [call('a'), call('b')] },
      { role: 'tool', tool_call_id: 'a', content: 'No result returned.' },
      { role: 'tool', tool_call_id: 'z', content: 'of another call' },
    ];
    expect(read({ messages }).history).toEqual([
      { role: 'assistant', content: null, tool_calls: [call('a')] },
      { role: 'tool', tool_call_id: 'a', content: 'No result returned.' },
    ]);
  });

  test('takes a key that was pressed once for one turn, though the platform says it twice', () => {
    const key = user("User's Keypad Entry: 2");
    expect(read({ messages: [key, key] }).history).toEqual([key]);
    expect(read({ messages: [key, { role: 'assistant', content: 'Two?' }, key] }).history).toHaveLength(3);
    expect(read({ messages: [key, user("User's Keypad Entry: 1")] }).history).toHaveLength(2);
    expect(read({ messages: [user('Yes'), user('Yes')] }).history).toHaveLength(2);
  });
});

test.each<[unknown, string | null]>([
  [1_795_500_000_000, '2026-11-24T06:00:00.000Z'],
  [1_795_500_000_000.25, '2026-11-24T06:00:00.000Z'],
  ['2026-11-24T06:00:00.000Z', '2026-11-24T06:00:00.000Z'],
  [undefined, null],
  [0, null],
  [Number.MAX_VALUE, null],
  ['soon', null],
  [{}, null],
])('a request stamped %o was sent at %s', (timestamp, at) => {
  expect(read({ timestamp }).requestedAt?.toISOString() ?? null).toBe(at);
});
