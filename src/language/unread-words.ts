import { monthNames, weekdayNames } from './plain-words.ts';

/** Patterns of the plain names, without a group of their own. */
export const weekday = `(?:${weekdayNames.join('|')})`;
export const month = `(?:${monthNames.join('|')})`;

/** Words that are read one thing after the other; what is read is taken away. */
export class UnreadWords {
  rest: string;

  constructor(words: string) {
    this.rest = words;
  }

  take(source: string): RegExpExecArray | undefined {
    const match = new RegExp(`(?<![\\p{L}\\d])(?:${source})(?![\\p{L}\\d])`, 'u').exec(this.rest);
    if (match === null) return undefined;
    this.rest = this.rest.replace(match[0], ' ').replace(/\s+/g, ' ');
    return match;
  }
}
