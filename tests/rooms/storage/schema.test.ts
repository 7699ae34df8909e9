import { globSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { migrate } from '#storage/migrate.ts';
import { dumpSchema } from '#storage/schema-dump.ts';
import { createLog } from '#telemetry/log.ts';
import { migrationsFolder } from '../../../src/config.ts';
import { openEmptyDatabase } from '../../empty-database.ts';

test('migrations/schema.sql is what the files make of an empty database; npm run migrate -- --dump writes it', async () => {
  await using database = await openEmptyDatabase();
  const log = createLog({ level: 'silent', pretty: false });
  await migrate({ url: database.url, folder: migrationsFolder, log });
  const kept = await readFile(join(migrationsFolder, 'schema.sql'), 'utf8');
  expect(await dumpSchema(database.sql)).toBe(kept.replaceAll('\r\n', '\n'));
});

describe('functions', () => {
  const files = globSync('**/*.sql', { cwd: migrationsFolder }).map((file) => file.replaceAll('\\', '/'));
  const definitions = files.flatMap((file) =>
    functionsIn(readFileSync(join(migrationsFolder, file), 'utf8')).map((name) => ({ file, name })),
  );

  test('stand once', () => {
    const twice = definitions.filter(({ name }, at) =>
      definitions.slice(at + 1).some((other) => other.name === name),
    );
    expect(definitions.length).toBeGreaterThan(90);
    expect(twice).toEqual([]);
  });

  test('stand in migrations/functions only', () => {
    expect(definitions.filter(({ file }) => !file.startsWith('functions/'))).toEqual([]);
  });

  test('have their docs above them', () => {
    const bare = files.flatMap((file) => {
      const lines = readFileSync(join(migrationsFolder, file), 'utf8').split(/\r?\n/);
      return lines.filter((line, at) => functionsIn(line).length > 0 && !lines[at - 1]?.startsWith('-- '));
    });
    expect(bare).toEqual([]);
  });

  test('are all that the database has', async () => {
    const dumped = await readFile(join(migrationsFolder, 'schema.sql'), 'utf8');
    const names = [...dumped.matchAll(/^function (\w+)\(/gm)].map(([, name = '']) => name);
    expect(names.toSorted()).toEqual(definitions.map(({ name }) => name).toSorted());
  });

  test('of a file that is read are found in whatever way they are made', () => {
    for (const text of [
      'create function f()',
      'CREATE OR REPLACE FUNCTION public.f (',
      'create procedure f(',
    ]) {
      expect(functionsIn(text), text).toEqual(['f']);
    }
  });
});

function functionsIn(text: string): string[] {
  const made = /^\s*create\s+(?:or\s+replace\s+)?(?:function|procedure)\s+(?:public\.)?(\w+)/gim;
  return [...text.matchAll(made)].map(([, name = '']) => name);
}
