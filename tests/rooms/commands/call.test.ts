import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { scriptedCaller } from '#commands/call/caller.ts';
import { type CallEvent, playCall } from '#commands/call/conversation.ts';
import { openDoor } from '#commands/call/open-door.ts';
import { parseScenario } from '#commands/call/scenario.ts';
import { judge } from '#commands/call/verdict.ts';
import { type CallOptions, call, callCommand } from '#commands/call.ts';
import type { CallRecord } from '#console/call-record.ts';
import { key, scriptedServer } from './scripted-server.ts';

const turns = Array.from({ length: 20 }, (_, index) => ({
  number: index + 1,
  at: new Date(),
  firstWordMs: 3,
  toolMs: index === 0 ? 12.4 : null,
  tools: index === 0 ? ['check_availability'] : [],
}));
const nothing: CallRecord = { state: undefined, history: [], appointments: [], texts: [], turns };
const slotId = '2026-11-24T19:00:00Z/lee';
const booked: CallRecord = {
  ...nothing,
  state: { step: 'booked', slotId, expiresAt: null, endedAt: null },
  history: [{ at: new Date(), fromStep: 'confirm_sms', toStep: 'booked', slotId, cause: 'confirmed' }],
  appointments: [
    { id: 'a1', slotId, startsAt: new Date(), status: 'booked', patient: { name: 'Ann Miller' } },
  ],
  texts: [{ number: '+15550100103', wording: 'confirmation', status: 'recorded' }],
};

const bookingAnswers = [
  'On Tuesday I have two in the afternoon with Doctor Lee. Would that suit you?',
  'I am holding Tuesday at two for you. What name shall I book it under?',
  'You are booked for Tuesday at two, Ann Miller. Is there anything else?',
  { say: 'Goodbye.', tool: 'endCall' },
];

test('a call is sent as Vapi sends it, with the history as spoken and counters that rise', async () => {
  await using server = await scriptedServer(bookingAnswers);
  const { exitCode } = await run({ url: server.url }, booked);

  expect(exitCode).toBe(0);
  const [first, second, , last] = server.bodies;
  expect(first.messages).toMatchObject([
    { role: 'system' },
    { role: 'assistant', content: 'thank you for calling the Demo Clinic. how can I help you?' },
    { role: 'user', content: "Hi, I'd like an appointment next Tuesday after lunch." },
  ]);
  expect(second.messages.at(3)).toEqual({
    role: 'assistant',
    content: 'on Tuesday I have two in the afternoon with Doctor Lee. would that suit you?',
  });
  expect(second.messages.at(4)).toEqual({ role: 'user', content: 'The first one, please.' });
  expect(server.bodies.map((body) => body.metadata)).toEqual(
    [1, 2, 3, 4].map((turn) => ({ numAssistantTurns: turn, numUserTurns: turn })),
  );
  expect(new Set(server.bodies.map((body) => body.call.id)).size).toBe(1);
  expect(last).toMatchObject({
    stream: true,
    call: { type: 'inboundPhoneCall', assistantId: 'demo-clinic' },
    customer: { number: '+15550100103' },
    phoneNumber: { number: '+15550100000' },
  });
  expect(last.call.monitor.controlUrl).toMatch(/^https:\/\/[a-z0-9.-]+\.vapi\.ai\/[0-9a-f-]{36}\/control$/);
  expect(last.tools.map((tool) => tool.function.name)).toEqual(['endCall', 'transferCall']);
});

test('the conversation, its times, the ledger’s rows and the verdict are printed', async () => {
  await using server = await scriptedServer(bookingAnswers);
  const { printed } = await run({ url: server.url }, booked);
  expect(printed).toMatch(/Holdline: Thank you for calling.*\nCaller: {3}Hi, .*\nHoldline: On Tuesday/);
  expect(printed).toMatch(/first word [\d.]+ ms, check_availability 12 ms/);
  expect(printed).toContain('the platform runs endCall {}');
  expect(printed).toContain('confirm_sms → booked, 2026-11-24T19:00:00Z/lee (confirmed)');
  expect(printed).toContain('2026-11-24T19:00:00Z/lee booked, Ann Miller');
  expect(printed).toContain('✓ an appointment was booked');
});

