import type { Sql } from 'postgres';
import { openDirectory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';
import { openLedger } from '#storage/open-ledger.ts';
import { createLog, type Log } from '#telemetry/log.ts';
import { type Config, ledgerPlaceOf, readConfig } from '../config.ts';

/** A command is one person's: it needs no more. */
const poolSize = 4;

/**
 * The ledger as a command uses it: beside a running server too, also on the embedded database, which it attaches
 * to, or starts and stops by itself.
 */
export async function openCommandStores({
  log = commandLog(),
}: {
  log?: Log;
} = {}): Promise<{ sql: Sql; config: Config } & AsyncDisposable> {
  const config = readConfig();
  const ledger = await openLedger(ledgerPlaceOf(config), { holder: 'command', log, poolSize });
  return { sql: ledger.sql, config, [Symbol.asyncDispose]: () => ledger[Symbol.asyncDispose]() };
}

/** The organizations a command is about: all, or the one named. */
export async function organizationsOf(sql: Sql, key?: string): Promise<Organization[]> {
  await using directory = await openDirectory({ sql, log: commandLog() });
  const all = directory.all();
  if (key === undefined) return all;
  const named = directory.named(key);
  if (named !== undefined) return [named];
  throw new Error(`there is no organization ${key}; there are: ${all.map((one) => one.key).join(', ')}`);
}

/** Commands speak for themselves; of the rooms below only warnings are shown. */
export function commandLog(): Log {
  return createLog({ level: process.env['LOG_LEVEL'] ?? 'warn', pretty: process.stdout.isTTY });
}

/** Runs a command: one message instead of a stack when something is wrong, and a failing exit code. */
export async function runCommand(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
