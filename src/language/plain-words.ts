/**
 * How one language is put into the plain form that days and times are read from: English words, numbers as digits.
 * The tables are applied in order; English's own come last, because models pass English words on in any language.
 */
export interface SaidWords {
  /** Whether 3/12 is the third of December. */
  dayFirst: boolean;
  /** What stands for a number, in lower case. */
  numbers: ReadonlyMap<string, number>;
  /** What stands for a day of the month, in lower case. */
  ordinals: ReadonlyMap<string, number>;
  phrases: readonly Phrase[];
}

export type Phrase = readonly [RegExp, string | ((match: string, ...groups: string[]) => string)];

/** A pattern that matches whole words only, in any alphabet. `<weekday>` and `<month>` stand for the plain names. */
export function phrase(source: string): RegExp {
  const filled = source.replaceAll('<weekday>', `(${weekdays})`).replaceAll('<month>', `(${months})`);
  return new RegExp(`(?<![\\p{L}\\d])(?:${filled})(?![\\p{L}\\d])`, 'gu');
}

export const weekdayNames = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
export const monthNames = [
  ...['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september'],
  ...['october', 'november', 'december'],
];
const weekdays = weekdayNames.join('|');
const months = monthNames.join('|');

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
export function plainWords(text: string, languages: readonly SaidWords[]): string {
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
