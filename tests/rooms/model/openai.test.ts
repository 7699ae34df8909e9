import { describe, expect, test } from 'vitest';
import type { ModelDelta } from '#model/language-model.ts';
import { createOpenAiModel } from '#model/openai.ts';
import { createLog } from '#telemetry/log.ts';
import {
  done,
  finish,
  type ModelStandIn,
  type Reply,
  startModelStandIn,
  toolPiece,
  words,
} from '../../stand-ins/language-model.ts';

const log = createLog({ level: 'silent', pretty: false });
/** A call that was begun and never finished. */
const half = toolPiece(0, { id: 'a', name: 'reserve_slot', arguments: '{"slotId":"slo' });
const request = { messages: [{ role: 'user' as const, content: 'Hello' }], tools: [] };

function modelOf({ baseUrl }: ModelStandIn) {
  return createOpenAiModel({ apiKey: 'none', model: 'stand-in', baseUrl, log });
}

/** Everything a pass gives, and what it threw at its end. */
async function pass(reply: Reply): Promise<{ deltas: ModelDelta[]; error: unknown }> {
  await using standIn = await startModelStandIn();
  standIn.answer(reply);
  const deltas: ModelDelta[] = [];
  try {
    for await (const delta of modelOf(standIn).stream(request, new AbortController().signal)) {
      deltas.push(delta);
    }
  } catch (error) {
    return { deltas, error };
  }
  return { deltas, error: undefined };
}

function textOf(deltas: ModelDelta[]): string {
  return deltas.map((delta) => (delta.type === 'text' ? delta.text : '')).join('');
}

function callsOf(deltas: ModelDelta[]): [string, object][] {
  return deltas.flatMap((delta) => (delta.type === 'tool-call' ? [[delta.name, delta.arguments]] : []));
}

describe('words', () => {
  test('come in order, and the pass says that it went well', async () => {
    const { deltas } = await pass({ pieces: [words('Good '), words('morning.'), finish('stop'), done] });
    expect(textOf(deltas)).toBe('Good morning.');
    expect(deltas.at(-1)).toEqual({ type: 'finish', reason: 'stop' });
  });

  test('survive being cut anywhere, also inside a letter', async () => {
    const said = 'Grüße, señor — 你好 👋';
    for (const bytesPerWrite of [1, 2, 3, 7]) {
      const { deltas } = await pass({ pieces: [words(said), finish('stop'), done], bytesPerWrite });
      expect(textOf(deltas)).toBe(said);
    }
  });

  test('are found among everything else providers send', async () => {
    const { deltas, error } = await pass({
      pieces: [
        ': a comment\r\n\r\n',
        { choices: [{ index: 0, delta: { role: 'assistant', content: null }, finish_reason: null }] },
        'event: message\r\ndata: {"choices":[{"index":0,"delta":{"content":"One"}}]}\r\n\r\n',
        { choices: [{ index: 1, delta: { content: 'a second choice' } }] },
        { choices: [{ index: 0, delta: { reasoning_content: 'thinking', content: '' } }] },
        { choices: [], usage: { total_tokens: 3 } },
        { choices: null },
        words(' two.'),
        { choices: [{ index: 0, delta: null, finish_reason: 'stop' }] },
      ],
    });
    expect(error).toBeUndefined();
    expect(textOf(deltas)).toBe('One two.');
  });
});

describe('a tool call', () => {
  test('is given once it is closed, put together from its pieces', async () => {
    const { deltas } = await pass({
      pieces: [
        toolPiece(0, { id: 'a', name: 'check_availability', arguments: '' }),
        toolPiece(0, { arguments: '{"da' }),
        toolPiece(0, { arguments: 'te":"2026-12-01"}' }),
        toolPiece(1, { id: 'b', name: 'endCall', arguments: '{}' }),
        finish('tool_calls'),
        done,
      ],
    });
    expect(callsOf(deltas)).toEqual([
      ['check_availability', { date: '2026-12-01' }],
      ['endCall', {}],
    ]);
    expect(deltas.at(-1)).toEqual({ type: 'finish', reason: 'tool_calls' });
  });

  test('needs neither an index nor an id, and no arguments are no arguments', async () => {
    const { deltas } = await pass({
      pieces: [
        { choices: [{ delta: { tool_calls: [{ function: { name: 'endCall' } }] } }] },
        finish('stop'),
        done,
      ],
    });
    expect(callsOf(deltas)).toEqual([['endCall', {}]]);
  });

  test.each<[string, Reply]>([
    ['the connection breaks in the middle of it', { pieces: [half], hangUp: true }],
    ['the stream ends in the middle of it', { pieces: [half] }],
    ['the token limit cuts it off', { pieces: [half, finish('length'), done] }],
    [
      'its arguments are no object',
      { pieces: [toolPiece(0, { name: 'x', arguments: '[1]' }), finish('stop'), done] },
    ],
    ['it has no name', { pieces: [toolPiece(0, { id: 'a', arguments: '{}' }), finish('stop'), done] }],
  ])('is not run when %s', async (_, reply) => {
    const { deltas, error } = await pass(reply);
    expect(callsOf(deltas)).toEqual([]);
    expect(error).toMatchObject({ name: 'ModelError' });
  });
});

