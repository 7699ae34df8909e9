import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import type { LanguageModel } from '#model/language-model.ts';
import { openEmbeddedPostgres } from '#storage/embedded/embedded-postgres.ts';
import { migrate } from '#storage/migrate.ts';
import { createLog } from '#telemetry/log.ts';
import { migrationsFolder } from '../../src/config.ts';
import { type RunningApp, startApp } from '../running-app.ts';

/** A server with a model, on a ledger of its own that may be read past row-level security. */
export interface World extends AsyncDisposable {
  app: RunningApp;
  owner: Sql;
}

/** More sockets than one run ever has open at once. */
const socketLimits = { perOrganization: 50 };

/** The comparison of a tool's arguments with the caller's words, or the matching of ids as a whole. */
export type Guard = 'comparison' | 'whole ids';

/**
 * @param truth for the process: whether what is not so is withheld, or only watched
 * @param _without what the tools are to leave out; the present ones have neither guard, so that there is nothing to do
 */
export async function openWorld(model: LanguageModel, truth: string, _without?: Guard): Promise<World> {
  await using opening = new AsyncDisposableStack();
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'holdline-truth-')));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711);
  const log = createLog({ level: 'fatal', pretty: false });
  const embedded = opening.use(await openEmbeddedPostgres({ dataDir: folder, holder: 'command', log }));
  await migrate({ url: embedded.migrateUrl, folder: migrationsFolder, log });
  const owner = postgres(embedded.migrateUrl, { max: 2, onnotice: () => {} });
  opening.defer(() => owner.end({ timeout: 2 }));
  process.env['TRUTH'] = truth;
  const app = opening.use(await startApp({ model, ledgerUrl: embedded.appUrl, socketLimits }));
  const opened = opening.move();
  return { app, owner, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
