import { type ModelDelta, ModelError } from './language-model.ts';
import { ToolCallAssembly, type ToolCallFragment } from './tool-call-assembly.ts';

/**
 * Reads a provider's chat-completions stream. OpenAI-compatible servers differ in dozens of ways; what they agree on
 * is taken, everything else is skipped: only `choices[0].delta` counts, thinking is never spoken, a finish is not the
 * end, and the end is `[DONE]` or the end of the bytes.
 *
 * @throws ModelError when the stream carries an error, is cut off, holds a call that cannot be read, or says nothing
 */
export async function* readStream(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<ModelDelta> {
  const calls = new ToolCallAssembly();
  let finish: string | undefined;
  let done = false;
  let said = false;
  let called = false;
  for await (const data of eventData(bytes)) {
    if (data === '[DONE]') {
      done = true;
      break;
    }
    const chunk = parseChunk(data);
    refuseError(chunk);
    const choice = (chunk.choices ?? []).find((one) => (one?.index ?? 0) === 0);
    if (choice === undefined || choice === null) continue;
    const text = spokenText(choice.delta);
    if (text !== '') {
      said = true;
      yield { type: 'text', text };
    }
    for (const fragment of choice.delta?.tool_calls ?? []) {
      for (const call of calls.add(fragment)) {
        called = true;
        yield { type: 'tool-call', ...call };
      }
    }
    finish = choice.finish_reason ?? finish;
  }
  if (!done && finish === undefined) throw new ModelError('cut-off', 'the stream ended without a finish');
  if (finish === 'length' && calls.open)
    throw new ModelError('unreadable', 'a tool call was cut off at the token limit');
  for (const call of calls.end()) {
    called = true;
    yield { type: 'tool-call', ...call };
  }
  if (!said && !called) throw new ModelError('empty', 'the model gave neither words nor a tool call');
  yield { type: 'finish', reason: called ? 'tool_calls' : finish === 'length' ? 'length' : 'stop' };
}

/** The part of a chunk that is used. Providers send much else, and leave any of this out or null. */
interface Chunk {
  choices?: (Choice | null)[] | null;
  error?: unknown;
}

interface Choice {
  index?: number | null;
  delta?: {
    content?: unknown;
    refusal?: string | null;
    tool_calls?: ToolCallFragment[] | null;
    extra_content?: { google?: { thought?: boolean } } | null;
  } | null;
  finish_reason?: string | null;
}

function parseChunk(data: string): Chunk {
  try {
    const chunk: unknown = JSON.parse(data);
    if (typeof chunk === 'object' && chunk !== null) return chunk;
  } catch (error) {
    throw new ModelError('unreadable', 'a chunk of the stream is not JSON', { cause: error });
  }
  return {};
}

/** Errors arrive after a 200 too, alone or beside choices. Their text may repeat the prompt, so only the type is kept. */
function refuseError({ error }: Chunk): void {
  if (error === undefined || error === null) return;
  const type = typeof error === 'object' && 'type' in error ? String(error.type) : 'unnamed';
  throw new ModelError('cut-off', `the provider reported an error in the stream (${type.slice(0, 60)})`);
}

/** Words to be spoken: never thinking, in whatever field or mark it comes; a refusal is an answer too. */
function spokenText(delta: Choice['delta']): string {
  if (delta === null || delta === undefined || delta.extra_content?.google?.thought === true) return '';
  const { content, refusal } = delta;
  if (typeof content === 'string' && content !== '') return content.replace(/<\/?thought>/g, '');
  if (Array.isArray(content)) {
    return content
      .map((part: { type?: string; text?: unknown } | null) =>
        part?.type === 'text' && typeof part.text === 'string' ? part.text : '',
      )
      .join('');
  }
  return typeof refusal === 'string' ? refusal : '';
}

/** A line longer than this is not a chunk of speech; keeping it would only fill the memory. */
const lineMaxChars = 4 * 1024 * 1024;

/** The data of each server-sent event: any line ending, comments skipped, several data lines joined. */
async function* eventData(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  let data: string[] = [];
  function* take(lines: string[]): Generator<string> {
    for (const line of lines) {
      if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
      else if (line === '' && data.length > 0) {
        yield data.join('\n');
        data = [];
      }
    }
  }
  for await (const piece of bytes) {
    rest += decoder.decode(piece, { stream: true });
    if (rest.length > lineMaxChars) throw new ModelError('unreadable', 'a line of the stream has no end');
    // A carriage return at the very end may be half of a line ending: it waits for the next piece.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    yield* take(lines);
  }
  yield* take([...`${rest}${decoder.decode()}`.split(/\r\n|\n|\r/), '']);
}
