import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** A file that is applied once and never edited afterwards: tables, constraints, indexes, roles, policies, triggers. */
export interface Migration extends SqlFile {
  number: number;
  /** Triggers call functions, so the files that make them come after the functions. */
  afterFunctions: boolean;
}

/** A file of functions, applied again whenever it was edited. */
export interface FunctionFile extends SqlFile {
  /** Defaults, checks and policies of tables call these. */
  beforeTables: boolean;
}

interface SqlFile {
  /** `0001-organizations`, or `functions/holds.sql`. */
  name: string;
  checksum: string;
  text: string;
}

export interface MigrationFiles {
  migrations: Migration[];
  functions: FunctionFile[];
}

/**
 * Reads a folder of migrations: `NNNN-name.sql`, of which those that end in `triggers.sql` come after the functions,
 * and `functions/<topic>.sql`, of which those in `functions/before-tables` come before the tables.
 *
 * @throws when a numbered file is misnamed or missing in the sequence
 */
export async function readMigrationFiles(folder: string): Promise<MigrationFiles> {
  const files = (await readdir(folder, { recursive: true }))
    .map((file) => file.replaceAll(sep, '/'))
    .filter((file) => file.endsWith('.sql') && file !== 'schema.sql')
    .sort();
  const numbered = files.filter((file) => !file.includes('/'));
  const functions = files.filter((file) => file.startsWith('functions/'));
  return {
    migrations: await Promise.all(numbered.map((file, index) => readMigration(folder, file, index))),
    functions: await Promise.all(
      functions.map(async (name) => ({
        ...(await read(folder, name)),
        name,
        beforeTables: name.startsWith('functions/before-tables/'),
      })),
    ),
  };
}

async function readMigration(folder: string, file: string, index: number): Promise<Migration> {
  const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(file)?.[1]);
  if (number !== index + 1) {
    const expected = String(index + 1).padStart(4, '0');
    throw new Error(
      `${join(folder, file)} is out of order: ${expected}-name.sql belongs here, each number once`,
    );
  }
  const name = file.slice(0, -'.sql'.length);
  return { ...(await read(folder, file)), number, name, afterFunctions: name.endsWith('triggers') };
}

async function read(folder: string, file: string): Promise<{ checksum: string; text: string }> {
  // Git may check files out with other line ends; that is no edit.
  const text = (await readFile(join(folder, file), 'utf8')).replaceAll('\r\n', '\n');
  return { text, checksum: createHash('sha256').update(text).digest('hex') };
}
