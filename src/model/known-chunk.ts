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
  /** From the end of one content to the next, where nothing is padded. */
  readonly #between: string | undefined;
  /** Where the chunk that was taken last ends. */
  end = 0;

  private constructor(head: string, middle: string, tail: string | undefined) {
    this.#head = head;
    this.#middle = middle;
    this.#tail = tail;
    this.#between = tail === undefined ? middle + head : undefined;
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
   * Takes the chunks of this kind that begin at `at` one behind the other and are complete; `end` is then where the
   * last of them ends.
   *
   * @returns their contents' bytes between the quotation marks, or nothing
   */
  take(text: string, at: number): string[] | undefined {
    const together = this.#between === undefined ? undefined : this.#takeTogether(text, at, this.#between);
    if (together !== undefined) return together;
    const contents: string[] = [];
    this.end = at;
    for (;;) {
      const start = this.end;
      const content = this.#takeOne(text, start);
      if (content === undefined) {
        this.end = start;
        return contents.length === 0 ? undefined : contents;
      }
      contents.push(content);
    }
  }

  /** What lies between the contents of equal chunks is found in a quarter of the time it takes to look at each. */
  #takeTogether(text: string, at: number, between: string): string[] | undefined {
    const closed = text.lastIndexOf(this.#middle);
    if (closed < at + this.#head.length || !isAt(text, at, this.#head)) return undefined;
    const inside = text.slice(at + this.#head.length, closed);
    const contents = inside.split(between);
    // A chunk of another kind in between leaves its quotation marks.
    if (!isPlain(contents.length === 1 ? inside : contents.join(''))) return undefined;
    this.end = closed + this.#middle.length;
    return contents;
  }

  #takeOne(text: string, at: number): string | undefined {
    if (!isAt(text, at, this.#head)) return undefined;
    const opened = at + this.#head.length;
    const closed = text.indexOf('"', opened);
    if (closed === -1 || !isAt(text, closed, this.#middle)) return undefined;
    const content = text.slice(opened, closed);
    if (!isPlain(content)) return undefined;
    this.end = closed + this.#middle.length;
    if (this.#tail === undefined) return content;
    const padded = text.indexOf('"', this.end);
    if (padded === -1 || !isAt(text, padded, this.#tail) || !isPlain(text.slice(this.end, padded)))
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

/** Whether `part` stands at a place: compared as a whole, which `startsWith` does character by character. */
function isAt(text: string, at: number, part: string): boolean {
  return text.slice(at, at + part.length) === part;
}

/** Whether a string's bytes mean themselves: no escapes, nothing that may not stand in JSON, no mark of thinking. */
function isPlain(content: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that may not stand in a JSON string
  return !/[\u0000-\u001f"\\<]/.test(content);
}
