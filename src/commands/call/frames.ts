/** One answer as Vapi would take it from the stream. */
export interface StreamedAnswer {
  text: string;
  toolCalls: { name: string; arguments: string }[];
  /** Rules of the stream that were broken, each with what Vapi does about it where that is known. */
  violations: string[];
}

export interface TurnAnswer extends StreamedAnswer {
  /** From sending the request to the first text, or `undefined` when there was none. */
  firstWordMs: number | undefined;
}

export interface FrameReader {
  /** Bytes as they arrive, cut anywhere, also inside a character. */
  push(bytes: Uint8Array): void;
  /** `broken` when we hung up ourselves: then a missing end is no violation. */
  end(options?: { broken?: boolean }): StreamedAnswer;
}

/** A line longer than this is no frame of ours; without a bound a broken server could fill the memory. */
const lineBytesMax = 1_000_000;

/**
 * Reads server-sent events byte by byte and holds them against the form Vapi needs: `choices` in every frame, the
 * role first, one id, a finish reason, then `[DONE]`, and nothing behind it.
 *
 * @param onText called with each piece of text as it comes
 */
export function createFrameReader(onText: (text: string) => void = () => {}): FrameReader {
  const frames = new FrameCheck(onText);
  let line: number[] = [];
  let data: string[] = [];

  function endLine(): void {
    const text = new TextDecoder().decode(Uint8Array.from(line));
    line = [];
    if (text === '') {
      if (data.length > 0) frames.take(data.join('\n'));
      data = [];
    } else if (text.startsWith('data:')) {
      data.push(text.slice('data:'.length).replace(/^ /, ''));
    }
    // Comments and other fields are allowed in the format and mean nothing here.
  }

  return {
    push(bytes) {
      for (const byte of bytes) {
        if (byte === 0x0a) endLine();
        else if (byte !== 0x0d && line.length < lineBytesMax) line.push(byte);
      }
    },
    end({ broken = false } = {}) {
      if (!broken && (line.length > 0 || data.length > 0))
        frames.violate('the last frame has no empty line behind it');
      return frames.end(broken);
    },
  };
}

class FrameCheck {
  readonly #onText: (text: string) => void;
  readonly #violations = new Set<string>();
  readonly #toolCalls = new Map<number, { id: string; name: string; arguments: string }>();
  #text = '';
  #id: string | undefined;
  #finish: string | undefined;
  #isFirst = true;
  #isDone = false;

  constructor(onText: (text: string) => void) {
    this.#onText = onText;
  }

  violate(problem: string): void {
    this.#violations.add(problem);
  }

  take(data: string): void {
    if (this.#isDone) this.violate('something comes after [DONE]');
    if (data === '[DONE]') {
      if (this.#finish === undefined) this.violate('[DONE] comes before a finish_reason');
      this.#isDone = true;
      return;
    }
    const frame = parse(data);
    if (frame === undefined) this.violate('a frame is not a JSON object');
    else this.#takeFrame(frame);
  }

  end(broken: boolean): StreamedAnswer {
    if (!broken) {
      if (this.#isFirst) this.violate('the stream has no frame');
      if (!this.#isDone) this.violate('the stream ends without [DONE]');
      for (const call of this.#toolCalls.values()) {
        if (parse(call.arguments) === undefined)
          this.violate(`the arguments of ${call.name} are not a JSON object`);
      }
      const called = this.#toolCalls.size > 0;
      if (this.#finish !== undefined && called !== (this.#finish === 'tool_calls')) {
        this.violate(`the finish_reason ${this.#finish} does not fit ${called ? 'a' : 'no'} tool call`);
      }
    }
    const toolCalls = [...this.#toolCalls.values()].map((call) => ({
      name: call.name,
      arguments: call.arguments,
    }));
    return { text: this.#text, toolCalls, violations: [...this.#violations] };
  }

  #takeFrame(frame: Record<string, unknown>): void {
    if (frame['object'] !== 'chat.completion.chunk') this.violate('a frame is no chat.completion.chunk');
    this.#takeId(frame['id']);
    const choices = frame['choices'];
    if (Array.isArray(choices)) for (const choice of choices) this.#takeChoice(object(choice));
    else
      this.violate('a frame has no choices array: Vapi ends the call with "chunk.choices is not iterable"');
  }

  #takeId(id: unknown): void {
    if (typeof id !== 'string' || id === '') this.violate('a frame has no id');
    else if (this.#id !== undefined && this.#id !== id) this.violate('the id changes within one answer');
    else this.#id = id;
  }

  #takeChoice(choice: Record<string, unknown>): void {
    const delta = object(choice['delta']);
    if (this.#isFirst && delta['role'] !== 'assistant') {
      this.violate('the first frame does not carry the role: Vapi is known to hang then');
    }
    this.#isFirst = false;
    const content = delta['content'];
    const calls = delta['tool_calls'];
    if (this.#finish !== undefined && (content || calls))
      this.violate('words or a tool call come after the finish_reason');
    if (typeof content === 'string') {
      this.#text += content;
      if (content !== '') this.#onText(content);
    } else if (content !== undefined && content !== null) this.violate('content is not a string');
    for (const call of Array.isArray(calls) ? calls : []) this.#takeToolCall(object(call));
    const finish = choice['finish_reason'];
    if (typeof finish === 'string') {
      if (this.#finish !== undefined) this.violate('there is more than one finish_reason');
      this.#finish = finish;
    }
  }

  #takeToolCall(part: Record<string, unknown>): void {
    const index = part['index'];
    if (typeof index !== 'number') {
      this.violate('a tool call has no index');
      return;
    }
    const described = object(part['function']);
    const known = this.#toolCalls.get(index);
    const call = known ?? { id: text(part['id']), name: text(described['name']), arguments: '' };
    if (call.id === '' || call.name === '') this.violate('a tool call begins without id or name');
    call.arguments += text(described['arguments']);
    this.#toolCalls.set(index, call);
  }
}

function parse(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? object(value) : undefined;
  } catch {
    return undefined;
  }
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
