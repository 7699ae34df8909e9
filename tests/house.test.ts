import { describe, expect, test } from 'vitest';
import { sourceFiles } from './source-files.ts';

/** A file that is longer is two things. */
const linesMax = 300;

describe('the house', () => {
  const files = sourceFiles();

  test('has no file that is too long', () => {
    expect(tooLong(files)).toEqual([]);
  });

  test('gives no two things one name', () => {
    expect(namesTaken(files)).toEqual([]);
  });
});

describe('the guard itself', () => {
  test('sees a file that is too long', () => {
    const files = new Map([
      ['booking/holds.ts', 'a\n'.repeat(linesMax + 1)],
      ['booking/calls.ts', 'a\n'.repeat(linesMax)],
    ]);
    expect(tooLong(files)).toEqual([`src/booking/holds.ts has ${linesMax + 1} lines`]);
  });

  test('sees a name that two files give to something', () => {
    const first = 'export interface Offer {}\nexport async function reserve() {}\nconst own = 1;';
    for (const second of [
      'export class Offer {}',
      'export type Offer = 1;',
      'export const offer = 1;',
      'export async function reserve() {}',
      'export function* reserve() {}',
    ]) {
      const files = new Map([
        ['booking/holds.ts', first],
        ['tools/toolbox.ts', second],
      ]);
      expect(namesTaken(files), second).toHaveLength(1);
    }
  });

  test('takes a thing and its type, in one file, for one thing', () => {
    const files = new Map([
      ['booking/texts.ts', 'export const textWording = 1;\nexport type TextWording = 1;'],
      ['booking/holds.ts', 'const textWording = 1;\ninterface Own {}'],
    ]);
    expect(namesTaken(files)).toEqual([]);
  });
});

function tooLong(files: Map<string, string>): string[] {
  return [...files]
    .map(([path, text]) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > linesMax)
    .map(({ path, lines }) => `src/${path} has ${lines} lines`);
}

/** Names that several files export something under, whatever their capitals: `offer` and `Offer` are read as one. */
function namesTaken(files: Map<string, string>): string[] {
  const places = new Map<string, Set<string>>();
  for (const [path, text] of files) {
    for (const [, name = ''] of text.matchAll(exported)) {
      const key = name.toLowerCase();
      places.set(key, (places.get(key) ?? new Set()).add(`${name} in src/${path}`));
    }
  }
  return [...places.values()]
    .filter((found) => new Set([...found].map(placeOf)).size > 1)
    .map((found) => [...found].join(', '));
}

function placeOf(found: string): string | undefined {
  return found.split(' in ')[1];
}

const exported =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|const|let|class|interface|type|enum) (\w+)/gm;
