import { StringDecoder } from 'node:string_decoder';
import { createParser } from 'eventsource-parser';
import { type ModelDelta, ModelError } from './language-model.ts';
import { readProviderChunk } from './provider-chunk.ts';
import { type AssembledCall, ToolCallAssembly } from './tool-call-assembly.ts';

/** A line longer than this is not a chunk of speech; keeping it would only fill the memory. */
const lineMaxChars = 4 * 1024 * 1024;

/**
 * Reads a provider's chat-completions stream. OpenAI-compatible servers differ in dozens of ways; what they agree on
 * is taken, everything else is skipped: only `choices[0].delta` counts, thinking is never spoken, a finish is not the
 * end, and the end is `[DONE]` or the end of the bytes.
 */
export class StreamReader {
  /** `[DONE]` was read: nothing after it counts. */
  done = false;
  /**
   * Why nothing more can be read: the stream carries an error, was cut off, holds something that cannot be read, or says
   * nothing. What was given before stays valid.
   */
  failure: ModelError | undefined;
  readonly #decoder = new StringDecoder('utf8');
  readonly #events = createParser({
    maxBufferSize: lineMaxChars,
    onEvent: ({ data }) => this.#chunk(data),
    // What is no field of the protocol is skipped, as the protocol says.
    onError: ({ type }) => {
      if (type === 'max-buffer-size-exceeded')
        throw new ModelError('unreadable', 'a line of the stream has no end');
    },
  });
  readonly #calls = new ToolCallAssembly();
  /** Read, and not taken by anybody yet. */
  #deltas: ModelDelta[] = [];
  #finish: string | undefined;
  #said = false;
  #called = false;

  /** Takes bytes, cut anywhere. */
  read(bytes: Buffer): void {
    this.#guarded(() => this.#events.feed(this.#decoder.write(bytes)));
  }

  /** The bytes have ended, or `[DONE]` was read. */
  end(): void {
    this.#guarded(() => {
      // The last event may lack the blank line that closes it.
      if (!this.done) this.#events.feed(`${this.#decoder.end()}\n\n`);
      if (!this.done && this.#finish === undefined)
        throw new ModelError('cut-off', 'the stream ended without a finish');
      if (this.#finish === 'length' && this.#calls.open)
        throw new ModelError('unreadable', 'a tool call was cut off at the token limit');
      this.#call(this.#calls.end());
      if (!this.#said && !this.#called)
        throw new ModelError('empty', 'the model gave neither words nor a tool call');
      const reason = this.#called ? 'tool_calls' : this.#finish === 'length' ? 'length' : 'stop';
      this.#deltas.push({ type: 'finish', reason });
    });
  }

  /** The next delta nobody has taken; words that came before it was asked for are one delta. */
  take(): ModelDelta | undefined {
    return this.#deltas.shift();
  }

  /** Whether everything that was read has been taken. */
  get taken(): boolean {
    return this.#deltas.length === 0;
  }

  #guarded(work: () => void): void {
    if (this.failure !== undefined) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      this.failure = error;
    }
  }

  #chunk(data: string): void {
    if (this.done) return;
    if (data === '[DONE]') {
      this.done = true;
      return;
    }
    const { text, toolCalls, finish } = readProviderChunk(data);
    if (text !== '') this.#say(text);
    for (const fragment of toolCalls) this.#call(this.#calls.add(fragment));
    this.#finish = finish ?? this.#finish;
  }

  #say(text: string): void {
    this.#said = true;
    const last = this.#deltas.at(-1);
    if (last?.type === 'text') last.text += text;
    else this.#deltas.push({ type: 'text', text });
  }

  #call(calls: AssembledCall[]): void {
    for (const call of calls) {
      this.#called = true;
      this.#deltas.push({ type: 'tool-call', ...call });
    }
  }
}
