import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sql } from 'postgres';
import { describe, expect, test } from 'vitest';
import { migrate } from '#storage/migrate.ts';
import { isEarlier } from '#storage/release.ts';
import { createLog } from '#telemetry/log.ts';
import { openDataFolder } from '../../data-folder.ts';
import { openEmptyDatabase } from '../../empty-database.ts';

const log = createLog({ level: 'silent', pretty: false });

interface Place extends AsyncDisposable {
  url: string;
  folder: string;
  sql: Sql;
  write(name: string, text: string): Promise<void>;
  run(release?: string): Promise<string[]>;
  applied(): Promise<string[]>;
}

/** An empty database and a folder of migrations; both are gone afterwards. */
async function openPlace(): Promise<Place> {
  await using opening = new AsyncDisposableStack();
  const data = opening.use(await openDataFolder());
  const { url, sql } = opening.use(await openEmptyDatabase());
  const folder = join(data.path, 'migrations');
  await mkdir(join(folder, 'functions/before-tables'), { recursive: true });
  const all = opening.move();
  return {
    url,
    folder,
    sql,
    write: (file, text) => writeFile(join(folder, file), text),
    run: (release = '1.0.0') => migrate({ url, folder, log, release }),
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
    const done = await Promise.all(Array.from({ length: 5 }, () => place.run()));
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
  test('a file that fails leaves the database as it was, also what came before the file', async () => {
    await using place = await openPlace();
    await writeTwo(place);
    await place.run();
    await place.write('0003-third.sql', 'create table third (n integer);');
    await place.write('0004-fourth.sql', 'create table half (n integer); select 1 / 0;');
    await expect(place.run()).rejects.toThrow(/0004-fourth failed and all was rolled back: division by zero/);
    expect(await place.applied()).toEqual(['0001-first', '0002-second']);
    expect(await place.sql`select to_regclass('third') as third, to_regclass('half') as half`).toEqual([
      { third: null, half: null },
    ]);
    await place.write('0004-fourth.sql', 'create table half (n integer);');
    expect(await place.run()).toEqual(['0003-third', '0004-fourth']);
  });

  test('a first file that fails leaves an empty database', async () => {
    await using place = await openPlace();
    await place.write('0001-first.sql', 'create table steps (n integer); nonsense;');
    await expect(place.run()).rejects.toThrow(/0001-first failed and all was rolled back/);
    expect(await place.sql`select relname from pg_class where relnamespace = 'public'::regnamespace`).toEqual(
      [],
    );
  });
});

