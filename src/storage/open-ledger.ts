import type { Sql } from 'postgres';
import type { Log } from '#telemetry/log.ts';
import { openEmbeddedPostgres } from './embedded/embedded-postgres.ts';
import { migrate } from './migrate.ts';
import { openPostgres } from './postgres.ts';

/** Where the ledger is. Without a `databaseUrl` it is the embedded Postgres under `dataDir`. */
export interface LedgerPlace {
  databaseUrl: string | undefined;
  /** A privileged connection for migrations, where it differs. */
  migrateUrl: string | undefined;
  dataDir: string;
  migrationsFolder: string;
}

/**
 * Opens the ledger, migrated and ready, as a role that row-level security binds.
 *
 * @param holder a `server` keeps the embedded database to itself and stops it at its end; a `command` attaches to
 *   one that runs, and stops it only if it started it and nobody else is connected
 * @returns also the url it was opened with, for the queue's own connections
 */
export async function openLedger(
  place: LedgerPlace,
  { holder, log, poolSize }: { holder: 'server' | 'command'; log: Log; poolSize: number },
): Promise<{ sql: Sql; url: string } & AsyncDisposable> {
  await using opening = new AsyncDisposableStack();
  const { databaseUrl, migrateUrl, dataDir, migrationsFolder } = place;
  const urls =
    databaseUrl === undefined
      ? opening.use(await openEmbeddedPostgres({ dataDir, holder, log }))
      : { appUrl: databaseUrl, migrateUrl: migrateUrl ?? databaseUrl };
  await migrate({ url: urls.migrateUrl, folder: migrationsFolder, log });
  const { sql } = opening.use(await openPostgres({ url: urls.appUrl, poolSize, log }));
  const opened = opening.move();
  return { sql, url: urls.appUrl, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
