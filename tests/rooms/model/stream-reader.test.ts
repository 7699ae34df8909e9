import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ModelDelta } from '#model/language-model.ts';
import { StreamReader } from '#model/stream-reader.ts';

type Json = Record<string, unknown>;

/** A chunk as OpenAI sends it. */
function chunk(delta: Json, more: Json = {}, choice: Json = {}): Json {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: null, ...choice }],
    ...more,
  };
}

const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const say = (content: string, more: Json = {}) => event(chunk({ content }, more));
const stop = event(chunk({}, {}, { finish_reason: 'stop' }));
const done = 'data: [DONE]\n\n';

function read(sse: string, cuts: number[] = []): { deltas: ModelDelta[]; failure: string | undefined } {
  const bytes = Buffer.from(sse);
  const reader = new StreamReader();
  const deltas: ModelDelta[] = [];
  const takeAll = () => {
    for (let delta = reader.take(); delta !== undefined; delta = reader.take()) deltas.push(delta);
  };
  let at = 0;
  for (const cut of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    reader.read(bytes.subarray(at, cut));
    takeAll();
    at = Math.max(at, cut);
  }
  reader.end();
  takeAll();
  return { deltas, failure: reader.failure?.kind };
}

function textOf(deltas: ModelDelta[]): string {
  return deltas.map((delta) => (delta.type === 'text' ? delta.text : '')).join('');
}

describe('words', () => {
  test('that came together are one delta, up to a call', () => {
    const call = { index: 0, id: 'a', function: { name: 'endCall', arguments: '{}' } };
    const { deltas } = read(
      `${say('One ')}${say('two ')}${say('three')}${event(chunk({ tool_calls: [call] }))}${say(', four')}${say('.')}${stop}${done}`,
    );
    expect(deltas).toEqual([
      // A call is closed by the end: what is said behind its fragments is said before it runs.
      { type: 'text', text: 'One two three, four.' },
      { type: 'tool-call', id: 'a', name: 'endCall', arguments: {} },
      { type: 'finish', reason: 'tool_calls' },
    ]);
  });

  test('say what they say, wherever the bytes are cut and whatever the letters', () => {
    const said = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }), {
      minLength: 2,
      maxLength: 8,
    });
    fc.assert(
      fc.property(said, fc.array(fc.nat(3_000)), (pieces, cuts) => {
        const { deltas } = read(`${pieces.map((one) => say(one)).join('')}${stop}${done}`, cuts);
        expect(textOf(deltas)).toBe(pieces.map((one) => one.replace(/<\/?thought>/g, '')).join(''));
      }),
      { numRuns: 300 },
    );
  });

  test('in the last event are heard without the blank line that closes it', () => {
    const last = `data: ${JSON.stringify(chunk({ content: ' Later.' }, {}, { finish_reason: 'stop' }))}`;
    for (const end of ['', '\n', '\r', '\r\n']) {
      const { deltas, failure } = read(`${say('Yes.')}${last}${end}`);
      expect([textOf(deltas), failure], JSON.stringify(end)).toEqual(['Yes. Later.', undefined]);
    }
  });

  test('behind [DONE] are not heard', () => {
    expect(textOf(read(`${say('Yes.')}${done}${say('No.')}`).deltas)).toBe('Yes.');
  });

  test('begin behind a byte order mark', () => {
    expect(textOf(read(`\ufeff${say('Yes.')}${stop}${done}`, [1, 2]).deltas)).toBe('Yes.');
  });
});

test('a line that does not end is given up, and what came before it is kept', () => {
  const reader = new StreamReader();
  reader.read(Buffer.from(say('Yes.')));
  reader.read(Buffer.from('data: '));
  const piece = Buffer.alloc(1024 * 1024, 'x');
  for (let n = 0; n < 5; n += 1) reader.read(piece);
  expect(reader.failure).toMatchObject({ kind: 'unreadable' });
  expect(reader.take()).toEqual({ type: 'text', text: 'Yes.' });
});

