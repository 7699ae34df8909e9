import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

/** Rooms in the table's order, from the doors down: a room may only be allowed what stands below it. */
type Rooms = Map<string, string[]>;

const source = join(import.meta.dirname, '../src');
const outside = new Set(['main.ts', 'app.ts', 'config.ts', 'commands']);

describe('the table of rooms', () => {
  const rooms = readRooms(readFileSync(join(source, 'README.md'), 'utf8'));
  const files = globSync('**/*.{ts,tsx,mjs}', { cwd: source });

  test('reads every room and every file', () => {
    expect(rooms.size).toBeGreaterThan(5);
    expect(files.length).toBeGreaterThan(rooms.size);
  });

  test('is obeyed by every import', () => {
    const broken = files.flatMap((file) => brokenBy(rooms, file, readFileSync(join(source, file), 'utf8')));
    expect(broken).toEqual([]);
  });

  test('gives no permission that points back up', () => {
    expect(upward(rooms)).toEqual([]);
  });
});

describe('the guard itself', () => {
  const rooms: Rooms = new Map([
    ['vapi', ['booking']],
    ['booking', []],
  ]);

  test('sees a forbidden import, also of types, re-exported and dynamic', () => {
    for (const line of [
      `import { a } from '#vapi/a.ts';`,
      `import type { A } from '#vapi/a.ts';`,
      `export { a } from "#vapi/a.ts";`,
      `const a = await import('#vapi/a.ts');`,
      `import '#vapi/a.ts';`,
    ]) {
      expect(brokenBy(rooms, 'booking/holds.ts', line), line).toHaveLength(1);
    }
    expect(brokenBy(rooms, 'vapi/a.ts', `import { holds } from '#booking/holds.ts';`)).toEqual([]);
  });

  test('sees a way around the table', () => {
    expect(brokenBy(rooms, 'booking/holds.ts', `import { a } from '../vapi/a.ts';`)).toHaveLength(1);
    expect(brokenBy(rooms, 'booking/holds.ts', `import { config } from '#config.ts';`)).toHaveLength(1);
    expect(brokenBy(rooms, 'booking/holds.ts', `import { call } from '#commands/call.ts';`)).toHaveLength(1);
  });

  test('sees a room that is not listed', () => {
    expect(brokenBy(rooms, 'utils/text.ts', '')).toHaveLength(1);
  });

  test('sees a permission that points back up', () => {
    expect(
      upward(
        new Map([
          ['vapi', ['booking']],
          ['booking', ['vapi']],
        ]),
      ),
    ).toEqual(['booking → vapi']);
    expect(upward(new Map([['vapi', ['cellar']]]))).toEqual(['vapi → cellar']);
  });
});

function readRooms(readme: string): Rooms {
  const rows = readme.matchAll(/^\|\s*`([a-z]+)`\s*\|[^|]*\|([^|]*)\|\s*$/gm);
  return new Map([...rows].map(([, room = '', allowed = '']) => [room, allowed.match(/[a-z]+/g) ?? []]));
}

function brokenBy(rooms: Rooms, file: string, text: string): string[] {
  const [room = ''] = file.split('/');
  if (!rooms.has(room)) return outside.has(room) ? [] : [`src/${file} is in no room of the table`];
  const broken: string[] = [];
  for (const [, wanted = ''] of text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g)) {
    const crossing = wanted.startsWith('.')
      ? join(dirname(file), wanted).split('/')[0]
      : /^#([^/]+)/.exec(wanted)?.[1];
    if (crossing === undefined || crossing === room) continue;
    if (wanted.startsWith('.') || !rooms.get(room)?.includes(crossing))
      broken.push(`src/${file} imports ${wanted}`);
  }
  return broken;
}

function upward(rooms: Rooms): string[] {
  const order = [...rooms.keys()];
  return [...rooms].flatMap(([room, allowed]) =>
    allowed
      .filter((other) => order.indexOf(other) <= order.indexOf(room))
      .map((other) => `${room} → ${other}`),
  );
}
