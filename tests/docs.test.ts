import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

/** A page's problems are found by its text and its place in the repository. */
interface Page {
  /** From the root, e.g. `docs/texts.md`. */
  path: string;
  text: string;
}

const root = join(import.meta.dirname, '..');
const pages = globSync(['*.md', 'docs/**/*.md', '{src,bench,tests}/README.md'], { cwd: root }).map(readPage);
/** A newcomer reads no more in one sitting. */
const readmeLinesMax = 160;

describe('the pages', () => {
  test('are found', () => {
    const paths = pages.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'src/README.md']));
    expect(paths.filter((path) => path.startsWith('docs/')).length).toBeGreaterThanOrEqual(11);
  });

  test.each(pages.map((page) => [page.path, page] as const))(
    '%s names nothing that is not there',
    (_, page) => {
      expect([...brokenLinks(page), ...missingPaths(page), ...unknownNames(page)]).toEqual([]);
    },
  );

  test('can all be reached from the README', () => {
    const reached = new Set(['README.md']);
    for (const path of reached) {
      for (const target of linksOf(readPage(path))) {
        const [file = ''] = target.split('#');
        const linked = normalize(join(dirname(path), file));
        if (file.endsWith('.md') && existsSync(join(root, linked))) reached.add(linked);
      }
    }
    expect(pages.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
  });

  test('the README is short', () => {
    expect(readPage('README.md').text.trimEnd().split('\n').length).toBeLessThanOrEqual(readmeLinesMax);
  });

  test('docs/environment.md has every variable of the configuration, and no other', () => {
    const read = [
      ...readFileSync(join(root, 'src/config.ts'), 'utf8').matchAll(/^ {4}([A-Z][A-Z0-9_]*):/gm),
    ].map(([, name = '']) => name);
    expect(read.length).toBeGreaterThan(20);
    expect(firstCells(readPage('docs/environment.md').text).sort()).toEqual(read.sort());
  });

  test('the README has a reason for every dependency, and no other', () => {
    const { dependencies, devDependencies } = packageFile();
    const [, section = ''] =
      /^## Why each dependency is there\n(.*?)^## /ms.exec(readPage('README.md').text) ?? [];
    const [development, ...more] = section.split('\n').filter((line) => line.startsWith('| to develop:'));
    expect(more).toEqual([]);
    const needed = firstCells(section.replace(development ?? '', ''));
    expect(unmatched(needed, Object.keys(dependencies))).toEqual([]);
    expect(unmatched(firstCells(development ?? ''), Object.keys(devDependencies))).toEqual([]);
  });
});

describe('the checks themselves', () => {
  const page = (text: string): Page => ({ path: 'docs/texts.md', text });

  test('find a broken link, picture and anchor', () => {
    expect(brokenLinks(page('[a](prompts.md) [b](../README.md#ten-words) [c](https://vapi.ai)'))).toEqual([]);
    expect(brokenLinks(page('[a](nowhere.md)'))).toHaveLength(1);
    expect(brokenLinks(page('![a](console/nowhere.png)'))).toHaveLength(1);
    expect(brokenLinks(page('[a](prompts.md#nowhere)'))).toHaveLength(1);
    expect(brokenLinks(page('[a](#limits)\n\n## Limits'))).toEqual([]);
    expect(brokenLinks(page('```\n[a](nowhere.md)\n```'))).toEqual([]);
  });

  test('find a path that is not there, with a gap or a star in it too', () => {
    expect(missingPaths(page('`src/app.ts`, `prompts/speech/<language>/*.liquid`, `src/tools`'))).toEqual([]);
    expect(missingPaths(page('`src/nowhere.ts`'))).toHaveLength(1);
    expect(missingPaths(page('`prompts/speech/<language>/nowhere.liquid`'))).toHaveLength(1);
    expect(missingPaths({ path: 'bench/README.md', text: '`run.ts`, `nowhere.ts`' })).toHaveLength(1);
  });

  test('find a command, a figure and a package that are not there', () => {
    expect(unknownNames(page('`npm run call -- --list`, `npm start`, `holdline_texts_total`'))).toEqual([]);
    expect(unknownNames(page('`npm run nowhere`'))).toHaveLength(1);
    expect(unknownNames(page('`holdline_nowhere_total`'))).toHaveLength(1);
    expect(unmatched(['a', '@b/*'], ['a', '@b/c', '@b/d'])).toEqual([]);
    expect(unmatched(['a', '@b/*'], ['a', 'e'])).toEqual(['@b/*', 'e']);
  });
});

