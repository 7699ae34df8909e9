export type HeardMessage = { role: 'system' | 'assistant' | 'user'; content: string };

/**
 * The conversation as Vapi re-sends it with every request: not what we sent but what was spoken and transcribed again.
 */
export class History {
  readonly #messages: HeardMessage[];

  constructor(systemPrompt: string, firstMessage: string) {
    this.#messages = [{ role: 'system', content: systemPrompt }];
    this.assistant(firstMessage);
  }

  get messages(): HeardMessage[] {
    return this.#messages.map((message) => ({ ...message }));
  }

  /** How many messages the assistant and the caller have in it; Vapi sends both numbers in `metadata`. */
  get turns(): { numAssistantTurns: number; numUserTurns: number } {
    const count = (role: string) => this.#messages.filter((message) => message.role === role).length;
    return { numAssistantTurns: count('assistant'), numUserTurns: count('user') };
  }

  /** Words of the assistant that were heard; messages in a row are one, as in Vapi's history. */
  assistant(words: string): void {
    const heard = asHeard(words);
    if (heard === '') return;
    const last = this.#messages.at(-1);
    if (last?.role === 'assistant') last.content = `${last.content} ${heard}`;
    else this.#messages.push({ role: 'assistant', content: heard });
  }

  user(words: string): void {
    this.#messages.push({ role: 'user', content: words });
  }

  /** The caller went on before the assistant was heard: the last message grows. */
  userGoesOn(words: string): void {
    const last = this.#messages.at(-1);
    if (last?.role === 'user') last.content = `${last.content} ${words}`;
    else this.user(words);
  }
}

/** Text as a transcriber writes it down after it was spoken: no markup, plain punctuation, small first letters. */
export function asHeard(words: string): string {
  return words
    .replace(/<\s*\/?\s*flush\s*\/?>/gi, ' ')
    .replace(/[;:–—…]|\s-\s/g, ',')
    .replace(/!/g, '.')
    .replace(/\s+/g, ' ')
    .replace(
      /(^|[.?]\s)([A-Z])(?=[a-z])/g,
      (_, before: string, letter: string) => before + letter.toLowerCase(),
    )
    .trim();
}

/** The first words of a text, as many as were heard before the caller cut in. */
export function firstWords(text: string, count: number): string {
  return text.trim().split(/\s+/).slice(0, count).join(' ');
}
