import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import type { Log } from '#telemetry/log.ts';

/** Any number nobody else in this database uses: two processes starting at once migrate one after the other. */
const lockKey = 4_653_011;

interface Migration {
  number: number;
  name: string;
  checksum: string;
  text: string;
}

/**
 * Applies the migrations of a folder (`NNNN-name.sql`) that a database has not seen, in order, each in a transaction
 * with the row that says so. Safe when several processes start at once.
 *
 * @returns names of what was applied
 * @throws when a file is misnamed, missing in the sequence or was edited after it was applied, and when the database
 *   is newer than the folder: an older process does not know what the newer one wrote
 */
export async function migrate({
  url,
  folder,
  log,
}: {
  url: string;
  folder: string;
  log: Log;
}): Promise<string[]> {
  const wanted = await readMigrations(folder);
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    await sql`select pg_advisory_lock(${lockKey})`;
    await sql`
      create table if not exists schema_migrations (
        number integer primary key, name text not null, checksum text not null,
        applied_at timestamptz not null default now())`;
    const done = await sql<{ number: number; name: string; checksum: string }[]>`
      select number, name, checksum from schema_migrations order by number`;
    for (const row of done) refuseIfDifferent(row, wanted[row.number - 1]);
    const applied: string[] = [];
    for (const migration of wanted.slice(done.length)) {
      await apply(sql, migration);
      applied.push(migration.name);
      log.info({ migration: migration.name }, 'applied a migration');
    }
    return applied;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function apply(sql: Sql, { number, name, checksum, text }: Migration): Promise<void> {
  try {
    await sql.begin(async (tx) => {
      await tx`insert into schema_migrations ${tx({ number, name, checksum })}`;
      await tx.unsafe(text);
    });
  } catch (error) {
    throw new Error(`migration ${name} failed and was rolled back: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function refuseIfDifferent(
  done: { number: number; name: string; checksum: string },
  file: Migration | undefined,
) {
  if (file === undefined) {
    throw new Error(
      `the database has migration ${done.name}, which this version of Holdline does not know; update Holdline`,
    );
  }
  if (file.checksum !== done.checksum) {
    throw new Error(
      `${file.name} was changed after it was applied; restore it and write a new migration instead`,
    );
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (file, index) => {
      const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(file)?.[1]);
      if (number !== index + 1) {
        throw new Error(
          `${join(folder, file)}: expected ${String(index + 1).padStart(4, '0')}-name.sql here`,
        );
      }
      const text = await readFile(join(folder, file), 'utf8');
      const checksum = createHash('sha256').update(text).digest('hex');
      return { number, name: file.slice(0, -'.sql'.length), checksum, text };
    }),
  );
}
