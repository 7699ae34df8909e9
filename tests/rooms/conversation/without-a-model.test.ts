import { expect, test } from 'vitest';
import { callRecord } from '#console/call-record.ts';
import { createOpenAiModel } from '#model/openai.ts';
import { withSecondChoice } from '#model/second-choice.ts';
import { createLog } from '#telemetry/log.ts';
import { Caller, frames, type RunningApp, startApp } from '../../running-app.ts';
import {
  done,
  finish,
  type ModelStandIn,
  type Reply,
  startModelStandIn,
  toolCalls,
  words,
} from '../../stand-ins/language-model.ts';

const log = createLog({ level: 'silent', pretty: false });

interface Line extends AsyncDisposable {
  model: ModelStandIn;
  app: RunningApp;
  caller: Caller;
}

async function openLine(reply: Reply): Promise<Line> {
  await using opening = new AsyncDisposableStack();
  const model = opening.use(await startModelStandIn());
  model.answer(reply);
  const first = createOpenAiModel({ apiKey: 'none', model: 'stand-in', baseUrl: model.baseUrl, log });
  const app = opening.use(await startApp({ model: withSecondChoice({ first, firstDeltaMs: 300, log }) }));
  const opened = opening.move();
  return { model, app, caller: new Caller(app), [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

const silent: Reply = { silentMs: Number.POSITIVE_INFINITY };
const hello: Reply = { pieces: [words('Hello.'), finish('stop'), done] };
const sayAgain = /say it again/;
const menu = /trouble understanding right now.*next free times.*Please say which/;

/** What the caller hears, and where the platform is to connect them. */
async function hear(caller: Caller, said: string): Promise<{ text: string; transferTo: string | undefined }> {
  caller.history.push({ role: 'user', content: said });
  const response = await caller.post();
  expect(response.status).toBe(200);
  const all = frames(await response.text()).map((frame) => frame.choices[0]);
  const text = all.map((choice) => choice?.delta.content ?? '').join('');
  const [call] = all.flatMap((choice) => choice?.delta.tool_calls ?? []);
  caller.history.push({ role: 'assistant', content: text });
  return { text, transferTo: call && (JSON.parse(call.function.arguments).destination as string) };
}

test('a model that stays silent: once a question, then the open times, then a human', async () => {
  await using line = await openLine(silent);
  line.caller.tools = ['transferCall'];
  expect((await hear(line.caller, 'Hello?')).text).toMatch(sayAgain);
  const second = await hear(line.caller, 'Hello?');
  expect(second.text).toMatch(menu);
  expect(second.text).toMatch(/connect you with a colleague/);
  expect(second.transferTo).toBeUndefined();
  const third = await hear(line.caller, 'The first one.');
  expect(third).toEqual({ text: expect.stringMatching(/connect you/), transferTo: '+15550100001' });
  await line.model.quiet();
});

test('where the platform brought no transfer, none is promised and none is made', async () => {
  await using line = await openLine(silent);
  const turns = [];
  for (const said of ['Hello?', 'Hello?', 'Hello?']) turns.push(await hear(line.caller, said));
  expect(turns.every(({ transferTo }) => transferTo === undefined)).toBe(true);
  expect(turns.every(({ text }) => !/colleague/.test(text))).toBe(true);
  expect(turns[2]?.text).toMatch(menu);
});

test('the times of the menu are offered: a model that is back can hold one', async () => {
  await using line = await openLine(silent);
  await hear(line.caller, 'Hello?');
  expect((await hear(line.caller, 'Hello?')).text).toMatch(menu);
  line.model.answer(toolCalls(['reserve_slot', { slotId: 'slot_1' }]));
  expect((await hear(line.caller, 'The first one.')).text).toMatch(/holding/);
  const { state } = await callRecord(line.app.sql, line.app.organization.id, line.caller.callSid);
  expect(state?.step).toBe('reserve');
});

test('one good turn in between, and the next failure is a first one again', async () => {
  await using line = await openLine(silent);
  expect((await hear(line.caller, 'Hello?')).text).toMatch(sayAgain);
  line.model.answer(hello);
  expect((await hear(line.caller, 'Hello?')).text).toBe('Hello.');
  line.model.answer(silent);
  expect((await hear(line.caller, 'Hello?')).text).toMatch(sayAgain);
});

test.each([
  ['Let me see', 'Let me see. I am sorry'],
  ['Let me see.', 'Let me see. I am sorry'],
])('an error behind "%s" ends the sentence and apologises once', async (begun, heard) => {
  await using line = await openLine({ pieces: [words(begun)], hangUp: true });
  const { text } = await hear(line.caller, 'Hello?');
  expect(text.startsWith(heard)).toBe(true);
  expect(text.match(/sorry/g)).toHaveLength(1);
});

test('a tool the request did not bring is never called', async () => {
  await using line = await openLine({ ...toolCalls(['transferCall', { destination: '+19995550100' }]) });
  const { text, transferTo } = await hear(line.caller, 'Connect me.');
  expect(transferTo).toBeUndefined();
  expect(text).toMatch(sayAgain);
});

test('each tool turn makes one request at the model', async () => {
  await using line = await openLine(toolCalls(['check_availability', { date: 'next Tuesday' }]));
  const turns: [string, Reply][] = [
    ['When are you free?', toolCalls(['check_availability', { date: 'next Tuesday' }])],
    ['The first.', toolCalls(['reserve_slot', { slotId: 'slot_1' }])],
    ['Yes.', toolCalls(['send_sms_reminder', { appointmentDetails: { patientName: 'Ann Miller' } }])],
    ['Another one.', toolCalls(['check_availability', { date: 'next Thursday' }])],
    ['Cancel the first.', toolCalls(['find_appointments', { patientName: 'Ann Miller' }])],
    ['That one.', toolCalls(['cancel_appointment', { appointmentId: 'appointment_1' }])],
  ];
  for (const [index, [said, reply]] of turns.entries()) {
    line.model.answer(reply);
    await hear(line.caller, said);
    expect(line.model.asked).toHaveLength(index + 1);
  }
  const { appointments } = await callRecord(line.app.sql, line.app.organization.id, line.caller.callSid);
  expect(appointments).toMatchObject([{ status: 'cancelled' }]);
});
