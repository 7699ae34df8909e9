import { expect, test } from 'vitest';
import { withDays } from '#commands/call/days-said.ts';
import { createFrameReader } from '#commands/call/frames.ts';
import { asHeard, History } from '#commands/call/history.ts';
import { parseScenario, readScenario, scenarioNames } from '#commands/call/scenario.ts';
import type { Schedule } from '#organization/organization.ts';
import { resolveDate } from '#tools/resolve-date.ts';
import { languages } from '../../languages.ts';

const role = chunk({ role: 'assistant' });
const words = chunk({ content: 'Zehn Uhr für Sie, Ännchen?' });
const stop = chunk({}, 'stop');
const done = 'data: [DONE]\n\n';
const endCall = { index: 0, id: 'c1', type: 'function', function: { name: 'endCall', arguments: '{' } };

test('every scenario on file can be read', async () => {
  const names = await scenarioNames();
  expect(names).toEqual([
    'changes-mind',
    'closed-day',
    'corrects-name-and-number',
    'emergency',
    'hangs-up-after-hold',
    'happy-path',
    'moves-and-cancels',
    'wrong-weekday',
    'yes-and-no-out-of-order',
  ]);
  for (const name of names) expect((await readScenario(name)).rules.length).toBeGreaterThan(2);
});

test('the wrong weekday of a scenario is one on every day of a year, and its right one is not', () => {
  const organization = { schedule: demoSchedule(), zone: 'America/New_York', practitioners: [] };
  for (let day = 0; day < 366; day += 1) {
    const now = new Date(Date.UTC(2026, 9, 1 + day, 15));
    const said = (text: string) =>
      resolveDate({ date: withDays(text, now), language: 'en', languages, now, organization });
    const wrong = said('{wrong weekday and date}');
    expect(wrong).toMatchObject({ ok: false, reason: 'mismatch' });
    const right = said('{weekday}');
    expect(right).not.toMatchObject({ reason: 'mismatch' });
    expect(right).toMatchObject({ date: 'date' in wrong ? wrong.date : 'none' });
  }
});

function demoSchedule(): Schedule {
  const open = [{ from: '09:00', to: '18:00' }];
  const weekly = { monday: open, tuesday: open, wednesday: open, thursday: open, friday: open };
  const minutes = { slotMinutes: 30, gridMinutes: 30, bufferMinutes: 0, minimumNoticeMinutes: 0 };
  return { weekly, specialDays: [], ...minutes, horizonDays: 21 };
}

test('a scenario that does not exist is answered with those that do', async () => {
  await expect(readScenario('../secrets')).rejects.toThrow(/no scenario "..\/secrets".*happy-path/);
});

test.each([
  ['title: a\nopening: hi\nrules: []\ntone: angry', 'caller.yaml', 'tone'],
  ['title: a\nopening: hi\nrules: [{ when: day, say: Monday, sayy: x }]', 'rules.0', 'sayy'],
  ['title: a\nopening: hi\nrules: [{ when: "(day", say: Monday }]', 'rules.0.when', 'regular expression'],
  ['title: a\nopening: hi\nrules: [{ when: day }]', 'rules.0', 'needs say'],
  [
    'title: a\nopening: hi\nrules: [{ when: day, hangUp: true, interrupt: { afterWords: 2, say: x } }]',
    'rules.0',
    'interrupt',
  ],
  [
    'title: a\nopening: hi\nrules: [{ when: day, say: x, interrupt: { afterWords: -1, say: x } }]',
    'afterWords',
    '>=0',
  ],
  ['title: a\nrules: []', 'opening', 'expected string'],
  ['title: a\nopening: hi\nexpect: luck\nrules: []', 'expect', 'hold-kept'],
  ['- a list', 'caller.yaml', 'expected object'],
  ['title: [', 'caller.yaml', 'is not YAML'],
])('a fault in a scenario is named with its file and field: %s', (text, ...told) => {
  for (const part of ['caller.yaml', ...told]) expect(() => parseScenario(text, 'caller.yaml')).toThrow(part);
});

