import postgres, { type Sql, type TransactionSql } from 'postgres';
import type { Log } from '#telemetry/log.ts';
import { connectionProblem } from './connection-problem.ts';
import {
  type FunctionFile,
  type Migration,
  type MigrationFiles,
  readMigrationFiles,
} from './migration-files.ts';
import { applicationName, type Statements } from './postgres.ts';
import { installQueue, queueIsBehind } from './queue-schema.ts';
import { isEarlier, thisRelease } from './release.ts';

/** Any number nobody else in this database uses: two processes starting at once migrate one after the other. */
const lockKey = 4_653_011;

interface Options {
  url: string;
  folder: string;
  log: Log;
  /** Only tests are of another release than this one. */
  release?: string;
}

/**
 * Brings a database up to date. First come the queue's own tables (graphile-worker's migrations). Then, in one
 * transaction and in this order: functions that tables need, numbered migrations the database has not seen, the other
 * functions, numbered migrations of triggers. A file of functions is applied again whenever it differs from what was
 * applied, unless a later release applied it: then it is left as it is, so that an old process that starts beside a
 * new one puts nothing back. Safe when several processes start at once. With nothing to apply it only reads, so that
 * it needs no privileges.
 *
 * @returns names of what was applied
 * @throws when a numbered file is misnamed, missing in the sequence or was edited after it was applied; when the
 *   database has a migration that the folder has not, because an older process does not know what the newer one wrote;
 *   and when a function's arguments or result differ from the database's and no migration has dropped it
 */
export async function migrate({ url, folder, log, release = thisRelease }: Options): Promise<string[]> {
  const files = await readMigrationFiles(folder);
  const sql = connect(url);
  try {
    await sql`select 1`.catch((error: unknown) => {
      throw connectionProblem(error, sql, 'DATABASE_URL or MIGRATE_DATABASE_URL');
    });
    if (isEmpty(await missing(sql, files, release)) && !(await queueIsBehind(sql))) return [];
    // The lock is the session's and ends with it, whatever happens to us.
    await sql`select pg_advisory_lock(${lockKey})`;
    if (await queueIsBehind(sql)) await bringQueueUpToDate(url, log);
    const applied = await sql.begin(async (tx): Promise<string[]> => {
      const wanted = await missing(tx, files, release);
      return isEmpty(wanted) ? [] : applyAll(tx, wanted, release);
    });
    await sql`select pg_advisory_unlock(${lockKey})`;
    for (const name of applied) log.info({ migration: name }, 'applied a migration');
    return applied;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function connect(url: string): Sql {
  return postgres(url, {
    max: 1,
    connect_timeout: 5,
    max_lifetime: null,
    onnotice: () => {},
    connection: { application_name: applicationName },
  });
}

async function bringQueueUpToDate(url: string, log: Log): Promise<void> {
  try {
    await installQueue(url, log);
  } catch (error) {
    throw new Error(`the queue could not be brought up to date: ${explain(error)}`, { cause: error });
  }
}

function isEmpty({ migrations, functions }: MigrationFiles): boolean {
  return migrations.length === 0 && functions.length === 0;
}

/** What the database has not seen; refused when it has seen any other migration. */
async function missing(sql: Statements, files: MigrationFiles, release: string): Promise<MigrationFiles> {
  const [table] = await sql<[{ name: string | null }]>`select to_regclass('schema_migrations')::text as name`;
  if (table.name === null) return files;
  const migrations = missingMigrations(
    files.migrations,
    await sql<Applied[]>`select name, checksum from schema_migrations order by number`,
  );
  const applied = await sql<
    (Applied & { release: string })[]
  >`select name, checksum, release from schema_functions`;
  const later = applied.find((file) => isEarlier(release, file.release));
  if (later === undefined) {
    const checksums = new Map(applied.map(({ name, checksum }) => [name, checksum]));
    return {
      migrations,
      functions: files.functions.filter((file) => checksums.get(file.name) !== file.checksum),
    };
  }
  const [unknown] = migrations;
  if (unknown === undefined) return { migrations, functions: [] };
  throw new Error(
    `the database has the functions of Holdline ${later.release} and not the migration ${unknown.name}; ` +
      'update Holdline',
  );
}

interface Applied {
  name: string;
  checksum: string;
}

function missingMigrations(wanted: Migration[], applied: Applied[]): Migration[] {
  for (const [index, { name, checksum }] of applied.entries()) {
    const file = wanted[index];
    if (file === undefined) {
      throw new Error(
        `the database has migration ${name}, which this Holdline does not know; update Holdline`,
      );
    }
    if (file.checksum !== checksum) {
      throw new Error(
        `${file.name}.sql was changed after it was applied; restore it and write a new migration`,
      );
    }
  }
  return wanted.slice(applied.length);
}

async function applyAll(
  tx: TransactionSql,
  { migrations, functions }: MigrationFiles,
  release: string,
): Promise<string[]> {
  await run(tx, { name: 'schema_migrations', text: createTables });
  const inOrder = [
    ...functions.filter((file) => file.beforeTables),
    ...migrations.filter((file) => !file.afterFunctions),
    ...functions.filter((file) => !file.beforeTables),
    ...migrations.filter((file) => file.afterFunctions),
  ];
  for (const file of inOrder) await run(tx, file);
  await refuseTwins(tx, functions);
  for (const { number, name, checksum } of migrations) {
    await tx`insert into schema_migrations ${tx({ number, name, checksum })}`;
  }
  for (const { name, checksum } of functions) {
    await tx`insert into schema_functions ${tx({ name, checksum, release })}
      on conflict (name) do update set checksum = excluded.checksum, release = excluded.release, applied_at = now()`;
  }
  return inOrder.map(({ name }) => name);
}

async function run(tx: TransactionSql, { name, text }: { name: string; text: string }): Promise<void> {
  try {
    await tx.unsafe(text);
  } catch (error) {
    throw new Error(`${name} failed and all was rolled back: ${explain(error)}`, { cause: error });
  }
}

const createTables = `
  create table if not exists schema_migrations (
    number integer primary key, name text not null, checksum text not null,
    applied_at timestamptz not null default now());
  create table if not exists schema_functions (
    name text primary key, checksum text not null, release text not null,
    applied_at timestamptz not null default now());
  grant select on schema_migrations, schema_functions to public`;

/** With other arguments "create or replace" makes a second function beside the old one, and calls may go to either. */
async function refuseTwins(tx: TransactionSql, files: FunctionFile[]): Promise<void> {
  const names = files.flatMap(({ text }) =>
    [...text.matchAll(/^create or replace function (\w+)/gm)].map(([, name = '']) => name),
  );
  const [twin] = await tx<{ name: string; signatures: string }[]>`
    select proname as name, string_agg(oid::regprocedure::text, ' and ' order by oid) as signatures
    from pg_proc where pronamespace = 'public'::regnamespace and proname = any (${names})
    group by proname having count(*) > 1 limit 1`;
  if (twin === undefined) return;
  throw new Error(`${twin.name} would exist twice, as ${twin.signatures}; ${dropFirst}. All was rolled back`);
}

const dropFirst =
  'a change of arguments or of the result is a numbered migration that drops the function first';

function explain(error: unknown): string {
  const { code, message, hint } = error as { code?: string; message: string; hint?: string };
  if (code === '42501') return `${message}; set MIGRATE_DATABASE_URL to a role that may do this`;
  // What "create or replace" cannot replace is an invalid definition with a hint to drop the function.
  if (code === '42P13' && hint !== undefined) return `${message}; ${dropFirst}`;
  return message;
}
