import { expect, test } from 'vitest';
import type { ModelDelta } from '#model/language-model.ts';
import { createOpenAiModel } from '#model/openai.ts';
import { withSecondChoice } from '#model/second-choice.ts';
import { createLog } from '#telemetry/log.ts';
import {
  done,
  finish,
  type ModelStandIn,
  type Reply,
  startModelStandIn,
  words,
} from '../../stand-ins/language-model.ts';

const log = createLog({ level: 'silent', pretty: false });
const request = { messages: [{ role: 'user' as const, content: 'Hello' }], tools: [] };
const says = (text: string): Reply => ({ pieces: [words(text), finish('stop'), done] });
const never: Reply = { silentMs: Number.POSITIVE_INFINITY };
const thinking = { choices: [{ index: 0, delta: { reasoning_content: 'Hm.' }, finish_reason: null }] };

async function twoModels(): Promise<{ first: ModelStandIn; second: ModelStandIn } & AsyncDisposable> {
  const [first, second] = [await startModelStandIn(), await startModelStandIn()];
  return {
    first,
    second,
    async [Symbol.asyncDispose]() {
      await first[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
    },
  };
}

function modelOf({ baseUrl }: ModelStandIn) {
  return createOpenAiModel({ apiKey: 'none', model: 'stand-in', baseUrl, log });
}

async function wordsOf(deltas: AsyncIterable<ModelDelta>): Promise<string> {
  let text = '';
  for await (const delta of deltas) if (delta.type === 'text') text += delta.text;
  return text;
}

const ask = (model: ReturnType<typeof withSecondChoice>, signal = new AbortController().signal) =>
  wordsOf(model.stream(request, signal));

test.each<[string, Reply]>([
  ['refuses', { status: 401 }],
  ['says nothing in time', never],
  ['only thinks', { pieces: Array.from({ length: 3 }, () => thinking), staysOpen: true }],
  ['says nothing at all', { pieces: [finish('stop'), done] }],
  ['is cut off before a word', { pieces: [], hangUp: true }],
])('a first model that %s is replaced by the second', async (_, reply) => {
  await using models = await twoModels();
  models.first.answer(reply);
  models.second.answer(says('Here I am.'));
  const model = withSecondChoice({
    first: modelOf(models.first),
    second: modelOf(models.second),
    firstDeltaMs: 300,
    log,
  });
  expect(await ask(model)).toBe('Here I am.');
  await models.first.quiet();
});

test('words that were given are not followed by another model’s', async () => {
  await using models = await twoModels();
  models.first.answer({ pieces: [words('Well ')], hangUp: true });
  const model = withSecondChoice({
    first: modelOf(models.first),
    second: modelOf(models.second),
    firstDeltaMs: 2_000,
    log,
  });
  await expect(ask(model)).rejects.toMatchObject({ kind: 'cut-off' });
  expect(models.second.asked).toEqual([]);
});

test('without a second model a late one is a fault that says so', async () => {
  await using standIn = await startModelStandIn();
  standIn.answer(never);
  const model = withSecondChoice({ first: modelOf(standIn), firstDeltaMs: 100, log });
  await expect(ask(model)).rejects.toMatchObject({ kind: 'late' });
  await standIn.quiet();
});

test('after two failures in a row the second is asked first, and the first again after a while', async () => {
  await using models = await twoModels();
  models.first.answer({ status: 401 });
  models.second.answer(says('Second.'));
  let nowMs = 0;
  const model = withSecondChoice({
    first: modelOf(models.first),
    second: modelOf(models.second),
    firstDeltaMs: 2_000,
    log,
    nowMs: () => nowMs,
  });
  await ask(model);
  await ask(model);
  const asked = models.first.asked.length;
  await ask(model);
  expect(models.first.asked).toHaveLength(asked);
  nowMs = 60_000;
  models.first.answer(says('First.'));
  expect(await ask(model)).toBe('First.');
});

test('a caller who leaves ends the request, whichever model it is at', async () => {
  await using models = await twoModels();
  models.first.answer({ status: 401 });
  models.second.answer(never);
  const model = withSecondChoice({
    first: modelOf(models.first),
    second: modelOf(models.second),
    firstDeltaMs: 5_000,
    log,
  });
  const leaving = new AbortController();
  const asked = ask(model, leaving.signal);
  asked.catch(() => {});
  while (models.second.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  leaving.abort();
  await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  await models.second.quiet();
});
