import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ModelDelta, ModelRequest, ModelTool } from '#model/language-model.ts';
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

describe('the request', () => {
  test('says what was asked, in any letters, and names no tools or limits where there are none', async () => {
    await using standIn = await startModelStandIn();
    standIn.answer({ pieces: [words('Yes.'), finish('stop'), done] });
    const messages: ModelRequest['messages'] = [
      { role: 'system', content: 'Be “brief”\n\n— and kind. 👋' },
      { role: 'user', content: 'I am Jürgen\u0007' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'a', type: 'function', function: { name: 'x', arguments: '{"a":"ü"}' } }],
      },
      { role: 'tool', tool_call_id: 'a', content: '{}' },
    ];
    const tools: ModelTool[] = [{ type: 'function', function: { name: 'x', description: 'Says “when”.' } }];
    const { signal } = new AbortController();
    const model = modelOf(standIn);
    await Array.fromAsync(model.stream({ messages, tools, temperature: 0.4, maxTokens: 100 }, signal));
    await Array.fromAsync(model.stream({ messages, tools: [] }, signal));
    expect(standIn.asked.map(({ body }) => body)).toEqual([
      { model: 'stand-in', stream: true, messages, tools, temperature: 0.4, max_completion_tokens: 100 },
      { model: 'stand-in', stream: true, messages },
    ]);
  });
});

describe('a listener', () => {
  test('is given what came together as one delta', async () => {
    const said = Array.from({ length: 200 }, (_, n) => `word ${n} `);
    const together = [...said.map(words), finish('stop')].map(
      (piece) => `data: ${JSON.stringify(piece)}\n\n`,
    );
    const { deltas } = await pass({ pieces: [together.join('') + done] });
    expect(textOf(deltas)).toBe(said.join(''));
    expect(deltas.length).toBeLessThan(20);
  });

  test('who is slow makes the provider wait, and misses nothing', async () => {
    const piece = `data: ${JSON.stringify(words('and on '.repeat(1_000)))}\n\n`;
    const pieces = 5_000;
    let written = 0;
    const server = createServer(async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (; written < pieces; written += 1) {
        if (!response.write(piece)) await once(response, 'drain');
      }
      response.end(`data: ${JSON.stringify(finish('stop'))}\n\n${done}`);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const model = createOpenAiModel({ apiKey: 'none', model: 'stand-in', baseUrl, log });
    const deltas = model.stream(request, new AbortController().signal)[Symbol.asyncIterator]();
    const heard = [await deltas.next()];
    let before = -1;
    // Whatever lies between the two is full when nothing more is written.
    while (before !== written) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(written).toBeLessThan(pieces);
    for (let next = await deltas.next(); !next.done; next = await deltas.next()) heard.push(next);
    const text = heard.map(({ value }) => (value?.type === 'text' ? value.text.length : 0));
    expect(text.reduce((sum, length) => sum + length, 0)).toBe(pieces * 'and on '.length * 1_000);
    expect(heard.at(-1)?.value).toEqual({ type: 'finish', reason: 'stop' });
  });
});
