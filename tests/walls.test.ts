import { describe, expect, test } from 'vitest';
import { importsOf, roomsReadme, sourceFiles } from './source-files.ts';

/** Rooms in the table's order, from the doors down: a room may only be allowed what stands below it. */
type Rooms = Map<string, Room>;

interface Room {
  /** Paths in the room, without `.ts`, of the files that others may import. */
  shows: string[];
  mayImport: string[];
}

type Files = Map<string, string>;

const outside = new Set(['main.ts', 'app.ts', 'config.ts', 'commands']);

describe('the table of rooms', () => {
  const rooms = readRooms(roomsReadme());
  const files = sourceFiles();

  test('reads every room and every file', () => {
    expect(rooms.size).toBeGreaterThan(5);
    expect(files.size).toBeGreaterThan(rooms.size);
  });

  test('names every room', () => {
    expect(unlisted(rooms, files)).toEqual([]);
  });

  test('is obeyed by every import', () => {
    expect(forbidden(rooms, files)).toEqual([]);
  });

  test('shows every file that somebody outside its room imports', () => {
    expect(unshown(rooms, files)).toEqual([]);
  });

  test('shows no file that nobody outside its room imports', () => {
    expect(shownToNobody(rooms, files)).toEqual([]);
  });

  test('gives no permission that points back up', () => {
    expect(upward(rooms)).toEqual([]);
  });

  test('gives no permission that nobody uses', () => {
    expect(unused(rooms, files)).toEqual([]);
  });

  test('shows few files of the rooms that decide what is booked', () => {
    const shown = ['booking', 'availability'].flatMap((room) => rooms.get(room)?.shows ?? []);
    expect(shown.length).toBeGreaterThan(0);
    expect(shown.length).toBeLessThanOrEqual(12);
  });
});

describe('the guard itself', () => {
  const rooms = readRooms(`
| room | owns | shows | may import |
| --- | --- | --- | --- |
| \`vapi\` | a platform | – | booking |
| \`booking\` | the ledger | holds, wire/slots | – |
`);
  const from = (path: string, ...lines: string[]): Files => new Map([[path, lines.join('\n')]]);

  test('reads the table', () => {
    expect(rooms).toEqual(
      new Map([
        ['vapi', { shows: [], mayImport: ['booking'] }],
        ['booking', { shows: ['holds', 'wire/slots'], mayImport: [] }],
      ]),
    );
  });

  test('sees a forbidden import, also of types, re-exported and dynamic', () => {
    for (const line of [
      `import { a } from '#vapi/a.ts';`,
      `import type { A } from '#vapi/a.ts';`,
      `export { a } from "#vapi/a.ts";`,
      `const a = await import('#vapi/a.ts');`,
      `import '#vapi/a.ts';`,
    ]) {
      expect(forbidden(rooms, from('booking/holds.ts', line)), line).toHaveLength(1);
    }
    expect(forbidden(rooms, from('vapi/a.ts', `import { holds } from '#booking/holds.ts';`))).toEqual([]);
  });

  test('sees a way around the table', () => {
    for (const line of [
      `import { a } from '../vapi/a.ts';`,
      `import { config } from '#config.ts';`,
      `import { call } from '#commands/call.ts';`,
    ]) {
      expect(forbidden(rooms, from('booking/holds.ts', line)), line).toHaveLength(1);
    }
    expect(forbidden(rooms, from('vapi/a.ts', `import { holds } from '../booking/holds.ts';`))).toHaveLength(
      1,
    );
  });

  test('sees a room that is not listed', () => {
    expect(unlisted(rooms, from('utils/text.ts'))).toHaveLength(1);
    expect(unlisted(rooms, from('vapi/a.ts'))).toEqual([]);
    expect(unlisted(rooms, from('commands/call.ts'))).toEqual([]);
  });

  test('sees a permission that points back up, or to a room that is not there', () => {
    const upside = new Map([
      ['vapi', { shows: [], mayImport: ['booking', 'cellar'] }],
      ['booking', { shows: [], mayImport: ['vapi'] }],
    ]);
    expect(upward(upside)).toEqual(['vapi → cellar', 'booking → vapi']);
  });

  test('sees a permission that nobody uses', () => {
    expect(unused(rooms, from('vapi/a.ts', `import { a } from './b.ts';`))).toEqual(['vapi → booking']);
    expect(unused(rooms, from('vapi/a.ts', `import type { Hold } from '#booking/holds.ts';`))).toEqual([]);
  });

  test('sees an import of a file that its room does not show, from a room and from outside', () => {
    for (const path of ['vapi/a.ts', 'app.ts', 'commands/call/a.ts']) {
      expect(unshown(rooms, from(path, `import { b } from '#booking/inner.ts';`)), path).toHaveLength(1);
      expect(unshown(rooms, from(path, `import { b } from '#booking/slots.ts';`)), path).toHaveLength(1);
      expect(unshown(rooms, from(path, `import { b } from '#booking/wire/slots.ts';`)), path).toEqual([]);
    }
    expect(unshown(rooms, from('commands/a.ts', `import { b } from '../booking/inner.ts';`))).toHaveLength(1);
    expect(unshown(rooms, from('booking/a.ts', `import { b } from './inner.ts';`))).toEqual([]);
  });

  test('sees a file that is shown to nobody', () => {
    const files = new Map([
      ['app.ts', `import { b } from '#booking/holds.ts';`],
      ['booking/inner.ts', `import { c } from './wire/slots.ts';`],
    ]);
    expect(shownToNobody(rooms, files)).toEqual(['booking/wire/slots.ts']);
  });
});

