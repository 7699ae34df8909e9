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

const event = (value: Json) => `data: ${JSON.stringify(value)}\n\n`;
const say = (content: string, more: Json = {}) => event(chunk({ content }, more));
const stop = event(chunk({}, {}, { finish_reason: 'stop' }));
const done = 'data: [DONE]\n\n';

function read(sse: string, cuts: number[] = []): { deltas: ModelDelta[]; failure: string | undefined } {
  const bytes = Buffer.from(sse).toString('latin1');
  const reader = new StreamReader();
  const deltas: ModelDelta[] = [];
  let at = 0;
  for (const cut of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    reader.read(bytes.slice(at, cut));
    deltas.push(...reader.given());
    at = Math.max(at, cut);
  }
  reader.end();
  deltas.push(...reader.given());
  return { deltas, failure: reader.failure?.kind };
}

function textOf(deltas: ModelDelta[]): string {
  return deltas.map((delta) => (delta.type === 'text' ? delta.text : '')).join('');
}

function copiedOf(deltas: ModelDelta[]): string[] {
  return deltas.flatMap((delta) => (delta.type === 'text' ? (delta.contents ?? []) : []));
}

describe('chunks of words like the first one', () => {
  test('are copied, and given together when they came together', () => {
    const words = Array.from({ length: 40 }, (_, n) => `word ${n} `);
    const { deltas } = read(`${words.map((one) => say(one)).join('')}${stop}${done}`);
    expect(copiedOf(deltas)).toEqual(words.slice(1));
    expect(deltas.map((delta) => delta.type)).toEqual(['text', 'text', 'finish']);
    expect(textOf(deltas)).toBe(words.join(''));
  });

  test('are recognised under noise of changing length', () => {
    const padded = ['a', 'b', 'c'].map((one, n) => say(one, { usage: null, obfuscation: 'x'.repeat(n) }));
    expect(copiedOf(read(`${padded.join('')}${stop}${done}`).deltas)).toEqual(['b', 'c']);
  });

  test('say what they say, wherever the bytes are cut and whatever the letters', () => {
    const said = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }), {
      minLength: 2,
      maxLength: 8,
    });
    fc.assert(
      fc.property(said, fc.array(fc.nat(3_000)), (words, cuts) => {
        const { deltas } = read(`${words.map((one) => say(one)).join('')}${stop}${done}`, cuts);
        const expected = words.join('').replace(/<\/?thought>/g, '');
        expect(textOf(deltas)).toBe(expected);
        // What is copied must be what a JSON string of the same words holds.
        for (const content of copiedOf(deltas)) {
          const json = `"${Buffer.from(content, 'latin1').toString('utf8')}"`;
          expect(JSON.stringify(JSON.parse(json))).toBe(json);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('a chunk that differs from the first in anything but its words', () => {
  test.each<[string, string, string]>([
    ['is of another choice', event(chunk({ content: 'no' }, {}, { index: 1 })), 'Yes.'],
    ['is thinking', event(chunk({ content: 'no', extra_content: { google: { thought: true } } })), 'Yes.'],
    ['thinks in a mark', say('<thought>'), 'Yes.'],
    ['has words elsewhere', event(chunk({ reasoning: 'no', content: 'also' })), 'Yes.also'],
    ['has its words escaped', say('a "b"\n'), 'Yes.a "b"\n'],
    ['is later', event({ ...chunk({ content: ' Later.' }), created: 2 }), 'Yes. Later.'],
  ])('%s: it is read for what it is', (_, odd, expected) => {
    const { deltas } = read(`${say('Yes')}${say('.')}${odd}${stop}${done}`);
    expect(textOf(deltas)).toBe(expected);
  });

  test('and finishes, ends the pass', () => {
    const last = event(chunk({ content: '.' }, {}, { finish_reason: 'length' }));
    expect(read(`${say('Yes')}${last}${done}`).deltas.at(-1)).toEqual({ type: 'finish', reason: 'length' });
  });

  test('and calls a tool beside its words, calls it', () => {
    const call = { index: 0, id: 'a', function: { name: 'endCall', arguments: '{}' } };
    const { deltas } = read(
      `${say('Bye')}${event(chunk({ content: '.', tool_calls: [call] }))}${stop}${done}`,
    );
    expect(deltas).toContainEqual({ type: 'tool-call', id: 'a', name: 'endCall', arguments: {} });
  });

  test('and carries an error, is an error, and what came before it is kept', () => {
    const { deltas, failure } = read(
      `${say('Yes')}${say('.')}${event(chunk({ content: 'x' }, { error: { type: 'y' } }))}`,
    );
    expect(textOf(deltas)).toBe('Yes.');
    expect(failure).toBe('cut-off');
  });

  test('and repeats the whole message beside the delta, says its words once', () => {
    const cumulative = ['One', ' two', ' three'].map((one, n, all) =>
      event(chunk({ content: one }, {}, { message: { content: all.slice(0, n + 1).join('') } })),
    );
    expect(textOf(read(`${cumulative.join('')}${stop}${done}`).deltas)).toBe('One two three');
  });

  test('and thinks the very words it says, teaches nothing: other thoughts are never said', () => {
    const thoughts = ['Yes', 'a secret', 'another'].map((thought) =>
      event(chunk({ reasoning: { content: thought }, content: 'Yes' })),
    );
    expect(textOf(read(`${thoughts.join('')}${stop}${done}`).deltas)).toBe('YesYesYes');
  });
});
