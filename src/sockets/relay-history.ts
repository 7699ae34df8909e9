import type { HistoryMessage } from '#conversation/turn-events.ts';

/**
 * What was said in a call whose platform keeps no transcript: the caller's words, and of ours those that were heard.
 * Messages of one speaker in a row are one, as a caller who goes on talking has not answered anything in between.
 */
export class RelayHistory {
  #messages: { role: 'user' | 'assistant'; content: string }[] = [];

  get messages(): HistoryMessage[] {
    return this.#messages.map((message) => ({ ...message }));
  }

  /** Goes on from what was kept when another connection carried the call. */
  restore(kept: HistoryMessage[]): void {
    for (const { role, content } of kept) {
      if ((role === 'user' || role === 'assistant') && typeof content === 'string') this.#add(role, content);
    }
  }

  caller(words: string): void {
    this.#add('user', words);
  }

  assistant(words: string): void {
    this.#add('assistant', words);
  }

  /**
   * The caller talked over us: of our last words only those stay that were heard.
   *
   * @param heard as the platform tells it: the latest sentence up to the cut, or all of it
   */
  cutTo(heard: string): void {
    const last = this.#messages.at(-1);
    if (last?.role !== 'assistant') return;
    const kept = heardOf(last.content, heard);
    if (kept === '') this.#messages.pop();
    else last.content = kept;
  }

  #add(role: 'user' | 'assistant', words: string): void {
    const content = words.trim().replace(/\s+/g, ' ');
    if (content === '') return;
    const last = this.#messages.at(-1);
    if (last?.role === role) last.content += ` ${content}`;
    else this.#messages.push({ role, content });
  }
}

/**
 * The part of a text that was heard. A platform's text may have lost capitals, marks and spaces on its way through the
 * voice, so that words are compared by their letters and digits; what cannot be found in the text is believed as it is.
 */
export function heardOf(text: string, heard: string): string {
  const spoken = [...text.matchAll(/\S+/g)].map(({ 0: word, index }) => ({
    letters: lettersOf(word),
    end: index + word.length,
  }));
  const wanted = heard
    .split(/\s+/)
    .map(lettersOf)
    .filter((word) => word !== '');
  if (wanted.length === 0) return '';
  const words = spoken.filter(({ letters }) => letters !== '');
  for (let start = 0; start + wanted.length <= words.length; start += 1) {
    const fits = wanted.every((word, offset) => {
      const { letters } = words[start + offset] ?? { letters: '' };
      // The last one may have been cut in its middle.
      return offset === wanted.length - 1 ? letters.startsWith(word) : letters === word;
    });
    const last = words[start + wanted.length - 1];
    if (fits && last !== undefined) return text.slice(0, last.end);
  }
  return heard.trim().replace(/\s+/g, ' ');
}

function lettersOf(word: string): string {
  return word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}
