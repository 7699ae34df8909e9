import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { describe, expect, inject, test } from 'vitest';
import { migrate } from '#storage/migrate.ts';
import { createLog } from '#telemetry/log.ts';
import { openDataFolder } from '../../data-folder.ts';
import { withDatabase } from '../../template-database.ts';

const log = createLog({ level: 'silent', pretty: false });

interface Place extends AsyncDisposable {
  url: string;
  folder: string;
  sql: Sql;
  write(name: string, text: string): Promise<void>;
  run(): Promise<string[]>;
  applied(): Promise<string[]>;
}

let opened = 0;

/** An empty database and a folder of migrations; both are gone afterwards. */
async function openPlace(): Promise<Place> {
  await using opening = new AsyncDisposableStack();
  const data = opening.use(await openDataFolder());
  const name = `migrate_${process.pid}_${++opened}`;
  const adminUrl = withDatabase(inject('template').ownerUrl, 'postgres');
  const admin = postgres(adminUrl, { max: 1, onnotice: () => {} });
  opening.defer(() => admin.end());
  await admin.unsafe(`create database ${name}`);
  opening.defer(async () => {
    await admin.unsafe(`drop database ${name} with (force)`);
  });
  const folder = join(data.path, 'migrations');
  await mkdir(folder);
  const url = withDatabase(adminUrl, name);
  const sql = opening.adopt(postgres(url, { max: 2, onnotice: () => {} }), (pool) => pool.end());
  const all = opening.move();
  return {
    url,
    folder,
    sql,
    write: (file, text) => writeFile(join(folder, file), text),
    run: () => migrate({ url, folder, log }),
    applied: async () =>
      (await sql<{ name: string }[]>`select name from schema_migrations order by number`).map(
        (row) => row.name,
      ),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function writeTwo(place: Place): Promise<void> {
  await place.write('0001-first.sql', 'create table steps (n integer); insert into steps values (1);');
  await place.write('0002-second.sql', 'insert into steps select max(n) + 1 from steps;');
}

async function steps({ sql }: Place): Promise<number[]> {
  return (await sql<{ n: number }[]>`select n from steps order by n`).map(({ n }) => n);
}

describe('applying', () => {
  test('files are applied in order and once', async () => {
    await using place = await openPlace();
    await writeTwo(place);
    expect(await place.run()).toEqual(['0001-first', '0002-second']);
    expect(await place.run()).toEqual([]);
    expect(await steps(place)).toEqual([1, 2]);
  });

  test('a new file is applied on top', async () => {
    await using place = await openPlace();
    await writeTwo(place);
    await place.run();
    await place.write('0003-third.sql', 'insert into steps values (3);');
    expect(await place.run()).toEqual(['0003-third']);
    expect(await place.applied()).toEqual(['0001-first', '0002-second', '0003-third']);
  });

  test('many migrating at once all succeed and each file is applied once', async () => {
    await using place = await openPlace();
    await place.write(
      '0001-first.sql',
      'create table steps (n integer); insert into steps values (1); select pg_sleep(0.2);',
    );
    await place.write('0002-second.sql', 'select pg_sleep(0.2); insert into steps values (2);');
    const done = await Promise.all(Array.from({ length: 5 }, place.run));
    expect(done.flat().sort()).toEqual(['0001-first', '0002-second']);
    expect(await steps(place)).toEqual([1, 2]);
  });

  test('other line ends are no edit', async () => {
    await using place = await openPlace();
    await place.write('0001-first.sql', 'create table steps\n(n integer);\n');
    await place.run();
    await place.write('0001-first.sql', 'create table steps\r\n(n integer);\r\n');
    expect(await place.run()).toEqual([]);
  });
});

describe('refusing', () => {
  test('a file that was edited after it was applied', async () => {
    await using place = await openPlace();
    await writeTwo(place);
    await place.run();
    await place.write('0001-first.sql', 'create table steps (n bigint);');
    await expect(place.run()).rejects.toThrow(/0001-first\.sql was changed after it was applied/);
  });

  test('a gap in the numbers', async () => {
    await using place = await openPlace();
    await writeTwo(place);
    await rename(join(place.folder, '0002-second.sql'), join(place.folder, '0003-second.sql'));
    await expect(place.run()).rejects.toThrow(
      /0003-second\.sql is out of order: 0002-name\.sql belongs here/,
    );
    expect((await place.sql`select to_regclass('steps') as name`)[0]?.['name']).toBeNull();
  });

  test.each(['2-second.sql', '0002_second.sql', '0002-Second.sql', '0001-again.sql'])(
    'a file named %s',
    async (name) => {
      await using place = await openPlace();
      await place.write('0001-first.sql', 'create table steps (n integer);');
      await place.write(name, 'select 1;');
      await expect(place.run()).rejects.toThrow(/is out of order/);
    },
  );

  test('a database that is newer than the folder', async () => {
    await using place = await openPlace();
    await writeTwo(place);
    await place.run();
    await rm(join(place.folder, '0002-second.sql'));
    await expect(place.run()).rejects.toThrow(/0002-second, which this Holdline does not know; update/);
  });

  test('an address where nothing answers, without telling the password', async () => {
    await using place = await openPlace();
    await writeTwo(place);
    const url = 'postgres://someone:a-secret@127.0.0.1:1/x';
    const error = await migrate({ url, folder: place.folder, log }).catch((thrown: Error) => thrown);
    expect(String(error)).toMatch(/nothing answers at 127\.0\.0\.1:1/);
    expect(String(error)).not.toContain('a-secret');
  });
});

describe('failing', () => {
  test('the failing file leaves nothing behind and those before it stay', async () => {
    await using place = await openPlace();
    await writeTwo(place);
    await place.write('0003-third.sql', 'create table half (n integer); select 1 / 0;');
    await expect(place.run()).rejects.toThrow(/0003-third failed and was rolled back: division by zero/);
    expect(await place.applied()).toEqual(['0001-first', '0002-second']);
    expect((await place.sql`select to_regclass('half') as name`)[0]?.['name']).toBeNull();
    await place.write('0003-third.sql', 'create table half (n integer);');
    expect(await place.run()).toEqual(['0003-third']);
  });

  test('a first file that fails leaves an empty database', async () => {
    await using place = await openPlace();
    await place.write('0001-first.sql', 'create table steps (n integer); nonsense;');
    await expect(place.run()).rejects.toThrow(/0001-first failed and was rolled back/);
    expect(await place.sql`select relname from pg_class where relnamespace = 'public'::regnamespace`).toEqual(
      [],
    );
  });
});