function readRooms(readme: string): Rooms {
  const rows = readme.matchAll(/^\|\s*`([a-z]+)`\s*\|[^|]*\|([^|]*)\|([^|]*)\|\s*$/gm);
  return new Map(
    [...rows].map(([, room = '', shows = '', mayImport = '']) => [
      room,
      { shows: shows.match(/[a-z][a-z/-]*/g) ?? [], mayImport: mayImport.match(/[a-z]+/g) ?? [] },
    ]),
  );
}

function unlisted(rooms: Rooms, files: Files): string[] {
  return [...files.keys()]
    .filter((path) => !rooms.has(roomOf(path)) && !outside.has(roomOf(path)))
    .map((path) => `src/${path} is in no room of the table`);
}

function forbidden(rooms: Rooms, files: Files): string[] {
  return crossings(files)
    .filter(({ room, other, written }) => {
      const from = rooms.get(room);
      return from !== undefined && (written.startsWith('.') || !from.mayImport.includes(other));
    })
    .map(told);
}

function unshown(rooms: Rooms, files: Files): string[] {
  return crossings(files)
    .filter(({ other, path }) => {
      const shown = rooms.get(other)?.shows.map((name) => `${other}/${name}.ts`);
      return shown !== undefined && !shown.includes(path);
    })
    .map(told);
}

function shownToNobody(rooms: Rooms, files: Files): string[] {
  const imported = new Set(crossings(files).map(({ path }) => path));
  return [...rooms].flatMap(([room, { shows }]) =>
    shows.map((name) => `${room}/${name}.ts`).filter((path) => !imported.has(path)),
  );
}

function unused(rooms: Rooms, files: Files): string[] {
  const used = new Set(crossings(files).map(({ room, other }) => `${room} → ${other}`));
  return permissions(rooms).filter((permission) => !used.has(permission));
}

function upward(rooms: Rooms): string[] {
  const order = [...rooms.keys()];
  return permissions(rooms).filter((permission) => {
    const [room = '', other = ''] = permission.split(' → ');
    return order.indexOf(other) <= order.indexOf(room);
  });
}

function permissions(rooms: Rooms): string[] {
  return [...rooms].flatMap(([room, { mayImport }]) => mayImport.map((other) => `${room} → ${other}`));
}

/** An import that leaves a room, or a file outside the rooms. */
interface Crossing {
  from: string;
  room: string;
  other: string;
  written: string;
  path: string;
}

function crossings(files: Files): Crossing[] {
  return [...files].flatMap(([from, text]) =>
    importsOf(from, text)
      .map((one) => ({ ...one, from, room: roomOf(from), other: roomOf(one.path) }))
      .filter(({ room, other }) => room !== other),
  );
}

function roomOf(path: string): string {
  return path.split('/')[0] ?? '';
}

function told({ from, written }: Crossing): string {
  return `src/${from} imports ${written}`;
}
