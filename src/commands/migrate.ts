import { Command } from 'commander';
import { openEmbeddedPostgres } from '#storage/embedded/embedded-postgres.ts';
import { migrate } from '#storage/migrate.ts';
import { createLog } from '#telemetry/log.ts';
import { ledgerPlace, readConfig } from '../config.ts';
import { runCommand } from './stores.ts';

const command = new Command('npm run migrate --')
  .description(
    'Brings the ledger up to date: applies the files in migrations/ that it has not seen. The server does the same at its start; running both at once is safe.',
  )
  .action(async () => {
    const log = createLog({ level: 'warn', pretty: process.stdout.isTTY });
    const place = ledgerPlace(readConfig());
    await using stack = new AsyncDisposableStack();
    const url =
      place.migrateUrl ??
      place.databaseUrl ??
      stack.use(await openEmbeddedPostgres({ dataDir: place.dataDir, holder: 'command', log })).migrateUrl;
    const applied = await migrate({ url, folder: place.migrationsFolder, log });
    console.log(applied.length === 0 ? 'The ledger is up to date.' : `Applied: ${applied.join(', ')}`);
  });

await runCommand(async () => {
  await command.parseAsync();
});