test('a stream in the right form is read, however its bytes are cut', () => {
  const pieces: string[] = [];
  const reader = createFrameReader((piece) => pieces.push(piece));
  for (const byte of new TextEncoder().encode(`: comment\r\n\r\n${role}${words}${stop}${done}`)) {
    reader.push(Uint8Array.of(byte));
  }
  expect(reader.end()).toEqual({ text: 'Zehn Uhr für Sie, Ännchen?', toolCalls: [], violations: [] });
  expect(pieces).toEqual(['Zehn Uhr für Sie, Ännchen?']);
});

test('a tool call that comes in pieces is put together', () => {
  const rest = chunk({ tool_calls: [{ index: 0, function: { arguments: '}' } }] });
  const answer = read(role + chunk({ tool_calls: [endCall] }) + rest + chunk({}, 'tool_calls') + done);
  expect(answer).toEqual({ text: '', toolCalls: [{ name: 'endCall', arguments: '{}' }], violations: [] });
});

test.each([
  [
    'a frame has no choices array',
    `data: {"error":"x","id":"a","object":"chat.completion.chunk"}\n\n${role}${words}${stop}${done}`,
  ],
  ['does not carry the role', words + stop + done],
  ['the id changes', role + words.replace('"id":"a"', '"id":"b"') + stop + done],
  ['a frame has no id', role + words.replace('"id":"a",', '') + stop + done],
  ['is no chat.completion.chunk', role + words.replace('.chunk', '') + stop + done],
  ['is not a JSON object', `${role}data: oops\n\n${stop}${done}`],
  ['content is not a string', role + chunk({ content: { text: 'x' } }) + stop + done],
  ['before a finish_reason', role + words + done],
  ['more than one finish_reason', role + words + stop + stop + done],
  ['come after the finish_reason', role + stop + words + done],
  ['ends without [DONE]', role + words + stop],
  ['something comes after [DONE]', role + words + stop + done + words],
  ['has no empty line behind it', role + words + stop + done.trimEnd()],
  ['the stream has no frame', ''],
  [
    'does not fit a tool call',
    role +
      chunk({ tool_calls: [{ ...endCall, function: { name: 'endCall', arguments: '{}' } }] }) +
      stop +
      done,
  ],
  ['does not fit no tool call', role + words + chunk({}, 'tool_calls') + done],
  ['are not a JSON object', role + chunk({ tool_calls: [endCall] }) + chunk({}, 'tool_calls') + done],
  [
    'begins without id or name',
    role + chunk({ tool_calls: [{ ...endCall, id: '' }] }) + chunk({}, 'tool_calls') + done,
  ],
  [
    'a tool call has no index',
    role + chunk({ tool_calls: [{ ...endCall, index: undefined }] }) + chunk({}, 'tool_calls') + done,
  ],
])('a broken rule of the stream is reported: %s', (problem, stream) => {
  expect(read(stream).violations.join('; ')).toContain(problem);
});

test('a stream broken off by the caller misses nothing', () => {
  const reader = createFrameReader();
  reader.push(new TextEncoder().encode(role + words));
  expect(reader.end({ broken: true }).violations).toEqual([]);
});

test('history holds what was spoken, with the assistant’s messages merged', () => {
  const history = new History('You are Holly.', 'Hello! How can I help?');
  history.assistant('I have two; or four — which one? <flush />');
  history.user('Two');
  history.userGoesOn('thirty.');
  history.assistant('');
  expect(history.messages).toEqual([
    { role: 'system', content: 'You are Holly.' },
    { role: 'assistant', content: 'hello. how can I help? I have two, or four , which one?' },
    { role: 'user', content: 'Two thirty.' },
  ]);
  expect(history.turns).toEqual({ numAssistantTurns: 1, numUserTurns: 1 });
  expect(asHeard('It is Tuesday.  OK?')).toBe('it is Tuesday. OK?');
});

function read(stream: string) {
  const reader = createFrameReader();
  reader.push(new TextEncoder().encode(stream));
  return reader.end();
}

function chunk(delta: object, finish: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  return `data: ${JSON.stringify({ id: 'a', object: 'chat.completion.chunk', created: 1, model: 'm', choices })}\n\n`;
}
