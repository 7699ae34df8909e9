import type { Utterance } from '#model/careless/claim.ts';

/** A part of the words is enough to mislead; less than this of them is another sentence that sounds like it. */
const shareHeard = 0.6;
/** Shorter ones stand in other sentences too: they count only as a clause of their own. */
const wordsAlone = 3;
/** A day, a time and a doctor, said in some other way. */
const valueWordsMax = 16;

/** Whether what a sentence claims reached the ear: the words that carry it, most of them in one stretch. */
export function isHeard({ words, around, text }: Utterance, heard: string): boolean {
  const said = wordsOf(words);
  const ear = wordsOf(heard);
  if (said.length === 0) return false;
  if (said.length < wordsAlone) {
    const whole = wordsOf(text);
    if (ear.slice(-said.length).join(' ') === said.join(' ')) return true;
    if (whole.length >= wordsAlone && longestRun(whole, ear) === whole.length) return true;
    return [/[.,;:!?¿¡—–]+/, /[.!?¿¡]+/].some((mark) => partsOf(heard, mark).includes(said.join(' ')));
  }
  if (longestRun(said, ear) >= Math.max(wordsAlone, said.length * shareHeard)) return true;
  // Figures may have been spelled out on the way.
  return /\d/.test(words) && saidAnotherWay(around, ear);
}

/** Letters and figures only, without accents, so that a door's own way with marks changes nothing. */
export function wordsOf(text: string): string[] {
  return text
    .normalize('NFD')
    .replace(/[\u0300-\u036f'’]/g, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}

function partsOf(text: string, mark: RegExp): string[] {
  return text.split(mark).map((part) => wordsOf(part).join(' '));
}

/** How many words of `said`, one behind the other, stand so in what was heard. */
function longestRun(said: string[], ear: string[]): number {
  let longest = 0;
  let above = new Array<number>(ear.length + 1).fill(0);
  for (const word of said) {
    const row = new Array<number>(ear.length + 1).fill(0);
    for (const [at, heard] of ear.entries()) {
      if (heard !== word) continue;
      row[at + 1] = (above[at] ?? 0) + 1;
      longest = Math.max(longest, row[at + 1] ?? 0);
    }
    above = row;
  }
  return longest;
}

/** The words around the values, in order, with something else where the values were. */
function saidAnotherWay(around: string[], ear: string[]): boolean {
  const parts = around.map(wordsOf).filter((part) => part.length > 0);
  if (parts.flat().length < wordsAlone + 1) return false;
  let from = 0;
  for (const [index, part] of parts.entries()) {
    const at = ear.findIndex(
      (_, place) => place >= from && part.every((word, offset) => ear[place + offset] === word),
    );
    if (at === -1 || (index > 0 && at - from > valueWordsMax)) return false;
    from = at + part.length;
  }
  return true;
}