function readPage(path: string): Page {
  return { path, text: readFileSync(join(root, path), 'utf8') };
}

function packageFile() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    'dependencies' | 'devDependencies' | 'scripts',
    Record<string, string>
  >;
}

/** Without blocks of code: what stands in them is shown, not referred to. */
function prose(text: string): string {
  return text.replace(/^```.*?^```$/gms, '');
}

/** What stands between backticks in the prose. */
function codeWords(text: string): string[] {
  return [...prose(text).matchAll(/`([^`\n]+)`/g)].map(([, word = '']) => word);
}

function linksOf({ text }: Page): string[] {
  const written = prose(text).replace(/`[^`\n]+`/g, (code) => (code.includes('](') ? '' : code));
  return [...written.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}

function brokenLinks(page: Page): string[] {
  return linksOf(page).flatMap((target) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [file = '', anchor] = target.split('#');
    const path = file === '' ? page.path : normalize(join(dirname(page.path), file));
    if (!existsSync(join(root, path))) return [`${page.path} links to ${target}, which is not there`];
    if (anchor === undefined) return [];
    const { text } = file === '' ? page : readPage(path);
    return anchorsOf(text).includes(anchor)
      ? []
      : [`${page.path} links to ${target}, which has no such heading`];
  });
}

/** As GitHub makes them: lower case, no punctuation, hyphens for spaces. */
function anchorsOf(text: string): string[] {
  return [...prose(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

const folders = /^(?:src|tests|migrations|prompts|bench|docs|examples|patches)(?:\/|$)/;

/** Paths of this repository that a page names; in the page of a folder, also files of that folder or of the root. */
function missingPaths({ path, text }: Page): string[] {
  const here = dirname(path);
  const ofFolder = basename(path) === 'README.md' && here !== '.';
  return codeWords(text)
    .filter((word) => /^[\w./<>{},*…-]+$/.test(word) && !unnamed.test(word))
    .filter((word) => {
      const places = folders.test(word)
        ? [word]
        : ofFolder && /^[\w/-]+\.(?:tsx?|mjs|json|txt|svg)$/.test(word)
          ? [join(here, word), word]
          : [];
      const patterns = places.map((place) => place.replace(/<[^>]+>|…/g, '*').replace(/\/$/, ''));
      return places.length > 0 && globSync(patterns, { cwd: root }).length === 0;
    })
    .map((word) => `${path} names ${word}, which is not there`);
}

/** A file that somebody is told to make, or that has another name each time. */
const unnamed = /NNNN|<date>/;

/** Commands and figures that a page names. */
function unknownNames({ path, text }: Page): string[] {
  const { scripts } = packageFile();
  const source = globSync('src/**/*.ts', { cwd: root })
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n');
  const commands = [...text.matchAll(/\bnpm run ([a-z][a-z-]*)/g)].map(([, name = '']) => name);
  const figures = [...text.matchAll(/\bholdline_\w+_(?:total|seconds)\b/g)].map(([name]) => name);
  return [
    ...commands.filter((name) => scripts[name] === undefined).map((name) => `${path} names npm run ${name}`),
    ...figures.filter((name) => !source.includes(`'${name}'`)).map((name) => `${path} names ${name}`),
  ];
}

/** What stands in backticks in the first cell of each row. */
function firstCells(text: string): string[] {
  return [...text.matchAll(/^\|([^|]*)\|/gm)].flatMap(([, cell = '']) => codeWords(cell));
}

/** Names that only one of two lists has. In the first, `@types/*` stands for all that begin so. */
function unmatched(patterns: string[], names: string[]): string[] {
  const fits = (pattern: string, name: string) =>
    pattern.endsWith('/*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
  return [
    ...patterns.filter((pattern) => !names.some((name) => fits(pattern, name))),
    ...names.filter((name) => !patterns.some((pattern) => fits(pattern, name))),
  ];
}