test('a call after which the ledger has no appointment fails', async () => {
  await using server = await scriptedServer(bookingAnswers);
  const { exitCode, printed } = await run({ url: server.url }, nothing);
  expect(exitCode).toBe(1);
  expect(printed).toContain('✗ no appointment was booked; expected: an appointment was booked');
});

test('a ledger that cannot be read fails the call, which is played all the same', async () => {
  await using server = await scriptedServer(bookingAnswers);
  const { exitCode, printed } = await run({ url: server.url }, undefined);
  expect(exitCode).toBe(1);
  expect(printed).toContain('You are booked for Tuesday');
  expect(printed).toContain('the ledger could not be read');
});

test('a violation of the stream’s form fails the call even when it booked', async () => {
  const raw = 'data: {"error":"oops"}\n\ndata: [DONE]\n\n';
  await using server = await scriptedServer([{ raw }, ...bookingAnswers]);
  const { exitCode, printed } = await run({ url: server.url }, booked);
  expect(exitCode).toBe(1);
  expect(printed).toContain('✗ turn 1: a frame has no choices array');
});

test('the hold of a caller who hangs up is what that scenario expects', async () => {
  await using server = await scriptedServer(bookingAnswers);
  const held = {
    ...nothing,
    state: { step: 'confirm_sms', slotId, expiresAt: new Date('2999-01-01'), endedAt: null },
  };
  const { exitCode, printed } = await run({ url: server.url, scenario: 'hangs-up-after-hold' }, held);
  expect(exitCode).toBe(0);
  expect(printed).toContain('(the caller hangs up)');
  expect(server.bodies).toHaveLength(2);
});

test('a hold that has ended does not count as kept', () => {
  const state = { step: 'confirm_sms', slotId, expiresAt: new Date('2026-11-24T10:00:00Z'), endedAt: null };
  const at = (now: string) =>
    judge({ ...nothing, state }, { expected: 'hold-kept', faults: 0, now: new Date(now) });
  expect(at('2026-11-24T09:59:59Z').met).toBe(true);
  expect(at('2026-11-24T10:00:00Z').met).toBe(false);
});

test('a cancelled appointment does not count as booked', () => {
  const appointments = booked.appointments.map((appointment) => ({ ...appointment, status: 'cancelled' }));
  expect(judge({ ...booked, appointments }, { expected: 'booked', faults: 0, now: new Date() }).met).toBe(
    false,
  );
});

test('a server that refuses the key, answers an error or does not listen is named with what to do', async () => {
  await using server = await scriptedServer(bookingAnswers);
  expect((await run({ url: server.url, key: 'wrong' }, nothing)).printed).toContain('refused the key (401)');
  await using broken = await scriptedServer([{ status: 500, raw: 'out of order' }]);
  expect((await run({ url: broken.url }, nothing)).printed).toContain(
    'answered 500, on which Vapi ends the call: out of order',
  );
  const { url } = server;
  await server[Symbol.asyncDispose]();
  const { exitCode, printed } = await run({ url }, nothing);
  expect(exitCode).toBe(1);
  expect(printed).toContain(`Nothing listens at ${url}. Start the server with "npm start"`);
});

test('a turn that does not end in time fails the call', async () => {
  await using server = await scriptedServer([{ say: 'One moment', open: true }]);
  const { exitCode, printed } = await run({ url: server.url }, nothing, { deadlineMs: 200 });
  expect(exitCode).toBe(1);
  expect(printed).toContain('The turn was not over after 0.2 s');
});

test('an answer that neither speaks nor calls a tool is a fault', async () => {
  await using server = await scriptedServer(['', ...bookingAnswers]);
  const { exitCode, printed } = await run({ url: server.url }, booked);
  expect(exitCode).toBe(1);
  expect(printed).toContain('the caller would hear silence');
});

test('an interruption breaks the request off and leaves only the words that were heard', async () => {
  await using server = await scriptedServer([
    { say: 'On Tuesday I have two in the afternoon', open: true },
    'Goodbye.',
  ]);
  const events = await play(
    server.url,
    'say: Tuesday please, interrupt: { afterWords: 3, say: "No, Wednesday." }',
  );
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'assistant', text: 'On Tuesday I', cut: true }),
  );
  await server.brokenOff;
  expect(server.bodies[1].messages.slice(-3)).toEqual([
    { role: 'user', content: 'Tuesday please' },
    { role: 'assistant', content: 'on Tuesday I' },
    { role: 'user', content: 'No, Wednesday.' },
  ]);
});

