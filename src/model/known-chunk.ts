/**
 * What a chunk of words looks like in one stream, learnt from one that was parsed. A chunk that is the same byte for
 * byte outside its content's string is taken without parsing it; every other one is parsed as if this did not exist.
 * Text is held as latin1 here: one character per byte, whatever the bytes spell.
 */
export class KnownChunk {
  /** From the start of the line to the quotation mark that opens the content. */
  readonly #head: string;
  /** From the one that closes it to the end of the event, or to the one that opens the padding. */
  readonly #middle: string;
  /** From the one that closes the padding to the end of the event; absent where nothing is padded. */
  readonly #tail: string | undefined;
  /** Where the chunk that was taken last ends. */
  end = 0;

  private constructor(head: string, middle: string, tail: string | undefined) {
    this.#head = head;
    this.#middle = middle;
    this.#tail = tail;
  }

  /**
   * Learns from a line that was parsed and found to hold nothing but words.
   *
   * @param line the whole line, `data:` included
   * @param content the words that parsing gave
   * @returns nothing where the words cannot be told from the rest for certain
   */
  static of(line: string, content: string): KnownChunk | undefined {
    const opened = line.indexOf(contentMark) + contentMark.length;
    const closed = opened + content.length;
    if (opened < contentMark.length || line.slice(opened, closed) !== content || !isPlain(content))
      return undefined;
    const head = line.slice(0, opened);
    const rest = line.slice(closed);
    const padded = rest.indexOf(paddingMark) + paddingMark.length;
    const known =
      padded < paddingMark.length
        ? new KnownChunk(head, `${rest}\n\n`, undefined)
        : new KnownChunk(head, rest.slice(0, padded), `${rest.slice(rest.indexOf('"', padded))}\n\n`);
    return known.#proves() ? known : undefined;
  }

  /**
   * Takes the chunk that begins at `at`, if it is one of this kind and complete; `end` is then where it ends.
   *
   * @returns the content's bytes between its quotation marks, or nothing
   */
  take(text: string, at: number): string | undefined {
    if (!text.startsWith(this.#head, at)) return undefined;
    const opened = at + this.#head.length;
    const closed = text.indexOf('"', opened);
    if (closed === -1 || !text.startsWith(this.#middle, closed)) return undefined;
    const content = text.slice(opened, closed);
    if (!isPlain(content)) return undefined;
    this.end = closed + this.#middle.length;
    if (this.#tail === undefined) return content;
    const padded = text.indexOf('"', this.end);
    if (padded === -1 || !text.startsWith(this.#tail, padded) || !isPlain(text.slice(this.end, padded)))
      return undefined;
    this.end = padded + this.#tail.length;
    return content;
  }

  /** Whether what is left open are the delta's content and the padding, and nothing else that bears such a name. */
  #proves(): boolean {
    const line = `${this.#head}${probe}${this.#middle}${this.#tail === undefined ? '' : `${probe}${this.#tail}`}`;
    const chunk = JSON.parse(line.slice('data:'.length)) as Probed;
    return (
      chunk.choices?.length === 1 &&
      chunk.choices[0]?.delta?.content === probe &&
      (this.#tail === undefined || chunk.obfuscation === probe)
    );
  }
}

const contentMark = '"content":"';
/** OpenAI pads its chunks to one length with noise, so that their size tells an eavesdropper nothing. */
const paddingMark = '"obfuscation":"';
const probe = '?holdline?';

interface Probed {
  choices?: { delta?: { content?: unknown } }[];
  obfuscation?: unknown;
}

/** Whether a string's bytes mean themselves: no escapes, nothing that may not stand in JSON, no mark of thinking. */
function isPlain(content: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that may not stand in a JSON string
  return !/[\u0000-\u001f"\\<]/.test(content);
}