describe('functions', () => {
  const answer = (n: number) =>
    `create or replace function answer() returns integer language sql as $$ select ${n} $$;`;

  async function answered({ sql }: Place): Promise<number | undefined> {
    return (await sql<{ n: number }[]>`select answer() as n`)[0]?.n;
  }

  test('come before the tables, after them or before the triggers, by where they stand', async () => {
    await using place = await openPlace();
    await place.write('functions/before-tables/start.sql', answer(1).replaceAll('answer', 'start'));
    await place.write('0001-first.sql', 'create table steps (n integer default start());');
    await place.write(
      'functions/steps.sql',
      `create or replace function newest(step steps) returns integer language sql return step.n;
       create or replace function note() returns trigger language plpgsql as $$ begin return null; end $$;`,
    );
    await place.write(
      '0002-triggers.sql',
      'create trigger note after insert on steps for each row execute function note();',
    );
    await place.write('0003-third.sql', 'create table third (n integer);');
    expect(await place.run()).toEqual([
      'functions/before-tables/start.sql',
      '0001-first',
      '0003-third',
      'functions/steps.sql',
      '0002-triggers',
    ]);
    expect(await place.applied()).toEqual(['0001-first', '0002-triggers', '0003-third']);
  });

  test('are applied again when they were edited, and only then', async () => {
    await using place = await openPlace();
    await place.write('functions/answer.sql', answer(1));
    await place.write('functions/other.sql', answer(9).replaceAll('answer', 'other'));
    await place.run();
    expect(await place.run()).toEqual([]);
    await place.write('functions/answer.sql', answer(2));
    expect(await place.run()).toEqual(['functions/answer.sql']);
    expect(await answered(place)).toBe(2);
  });

  test('many starting at once with an edited file apply it once', async () => {
    await using place = await openPlace();
    await place.write('functions/answer.sql', answer(1));
    await place.run();
    await place.write('functions/answer.sql', `${answer(2)} select pg_sleep(0.2);`);
    const done = await Promise.all(Array.from({ length: 5 }, () => place.run()));
    expect(done.flat()).toEqual(['functions/answer.sql']);
    expect(await answered(place)).toBe(2);
  });

  test('of a later release stay when an earlier one starts beside it; the later one may go on', async () => {
    await using place = await openPlace();
    await place.write('functions/answer.sql', answer(1));
    await place.run('0.9.3');
    await place.write('functions/answer.sql', answer(2));
    expect(await place.run('0.10.0')).toEqual(['functions/answer.sql']);

    await place.write('functions/answer.sql', answer(1));
    await place.write('functions/old.sql', answer(1).replaceAll('answer', 'old'));
    expect(await place.run('0.9.3')).toEqual([]);
    expect(await answered(place)).toBe(2);
    expect(await place.sql`select from pg_proc where proname = 'old'`).toHaveLength(0);

    await place.write('functions/answer.sql', answer(3));
    expect(await place.run('0.10.0')).toEqual(['functions/answer.sql', 'functions/old.sql']);
    expect(await answered(place)).toBe(3);
  });

  test('of a later release and a migration it does not have: refused', async () => {
    await using place = await openPlace();
    await place.write('functions/answer.sql', answer(1));
    await place.run('2.0.0');
    await place.write('0001-first.sql', 'create table steps (n integer);');
    await expect(place.run('1.9.9')).rejects.toThrow(
      /has the functions of Holdline 2\.0\.0 and not the migration 0001-first; update Holdline/,
    );
    expect((await place.sql`select to_regclass('steps') as name`)[0]?.['name']).toBeNull();
  });

  test.each([
    ['another result', 'create or replace function answer() returns text language sql return 5;'],
    [
      'another argument',
      'create or replace function answer(n integer) returns integer language sql return 5;',
    ],
  ])('with %s are refused until a migration drops the old one', async (_what, changed) => {
    await using place = await openPlace();
    await place.write('functions/answer.sql', answer(1));
    await place.run();
    await place.write('functions/answer.sql', changed);
    await expect(place.run()).rejects.toThrow(
      /answer.*is a numbered migration that drops the function first/s,
    );
    expect(await answered(place)).toBe(1);

    await place.write('0001-another-answer.sql', 'drop function answer();');
    expect(await place.run()).toEqual(['0001-another-answer', 'functions/answer.sql']);
  });

  test('with nothing to apply, a role without any rights can start', async () => {
    await using place = await openPlace();
    await writeTwo(place);
    await place.write('functions/answer.sql', answer(1));
    await place.run();
    const role = `reader_${process.pid}`;
    await place.sql.unsafe(`create role ${role} login password 'reader'; grant usage on schema graphile_worker to ${role};
      grant select on graphile_worker.migrations to ${role}`);
    try {
      const url = new URL(place.url);
      Object.assign(url, { username: role, password: 'reader' });
      const start = () => migrate({ url: url.href, folder: place.folder, log, release: '1.0.0' });
      expect(await start()).toEqual([]);
      await place.write('functions/answer.sql', answer(2));
      await expect(start()).rejects.toThrow(/MIGRATE_DATABASE_URL/);
    } finally {
      await place.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
    }
  });
});

test.each([
  ['0.9.3', '0.10.0', true],
  ['0.10.0', '0.9.3', false],
  ['1.2.3', '1.2.3', false],
  ['1.2.3', '2.0.0-beta.1', true],
])('release %s comes before %s: %s', (one, other, earlier) => {
  expect(isEarlier(one, other)).toBe(earlier);
});