test('a caller who goes on before the answer is heard sends longer words in the same message', async () => {
  await using server = await scriptedServer([{ say: 'On Tuesday', open: true }, 'Goodbye.']);
  await play(server.url, 'say: Tuesday please, interrupt: { afterWords: 0, say: after lunch. }');
  expect(server.bodies[1].messages.at(-1)).toEqual({ role: 'user', content: 'Tuesday please after lunch.' });
  expect(server.bodies[1].metadata).toEqual({ numAssistantTurns: 1, numUserTurns: 1 });
});

test('a caller who hangs up into the answer breaks the request off', async () => {
  await using server = await scriptedServer([{ say: 'You are booked', open: true }]);
  const events = await play(server.url, 'say: "Yes", hangUp: true');
  expect(events.at(-1)).toEqual({ type: 'over', by: 'caller' });
  await server.brokenOff;
});

test('a call in which both sides go round in circles is cut off', async () => {
  await using server = await scriptedServer(Array.from({ length: 30 }, () => 'Pardon?'));
  const events = await play(server.url, 'say: Pardon?');
  expect(events.at(-1)).toEqual({ type: 'over', by: 'limit' });
  expect(server.bodies).toHaveLength(20);
});

test('a typed call sends what is typed, nothing on an empty line, and ends with the input', async () => {
  await using server = await scriptedServer(bookingAnswers);
  const { exitCode, printed } = await run({ url: server.url, type: true }, booked, {
    typed: 'Tuesday\n\n  four  \n',
  });
  expect(exitCode).toBe(0);
  expect(server.bodies.map((body) => body.messages.at(-1)?.content)).toEqual(['Tuesday', 'four']);
  expect(printed).toContain('Caller:   Tuesday\nHoldline: On Tuesday');
  expect(printed).toContain('(silence: the platform waits)');
  expect(printed).toContain('(the caller hangs up)');
});

test('with --json there is one document and nothing else', async () => {
  await using server = await scriptedServer(bookingAnswers);
  const { printed } = await run({ url: server.url, json: true }, booked);
  expect(JSON.parse(printed)).toMatchObject({
    scenario: 'happy-path',
    problems: [],
    record: { appointments: [{ status: 'booked' }] },
    verdict: { met: true },
  });
});

test.each([
  [['--number', '555'], /not a number of the form/],
  [['--url', 'somewhere'], /not a url of the form/],
  [['--secnario', 'x'], /unknown option/],
])('a mistyped command line is refused: %j', async (args, message) => {
  const errors: string[] = [];
  const command = callCommand(async () => 0)
    .exitOverride()
    .configureOutput({ writeErr: (line) => errors.push(line) });
  await expect(command.parseAsync(args, { from: 'user' })).rejects.toThrow();
  expect(errors.join('')).toMatch(message);
});

async function run(
  options: Partial<CallOptions>,
  record: CallRecord | undefined,
  { typed = '', deadlineMs }: { typed?: string; deadlineMs?: number } = {},
): Promise<{ exitCode: number; printed: string }> {
  const output = new PassThrough();
  const printing = text(output);
  const input = new PassThrough();
  input.end(typed);
  const exitCode = await call(
    { scenario: 'happy-path', number: '+15550100103', key, ...options },
    {
      input,
      output,
      openRows: async () => {
        if (!record) throw new Error('no database');
        return { read: async () => record, [Symbol.asyncDispose]: async () => {} };
      },
      ...(deadlineMs !== undefined && { deadlineMs }),
    },
  );
  output.end();
  return { exitCode, printed: await printing };
}

/** Plays a caller whose opening is followed by one rule for whatever is answered. */
async function play(url: string, line: string): Promise<CallEvent[]> {
  const rules = `[{ when: goodbye, hangUp: true }, { when: hello, ${line} }, { when: ".", say: Pardon? }]`;
  const scenario = parseScenario(`title: t\nopening: Hi.\nrules: ${rules}`, 'test.yaml');
  const caller = scriptedCaller({ ...scenario, name: 'test' });
  // The rule is what this caller opens with.
  await caller.answer('');
  const events: CallEvent[] = [];
  const about = { id: 'c1', customerNumber: '+15550100103', startedAt: new Date() };
  await using door = await openDoor('vapi', { url, key }, about);
  for await (const event of playCall({ door, caller, firstMessage: 'Hello.' })) events.push(event);
  return events;
}
