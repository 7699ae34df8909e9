import type { UnderstoodWords } from './language.ts';

/** A pattern for a language's phrases: whole words only. `<weekday>` and `<month>` stand for the plain names. */
export function phrase(source: string): RegExp {
  const filled = source.replaceAll('<weekday>', `(${weekdays})`).replaceAll('<month>', `(${months})`);
  return wholeWords(filled, 'g');
}

export const weekdayNames = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
export const monthNames = [
  ...['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september'],
  ...['october', 'november', 'december'],
];
const weekdays = weekdayNames.join('|');
const months = monthNames.join('|');

/** Patterns of the plain names, without a group of their own. */
export const anyWeekday = `(?:${weekdays})`;
export const anyMonth = `(?:${months})`;

/** A pattern that begins and ends with whole words, in any alphabet. */
export function wholeWords(source: string, flags = ''): RegExp {
  return new RegExp(`(?<![\\p{L}\\d])(?:${source})(?![\\p{L}\\d])`, `${flags}u`);
}

/** Lower case, one space between words, no punctuation a transcriber adds, a point only where it belongs to a number. */
function lowered(text: string): string {
  return ` ${text
    .normalize('NFC')
    .toLowerCase()
    .replaceAll('’', "'")
    .replace(/\b([ap])\.? ?m\b\.?/g, '$1m')
    .replace(/[,;!?¿¡"()]/g, ' ')
    .replace(/(?<!\d)\.|\.(?=\.)/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()} `;
}

/** A text in the plain form: the language's words put into English ones, numbers as digits. */
export function plainWords(text: string, languages: readonly UnderstoodWords[]): string {
  let words = lowered(text);
  for (const language of languages) {
    words = replaceWords(words, language.ordinals, (day) => `${day}th`);
    words = replaceWords(words, language.numbers, String);
    for (const [pattern, replacement] of language.phrases) {
      // The second form takes a function; both are the same to the reader.
      words =
        typeof replacement === 'string'
          ? words.replace(pattern, replacement)
          : words.replace(pattern, replacement);
    }
  }
  return words
    .replace(/\.(?!\d)/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

function replaceWords(
  words: string,
  table: ReadonlyMap<string, number>,
  written: (value: number) => string,
): string {
  if (table.size === 0) return words;
  let pattern = patterns.get(table);
  if (pattern === undefined) {
    // Longer ones first: "twenty five" is not twenty and five.
    const alternatives = [...table.keys()].toSorted((a, b) => b.length - a.length).join('|');
    pattern = phrase(alternatives);
    patterns.set(table, pattern);
  }
  return words.replace(pattern, (match) => written(table.get(match) ?? 0));
}

const patterns = new WeakMap<ReadonlyMap<string, number>, RegExp>();
