import { wholeWords } from './plain-words.ts';

/** Words in the plain form that are read one thing after the other; what is read is taken away. */
export class UnreadWords {
  rest: string;

  constructor(words: string) {
    this.rest = words;
  }

  /** @param source of a pattern that is written in the code, as it is compiled once and kept */
  take(source: string): RegExpExecArray | undefined {
    const match = patternOf(source).exec(this.rest);
    if (match === null) return undefined;
    this.rest = this.rest.replace(match[0], ' ').replace(/\s+/g, ' ');
    return match;
  }
}

/** One for each `take` in this room. */
const patterns = new Map<string, RegExp>();

function patternOf(source: string): RegExp {
  const known = patterns.get(source) ?? wholeWords(source);
  patterns.set(source, known);
  return known;
}
