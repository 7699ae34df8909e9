import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOpenAiModel } from '#model/openai.ts';
import { createLog } from '#telemetry/log.ts';
import { Caller, type Frame, frames, type RunningApp, startApp } from '../../running-app.ts';
import { type ModelStandIn, startModelStandIn } from '../../stand-ins/language-model.ts';
import { providerStreams } from '../../stand-ins/provider-streams.ts';

let model: ModelStandIn;
let app: RunningApp;

beforeAll(async () => {
  model = await startModelStandIn();
  const log = createLog({ level: 'silent', pretty: false });
  app = await startApp({
    model: createOpenAiModel({ apiKey: 'none', model: 'stand-in', baseUrl: model.baseUrl, log }),
  });
});

afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

const apology = 'I am sorry, I did not get that. Could you say it again?';

/** What Vapi reads off our stream. */
async function read(sse: string, bytesPerWrite?: number) {
  model.answer({ pieces: [sse], ...(bytesPerWrite === undefined ? {} : { bytesPerWrite }) });
  const caller = new Caller(app, undefined);
  caller.tools = ['endCall', 'dtmf'];
  caller.history.push({ role: 'user', content: 'Hello?' });
  const body = await (await caller.post()).text();
  const all: Frame[] = frames(body);
  return {
    all,
    ended: body.endsWith('data: [DONE]\n\n'),
    text: all.map((frame) => frame.choices[0]?.delta.content ?? '').join(''),
    calls: all
      .flatMap((frame) => frame.choices[0]?.delta.tool_calls ?? [])
      .map((call) => [call.function.name, JSON.parse(call.function.arguments)]),
  };
}

describe.each([
  ['whole', undefined],
  ['cut into 7 bytes', 7],
])('a stream that comes %s', (_, bytesPerWrite) => {
  test.each(providerStreams.map((stream) => [stream.name, stream] as const))(
    'with %s',
    async (_name, stream) => {
      const heard = await read(stream.sse, bytesPerWrite);
      expect(heard.calls).toEqual(stream.calls);
      const words = stream.fails ? [stream.text, apology].filter((one) => one !== '').join(' ') : stream.text;
      expect(heard.text).toBe(words);
      expect(heard.ended).toBe(true);
    },
  );
});

test('our own stream is one well-formed stream, whatever came in', async () => {
  for (const { sse } of providerStreams) {
    const { all } = await read(sse);
    expect(new Set(all.map((frame) => frame.id)).size).toBe(1);
    expect(all[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(all.every((frame) => Array.isArray(frame.choices) && frame.choices.length === 1)).toBe(true);
    expect(all.filter((frame) => frame.choices[0]?.finish_reason !== null)).toHaveLength(1);
    const indexes = all
      .flatMap((frame) => frame.choices[0]?.delta.tool_calls ?? [])
      .map(({ index }) => index);
    expect(indexes).toEqual(indexes.map((_, place) => place));
  }
});
