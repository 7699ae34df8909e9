import { KnownChunk } from './known-chunk.ts';
import { type ModelDelta, ModelError } from './language-model.ts';
import { ToolCallAssembly, type ToolCallFragment } from './tool-call-assembly.ts';

/** A line longer than this is not a chunk of speech; keeping it would only fill the memory. */
const lineMaxChars = 4 * 1024 * 1024;
/** A stream whose chunks look different every time is parsed; learning each anew would only cost more. */
const learntMax = 8;

/**
 * Reads a provider's chat-completions stream. OpenAI-compatible servers differ in dozens of ways; what they agree on
 * is taken, everything else is skipped: only `choices[0].delta` counts, thinking is never spoken, a finish is not the
 * end, and the end is `[DONE]` or the end of the bytes.
 *
 * Words in chunks like one that was parsed before are copied out of the bytes; everything else is parsed. What arrived
 * together is given together.
 */
export class StreamReader {
  /** `[DONE]` was read: nothing after it counts. */
  done = false;
  /**
   * Why nothing more can be read: the stream carries an error, was cut off, holds something that cannot be read, or says
   * nothing. What was given before stays valid.
   */
  failure: ModelError | undefined;
  readonly #calls = new ToolCallAssembly();
  #known: KnownChunk | undefined;
  #learnt = 0;
  /** What is left of a line that is not complete. */
  #rest = '';
  /** Data lines of the event that is being read. */
  #data: string[] = [];
  #firstLine = true;
  #deltas: ModelDelta[] = [];
  /** Contents of chunks that were copied and not given yet. */
  #copied: string[] = [];
  #finish: string | undefined;
  #said = false;
  #called = false;

  /**
   * Takes bytes, cut anywhere; a chunk of the provider's is best taken as it came.
   *
   * @param bytes as latin1, one character for each
   */
  read(bytes: string): void {
    // Nearly everything a provider sends are whole events, like those before them.
    const known =
      this.#rest === '' && this.#data.length === 0 && !this.done && this.failure === undefined
        ? this.#known
        : undefined;
    const contents = known?.take(bytes, 0);
    if (known !== undefined && contents !== undefined && known.end === bytes.length) {
      this.#copy(contents);
      return;
    }
    this.#guarded(() => {
      this.#take(this.#rest === '' ? bytes : this.#rest + bytes);
      if (this.#rest.length > lineMaxChars)
        throw new ModelError('unreadable', 'a line of the stream has no end');
    });
  }

  /** The bytes have ended, or `[DONE]` was read. */
  end(): void {
    this.#guarded(() => {
      if (!this.done) this.#take(`${this.#rest}\n\n`);
      if (!this.done && this.#finish === undefined)
        throw new ModelError('cut-off', 'the stream ended without a finish');
      if (this.#finish === 'length' && this.#calls.open)
        throw new ModelError('unreadable', 'a tool call was cut off at the token limit');
      this.#call(this.#calls.end());
      if (!this.#said && !this.#called)
        throw new ModelError('empty', 'the model gave neither words nor a tool call');
      this.#flush();
      const reason = this.#called ? 'tool_calls' : this.#finish === 'length' ? 'length' : 'stop';
      this.#deltas.push({ type: 'finish', reason });
    });
  }

  /** What was completed since the last time this was asked, in order; words that stand together as one. */
  given(): ModelDelta[] {
    this.#flush();
    if (this.#deltas.length === 0) return none;
    const deltas = this.#deltas;
    this.#deltas = [];
    return deltas;
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

  /** Lines of server-sent events: any line ending, comments skipped, several data lines of an event joined. */
  #take(text: string): void {
    let at = 0;
    while (at < text.length && !this.done) {
      const contents = this.#data.length === 0 ? this.#known?.take(text, at) : undefined;
      if (contents !== undefined && this.#known !== undefined) {
        at = this.#known.end;
        this.#copy(contents);
        continue;
      }
      const line = lineAt(text, at);
      if (line === undefined) break;
      this.#line(text.slice(at, line.end));
      at = line.next;
    }
    this.#rest = text.slice(at);
  }

  #line(line: string): void {
    const from = this.#firstLine && line.startsWith(byteOrderMark) ? byteOrderMark.length : 0;
    this.#firstLine = false;
    if (line.startsWith('data:', from)) this.#data.push(line.slice(from));
    else if (line === '' && this.#data.length > 0) {
      const lines = this.#data;
      this.#data = [];
      this.#event(lines);
    }
  }

  #event(lines: string[]): void {
    const data = utf8(lines.map(dataOf).join('\n'));
    if (data === '[DONE]') {
      this.done = true;
      return;
    }
    const chunk = parseChunk(data);
    refuseError(chunk);
    const choice = (chunk.choices ?? []).find((one) => (one?.index ?? 0) === 0);
    if (choice === undefined || choice === null) return;
    const text = spokenText(choice.delta);
    if (text !== '') this.#say(text);
    if (isWords(choice) && lines.length === 1 && lines[0] !== undefined) this.#learn(lines[0], text);
    for (const fragment of choice.delta?.tool_calls ?? []) this.#call(this.#calls.add(fragment));
    this.#finish = choice.finish_reason ?? this.#finish;
  }

  #learn(line: string, text: string): void {
    if (this.#learnt >= learntMax) return;
    this.#learnt += 1;
    this.#known = KnownChunk.of(line, latin1(text));
  }

  #copy(contents: string[]): void {
    for (const content of contents) {
      if (content === '') continue;
      this.#said = true;
      this.#copied.push(content);
    }
  }

  #say(text: string): void {
    this.#said = true;
    this.#flush();
    this.#deltas.push({ type: 'text', text });
  }

  #call(calls: ReturnType<ToolCallAssembly['add']>): void {
    for (const call of calls) {
      this.#called = true;
      this.#flush();
      this.#deltas.push({ type: 'tool-call', ...call });
    }
  }

  /** Chunks that were copied one behind the other are given as one delta. */
  #flush(): void {
    if (this.#copied.length === 0) return;
    this.#deltas.push({ type: 'text', text: utf8(this.#copied.join('')), contents: this.#copied });
    this.#copied = [];
  }
}

const none: ModelDelta[] = [];
const byteOrderMark = '\u00ef\u00bb\u00bf';

/** The line that begins at `at`: where it ends and the next begins. Nothing while its end has not come. */
function lineAt(text: string, at: number): { end: number; next: number } | undefined {
  const feed = text.indexOf('\n', at);
  const end = feed === -1 ? text.length : feed;
  const back = text.slice(at, end).indexOf('\r');
  if (back === -1) return feed === -1 ? undefined : { end, next: end + 1 };
  // A carriage return at the very end may be half of a line ending: it waits for the next bytes.
  if (at + back + 1 === text.length) return undefined;
  return { end: at + back, next: at + back + (text[at + back + 1] === '\n' ? 2 : 1) };
}

function dataOf(line: string): string {
  return line.slice(line[5] === ' ' ? 6 : 5);
}

/** What bytes held as latin1 spell. */
function utf8(bytes: string): string {
  return /[\u0080-\u00ff]/.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
}

/** The bytes of a text, held as latin1. */
function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
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

/** Whether a chunk holds words to be spoken and nothing that must be looked at in another one like it. */
function isWords({ delta, finish_reason }: Choice): boolean {
  return (
    typeof delta?.content === 'string' &&
    delta.content !== '' &&
    (delta.tool_calls ?? []).length === 0 &&
    delta.extra_content?.google?.thought !== true &&
    (finish_reason ?? null) === null
  );
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
