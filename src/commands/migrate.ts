import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import postgres from 'postgres';
import { openEmbeddedPostgres } from '#storage/embedded/embedded-postgres.ts';
import { migrate } from '#storage/migrate.ts';
import { dumpSchema } from '#storage/schema-dump.ts';
import { createLog } from '#telemetry/log.ts';
import { ledgerPlaceOf, migrationsFolder, readConfig } from '../config.ts';
import { runCommand } from './stores.ts';

const log = createLog({ level: 'warn', pretty: process.stdout.isTTY });

const command = new Command('npm run migrate --')
  .description(
    'Brings the ledger up to date: applies the files in migrations/ that it has not seen. The server does the same at its start; running both at once is safe.',
  )
  .option(
    '--dump',
    'touches no ledger: migrates an empty database and writes its schema to migrations/schema.sql',
  )
  .action(({ dump }: { dump?: true }) => (dump ? writeDump() : bringUpToDate()));

async function bringUpToDate(): Promise<void> {
  const place = ledgerPlaceOf(readConfig());
  await using stack = new AsyncDisposableStack();
  const url =
    place.migrateUrl ??
    place.databaseUrl ??
    stack.use(await openEmbeddedPostgres({ dataDir: place.dataDir, holder: 'command', log })).migrateUrl;
  const applied = await migrate({ url, folder: place.migrationsFolder, log });
  console.log(applied.length === 0 ? 'The ledger is up to date.' : `Applied: ${applied.join(', ')}`);
}

async function writeDump(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'holdline-schema-'));
  stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  // Postgres may run as another user, who must be able to enter.
  await chmod(dataDir, 0o711);
  const { migrateUrl } = stack.use(await openEmbeddedPostgres({ dataDir, holder: 'command', log }));
  await migrate({ url: migrateUrl, folder: migrationsFolder, log });
  const sql = stack.adopt(postgres(migrateUrl, { max: 1 }), (pool) => pool.end());
  const file = join(migrationsFolder, 'schema.sql');
  await writeFile(file, await dumpSchema(sql));
  console.log(`Wrote ${file}`);
}

await runCommand(async () => {
  await command.parseAsync();
});
