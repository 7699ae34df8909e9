import { describe, expect, test } from 'vitest';
import { callRecord } from '#console/call-record.ts';
import { createOpenAiModel } from '#model/openai.ts';
import { createLog } from '#telemetry/log.ts';
import { Caller, frames, type RunningApp, startApp } from '../../running-app.ts';
import {
  done,
  finish,
  type ModelStandIn,
  type Reply,
  startModelStandIn,
  toolCalls,
  toolPiece,
  words,
} from '../../stand-ins/language-model.ts';

interface Line extends AsyncDisposable {
  model: ModelStandIn;
  app: RunningApp;
  caller: Caller;
}

/** A caller, Holdline, and a model that does what the test says. */
async function openLine(): Promise<Line> {
  await using opening = new AsyncDisposableStack();
  const model = opening.use(await startModelStandIn());
  const log = createLog({ level: 'silent', pretty: false });
  const app = opening.use(
    await startApp({
      model: createOpenAiModel({ apiKey: 'none', model: 'stand-in', baseUrl: model.baseUrl, log }),
    }),
  );
  const opened = opening.move();
  return { model, app, caller: new Caller(app), [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** A weekday the demo clinic is open on, within its three weeks. */
function openDate(): string {
  const day = new Date(Date.now() + 5 * 86_400_000);
  while (day.getUTCDay() % 6 === 0) day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 10);
}

const check = () => toolCalls(['check_availability', { date: openDate() }]);

test('a tool is run in process and its result spoken without a second pass', async () => {
  await using line = await openLine();
  line.model.answer(check());
  expect(await line.caller.say('When are you free?')).toMatch(/in the (morning|afternoon)|doctor/i);
  expect(line.model.asked).toHaveLength(1);
});

test('a booking takes three passes for three turns, and is in the ledger', async () => {
  await using line = await openLine();
  const { model, caller, app } = line;
  model.answer(
    check(),
    toolCalls(['reserve_slot', { slotId: 'slot_1' }]),
    toolCalls(['send_sms_reminder', { appointmentDetails: { patientName: 'Ann Miller' } }]),
  );
  await caller.say('When are you free?');
  expect(await caller.say('The first one.')).toMatch(/holding/i);
  expect(await caller.say('Yes, Ann Miller.')).toMatch(/booked/i);
  expect(model.asked).toHaveLength(3);
  const { appointments } = await callRecord(app.sql, app.organization.id, caller.callSid);
  expect(appointments).toMatchObject([{ status: 'booked', patient: { name: 'Ann Miller' } }]);
});

test('what a tool returned is told to the model in the next turn', async () => {
  await using line = await openLine();
  line.model.answer(check(), { pieces: [words('Take your time.'), finish('stop'), done] });
  await line.caller.say('When are you free?');
  await line.caller.say('Let me think.');
  const [system, ...others] = line.model.asked[1]?.body.messages ?? [];
  expect(String(system?.content)).toMatch(/slot_1/);
  expect(others.map((message) => message.role)).not.toContain('system');
});

test('the list of tools is the same bytes in every turn', async () => {
  await using line = await openLine();
  line.model.answer({ pieces: [words('Hello.'), finish('stop'), done] });
  await line.caller.say('Hello?');
  await line.caller.say('Hello again?');
  const [first, second] = line.model.asked.map(({ body }) => JSON.stringify(body.tools));
  expect(second).toBe(first);
});

test('two of our tools in one pass are answered by exactly one more', async () => {
  await using line = await openLine();
  line.model.answer(
    toolCalls(['check_availability', { date: openDate() }], ['check_availability', { date: openDate() }]),
    { pieces: [words('Either works.'), finish('stop'), done] },
  );
  expect(await line.caller.say('This day or that?')).toBe('Either works.');
  expect(line.model.asked).toHaveLength(2);
  expect(line.model.asked[1]?.body.messages.filter(({ role }) => role === 'tool')).toHaveLength(2);
});

test('what was offered in this breath cannot be held in this breath', async () => {
  await using line = await openLine();
  line.model.answer(
    toolCalls(['check_availability', { date: openDate() }], ['reserve_slot', { slotId: 'slot_1' }]),
    { pieces: [words('Which one?'), finish('stop'), done] },
  );
  await line.caller.say('Anything that day.');
  const { state } = await callRecord(line.app.sql, line.app.organization.id, line.caller.callSid);
  expect(state?.step).toBe('check_avail');
});

test('a tool of the platform is handed to it, after the words before it', async () => {
  await using line = await openLine();
  line.model.answer({
    pieces: [
      words('Goodbye.'),
      toolPiece(0, { id: 'end', name: 'endCall', arguments: '{}' }),
      finish('tool_calls'),
      done,
    ],
  });
  line.caller.history.push({ role: 'user', content: 'Bye.' });
  const told = frames(await (await line.caller.post()).text()).map((frame) => frame.choices[0]);
  const said = told.findIndex((choice) => choice?.delta.content === 'Goodbye.');
  const handed = told.findIndex((choice) => choice?.delta.tool_calls?.[0]?.function.name === 'endCall');
  expect(said).toBeGreaterThan(0);
  expect(handed).toBeGreaterThan(said);
  expect(told.at(-1)?.finish_reason).toBe('tool_calls');
});

test('a caller who hangs up ends the model’s stream', async () => {
  await using line = await openLine();
  line.model.answer({ silentMs: Number.POSITIVE_INFINITY });
  const leaving = new AbortController();
  line.caller.history.push({ role: 'user', content: 'Hello?' });
  const asked = line.caller.post(leaving.signal).then((response) => response.text());
  asked.catch(() => {});
  while (line.model.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  leaving.abort();
  await line.model.asked[0]?.left;
});

describe('a model that fails', () => {
  test.each<[string, Reply]>([
    ['refuses', { status: 401 }],
    ['hangs up', { pieces: [words('Well ')], hangUp: true }],
    ['sends garbage', { pieces: ['data: nonsense\n\n'] }],
    ['says nothing', { pieces: [finish('stop'), done] }],
    [
      'calls a tool with arguments cut off',
      { pieces: [toolPiece(0, { name: 'reserve_slot', arguments: '{"sl' })] },
    ],
  ])('and %s leaves the caller with a sentence, not with an error', async (_, reply) => {
    await using line = await openLine();
    line.model.answer(reply);
    line.caller.history.push({ role: 'user', content: 'Hello?' });
    const response = await line.caller.post();
    const body = await response.text();
    expect(response.status).toBe(200);
    expect(
      frames(body)
        .map((frame) => frame.choices[0]?.delta.content ?? '')
        .join(''),
    ).toMatch(/\w+ \w+/);
    expect(frames(body).at(-1)?.choices[0]?.finish_reason).toBe('stop');
    expect(body.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  test('after a tool has run: what it brought about is said all the same', async () => {
    await using line = await openLine();
    const id = JSON.stringify({ date: openDate() });
    line.model.answer({
      pieces: [
        toolPiece(0, { id: 'a', name: 'check_availability', arguments: id }),
        toolPiece(1, { id: 'b', name: 'endCall', arguments: '{"un' }),
      ],
      hangUp: true,
    });
    expect(await line.caller.say('When are you free?')).toMatch(/doctor/i);
  });

  test('calling a tool that nobody has is no fault of the caller’s', async () => {
    await using line = await openLine();
    line.model.answer(toolCalls(['reserve_slot', { slot: 7 }]));
    expect(await line.caller.say('Hello?')).toMatch(/\w+ \w+/);
  });
});