describe('a chunk of an odd shape', () => {
  test.each<[string, unknown]>([
    ['no object', null],
    ['a list', []],
    ['a number', 5],
    ['choices that are no list', { choices: {} }],
    ['choices that are text', { choices: 'none' }],
    ['choices of nothing', { choices: [null, 5, 'x', []] }],
    ['a delta that is no object', chunk(null as unknown as Json)],
    ['a delta that is text', { choices: [{ index: 0, delta: 'No.' }] }],
    ['content that is a number', chunk({ content: 5 })],
    ['content of odd parts', chunk({ content: [null, 5, { type: 'text', text: 5 }, { text: 'No.' }] })],
    ['a refusal that is no text', chunk({ refusal: { reason: 'No.' } })],
    ['calls that are no list', chunk({ tool_calls: {} })],
    ['calls of nothing', chunk({ tool_calls: [null, 5, 'x', []] })],
    ['thinking marked oddly', chunk({ extra_content: 5 })],
    ['a finish that is no word', chunk({}, {}, { finish_reason: 5 })],
  ])('is left out: %s', (_, odd) => {
    const { deltas, failure } = read(`${say('Well ')}${event(odd)}${say('then.')}${stop}${done}`);
    expect([textOf(deltas), failure]).toEqual(['Well then.', undefined]);
  });

  test.each<[string, unknown]>([
    ['a call of nothing at all', {}],
    ['a number for a name', { index: 0, id: 'a', function: { name: 5, arguments: '{}' } }],
    ['a list for a name', { index: 0, id: 'a', function: { name: ['x'], arguments: '{}' } }],
    ['text for a function', { index: 0, id: 'a', function: 'endCall' }],
    ['a number for arguments', { index: 0, id: 'a', function: { name: 'endCall', arguments: 5 } }],
    ['a list for arguments', { index: 0, id: 'a', function: { name: 'endCall', arguments: [] } }],
  ])('that nobody can carry out ends the pass: %s', (_, odd) => {
    const { deltas, failure } = read(
      `${say('Well.')}${event(chunk({ tool_calls: [odd] }))}${event(chunk({}, {}, { finish_reason: 'tool_calls' }))}${done}`,
    );
    expect([textOf(deltas), failure]).toEqual(['Well.', 'unreadable']);
    expect(deltas.some(({ type }) => type === 'tool-call')).toBe(false);
  });

  test('an odd id or index is as good as none', () => {
    const call = { index: '0', id: 5, function: { name: 'endCall', arguments: '{}' } };
    const { deltas } = read(`${event(chunk({ tool_calls: [call] }))}${stop}${done}`);
    expect(deltas).toContainEqual({
      type: 'tool-call',
      id: expect.stringMatching(/^call_/),
      name: 'endCall',
      arguments: {},
    });
  });

  test.each<[string, unknown]>([
    ['text', 'overloaded'],
    ['a number', 529],
    ['an object without a type', { code: 502 }],
    ['a type that is no word', { type: { toString: 5 } }],
  ])('an error that is %s is an error', (_, error) => {
    const { deltas, failure } = read(`${say('Well.')}${event({ error })}`);
    expect([textOf(deltas), failure]).toEqual(['Well.', 'cut-off']);
  });

  test('never throws out of the reader, whatever it is', () => {
    const odd = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, 0, 1, '', 'stop', 'endCall', '{}', '[DONE]'),
        fc.array(tie('value'), { maxLength: 3 }),
        tie('object'),
      ),
      object: fc.dictionary(
        fc.constantFrom(
          ...['choices', 'delta', 'content', 'tool_calls', 'function', 'name', 'arguments', 'index', 'id'],
          ...['finish_reason', 'error', 'type', 'text', 'refusal', 'extra_content', 'google', '__proto__'],
        ),
        tie('value'),
        { maxKeys: 5 },
      ),
    })).value;
    const shaped = fc.record({
      choices: fc.array(fc.record({ delta: odd, finish_reason: odd }), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(odd, shaped), { maxLength: 5 }), (chunks) => {
        const { deltas, failure } = read(`${chunks.map(event).join('')}${stop}${done}`);
        expect(failure !== undefined || deltas.at(-1)?.type === 'finish').toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
