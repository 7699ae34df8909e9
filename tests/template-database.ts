import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { openEmbeddedPostgres } from '#storage/embedded/embedded-postgres.ts';
import { migrate } from '#storage/migrate.ts';
import { createLog } from '#telemetry/log.ts';
import { migrationsFolder } from '../src/config.ts';
import { openDataFolder } from './data-folder.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Owner's and application's url of the database that every test file clones. */
    template: { ownerUrl: string; appUrl: string };
  }
}

/**
 * One real Postgres for all tests, with a migrated template database in it. It is gone
 * afterwards.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const log = createLog({ level: 'warn', pretty: true });
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(await openDataFolder());
  const embedded =
    givenPostgres() ??
    opening.use(await openEmbeddedPostgres({ dataDir: folder.path, holder: 'command', log }));
  const ownerUrl = withDatabase(embedded.migrateUrl, 'ledger_template');
  const admin = postgres(embedded.migrateUrl, { max: 1 });
  await admin`create database ledger_template`;
  await admin.end();
  await migrate({ url: ownerUrl, folder: migrationsFolder, log });
  project.provide('template', { ownerUrl, appUrl: withDatabase(embedded.appUrl, 'ledger_template') });
  const all = opening.move();
  return () => all.disposeAsync();
}

/** `tests/postgres-versions.ts` runs suites on a Postgres of its own. */
function givenPostgres(): { migrateUrl: string; appUrl: string } | undefined {
  const { TEST_POSTGRES_OWNER_URL: migrateUrl, TEST_POSTGRES_APP_URL: appUrl } = process.env;
  return migrateUrl === undefined || appUrl === undefined ? undefined : { migrateUrl, appUrl };
}

export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