describe('a model that fails', () => {
  test.each<[string, Reply, string]>([
    ['that refuses', { status: 401 }, 'refused'],
    ['that has a fault', { status: 500 }, 'refused'],
    ['that reports an error inside the stream', { pieces: [{ error: { type: 'overloaded' } }] }, 'cut-off'],
    ['that sends garbage', { pieces: ['data: {"choices":[{"delta"\n\n'] }, 'unreadable'],
    ['that says nothing at all', { pieces: [finish('stop'), done] }, 'empty'],
    ['that hangs up', { pieces: [words('Good ')], hangUp: true }, 'cut-off'],
  ])('%s is told apart', async (_, reply, kind) => {
    expect((await pass(reply)).error).toMatchObject({ name: 'ModelError', kind });
  });

  test('that is not there says which setting to check', async () => {
    const model = createOpenAiModel({ apiKey: 'none', model: 'none', baseUrl: 'http://127.0.0.1:9/v1', log });
    const stream = model.stream(request, new AbortController().signal);
    await expect(Array.fromAsync(stream)).rejects.toThrow(/OPENAI_BASE_URL/);
  });

  test('never has its message repeated: it may quote the caller', async () => {
    const { error } = await pass({ status: 400 });
    expect(String(error)).not.toContain('as the test said');
  });
});

describe('leaving', () => {
  test('ends the request at the provider when nobody listens any more', async () => {
    await using standIn = await startModelStandIn();
    standIn.answer({ pieces: Array.from({ length: 2_000 }, () => words('and on ')) });
    for await (const delta of modelOf(standIn).stream(request, new AbortController().signal)) {
      if (delta.type === 'text') break;
    }
    await standIn.asked[0]?.left;
  });

  test('ends it before the first word too', async () => {
    await using standIn = await startModelStandIn();
    standIn.answer({ silentMs: Number.POSITIVE_INFINITY });
    const caller = new AbortController();
    const stream = Array.fromAsync(modelOf(standIn).stream(request, caller.signal));
    stream.catch(() => {});
    while (standIn.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    caller.abort();
    await expect(stream).rejects.toThrow();
    await standIn.asked[0]?.left;
  });
});

describe('words that are poured', () => {
  /** Everything a pass gives when its words are poured from the first one on; `busy` listeners want a pause after each. */
  async function poured(reply: Reply, { busy = false } = {}): Promise<{ text: string; rest: ModelDelta[] }> {
    await using standIn = await startModelStandIn();
    standIn.answer(reply);
    const deltas = modelOf(standIn).stream(request, new AbortController().signal)[Symbol.asyncIterator]();
    let text = '';
    const rest: ModelDelta[] = [];
    for (let next = await deltas.next(); !next.done; next = await deltas.next()) {
      if (next.value.type !== 'text') {
        rest.push(next.value);
        continue;
      }
      text += next.value.text;
      await deltas.pour?.({
        words(delta) {
          text += delta.text;
          return !busy;
        },
        ready: () => new Promise((resolve) => setTimeout(resolve, 1)),
      });
    }
    return { text, rest };
  }

  const said = Array.from({ length: 200 }, (_, n) => `word ${n} `);
  const pieces = [
    ...said.map(words),
    toolPiece(0, { id: 'a', name: 'endCall', arguments: '{}' }),
    finish('stop'),
    done,
  ];

  test.each([false, true])(
    'are all given, and what follows them too (a listener that pauses: %s)',
    async (busy) => {
      const { text, rest } = await poured({ pieces }, { busy });
      expect(text).toBe(said.join(''));
      expect(rest).toEqual([
        { type: 'tool-call', id: 'a', name: 'endCall', arguments: {} },
        { type: 'finish', reason: 'tool_calls' },
      ]);
    },
  );

  test('end with the fault of a stream that breaks off', async () => {
    await expect(poured({ pieces: said.map(words), hangUp: true })).rejects.toMatchObject({
      kind: 'cut-off',
    });
  });

  test('stop when nobody listens any more, and the request ends at the provider', async () => {
    await using standIn = await startModelStandIn();
    standIn.answer({ pieces: said.map(words), staysOpen: true });
    const caller = new AbortController();
    const deltas = modelOf(standIn).stream(request, caller.signal)[Symbol.asyncIterator]();
    await deltas.next();
    const pouring = deltas.pour?.({ words: () => true, ready: () => Promise.resolve() });
    caller.abort();
    await pouring;
    await expect(deltas.next()).rejects.toThrow();
    await standIn.asked[0]?.left;
  });
});
