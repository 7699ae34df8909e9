import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import type { Log } from '#telemetry/log.ts';
import { connectionProblem } from './connection-problem.ts';
import { applicationName } from './postgres.ts';
import { installQueue, queueIsBehind } from './queue-schema.ts';

/** Any number nobody else in this database uses: two processes starting at once migrate one after the other. */
const lockKey = 4_653_011;

interface Migration {
  number: number;
  name: string;
  checksum: string;
  text: string;
}

/**
 * Brings a database up to date: first the queue's own tables (graphile-worker's migrations), then the migrations of a
 * folder (`NNNN-name.sql`) it has not seen, in order, each in a transaction with the row that says so. Safe when
 * several processes start at once. With nothing to apply it only reads, so that it needs no privileges.
 *
 * @returns names of what was applied
 * @throws when a file is misnamed, missing in the sequence or was edited after it was applied, and when the database
 *   is newer than the folder: an older process does not know what the newer one wrote
 */
export async function migrate(options: { url: string; folder: string; log: Log }): Promise<string[]> {
  const { url, folder, log } = options;
  const wanted = await readMigrations(folder);
  const connection = { application_name: applicationName };
  const sql = postgres(url, {
    max: 1,
    connect_timeout: 5,
    max_lifetime: null,
    onnotice: () => {},
    connection,
  });
  try {
    await sql`select 1`.catch((error: unknown) => {
      throw connectionProblem(error, sql, 'DATABASE_URL or MIGRATE_DATABASE_URL');
    });
    const applied: string[] = [];
    if ((await missing(sql, wanted)).length === 0 && !(await queueIsBehind(sql))) return applied;
    // The lock is the session's and ends with it, whatever happens to us.
    await sql`select pg_advisory_lock(${lockKey})`;
    if (await queueIsBehind(sql)) await bringQueueUpToDate(url, log);
    for (const migration of await missing(sql, wanted)) {
      await apply(sql, migration);
      applied.push(migration.name);
      log.info({ migration: migration.name }, 'applied a migration');
    }
    await sql`select pg_advisory_unlock(${lockKey})`;
    return applied;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function bringQueueUpToDate(url: string, log: Log): Promise<void> {
  try {
    await installQueue(url, log);
  } catch (error) {
    throw new Error(`the queue could not be brought up to date: ${explain(error)}`, { cause: error });
  }
}

/** The row goes in first: a second process that got this far would wait for it and then fail. */
async function apply(sql: Sql, { number, name, checksum, text }: Migration): Promise<void> {
  try {
    await sql.begin(async (tx) => {
      if (number === 1) await tx.unsafe(createTable);
      await tx`insert into schema_migrations ${tx({ number, name, checksum })}`;
      await tx.unsafe(text);
    });
  } catch (error) {
    throw new Error(`migration ${name} failed and was rolled back: ${explain(error)}`, { cause: error });
  }
}

function explain(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  return code === '42501' ? `${message}; set MIGRATE_DATABASE_URL to a role that may do this` : message;
}

const createTable = `
  create table schema_migrations (
    number integer primary key, name text not null, checksum text not null,
    applied_at timestamptz not null default now());
  grant select on schema_migrations to public`;

/** What the database has not seen; refused when it has seen anything else. */
async function missing(sql: Sql, wanted: Migration[]): Promise<Migration[]> {
  const [table] = await sql<[{ name: string | null }]>`select to_regclass('schema_migrations')::text as name`;
  if (table.name === null) return wanted;
  const done = await sql<Omit<Migration, 'text'>[]>`
    select number, name, checksum from schema_migrations order by number`;
  for (const { number, name, checksum } of done) {
    const file = wanted[number - 1];
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
  return wanted.slice(done.length);
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  const read = async (file: string, index: number): Promise<Migration> => {
    const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(file)?.[1]);
    if (number !== index + 1) {
      const expected = String(index + 1).padStart(4, '0');
      throw new Error(
        `${join(folder, file)} is out of order: ${expected}-name.sql belongs here, each number once`,
      );
    }
    // Git may check files out with other line ends; that is no edit.
    const text = (await readFile(join(folder, file), 'utf8')).replaceAll('\r\n', '\n');
    const checksum = createHash('sha256').update(text).digest('hex');
    return { number, name: file.slice(0, -'.sql'.length), checksum, text };
  };
  return Promise.all(files.map(read));
}
