import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The files of `src` by their paths in it, e.g. `booking/holds.ts`, with their text. */
export function sourceFiles(): Map<string, string> {
  const paths = globSync('**/*.{ts,tsx,mjs,css}', { cwd: source }).sort();
  return new Map(paths.map((path) => [path, readFileSync(join(source, path), 'utf8')]));
}

/** The table of rooms as it is written. */
export function roomsReadme(): string {
  return readFileSync(join(source, 'README.md'), 'utf8');
}

/** What a file imports: as it is written, and the path in `src` that this means; packages are left out. */
export interface Import {
  written: string;
  path: string;
}

/** Everything a file imports from `src`: types, re-exports and dynamic imports too. */
export function importsOf(path: string, text: string): Import[] {
  const found = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g);
  return [...found].flatMap(([, written = '']) => {
    if (written.startsWith('#')) return [{ written, path: written.slice(1) }];
    return written.startsWith('.') ? [{ written, path: join(dirname(path), written) }] : [];
  });
}

const source = join(import.meta.dirname, '../src');
