import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { inject } from 'vitest';
import { clockOffsetMs, ledgerClock } from './clock/test-clock.ts';
import { withDatabase } from './template-database.ts';

/** A migrated ledger of one's own, cloned from the template; dropped when disposed of. */
export interface LedgerDatabase extends AsyncDisposable {
  /** As the owner: may do what the application may not, such as replacing the ledger's clock. */
  ownerUrl: string;
  /** As the application. */
  appUrl: string;
}

/** Its clock is the one of the test file. */
export async function openLedgerDatabase(): Promise<LedgerDatabase> {
  const template = inject('template');
  const name = `ledger_${randomBytes(6).toString('hex')}`;
  const adminUrl = withDatabase(template.ownerUrl, 'postgres');
  await asAdmin(adminUrl, (sql) => sql.unsafe(`create database ${name} template ledger_template`));
  const ownerUrl = withDatabase(template.ownerUrl, name);
  if (clockOffsetMs() !== 0) await moveLedgerClock({ ownerUrl }, '0 seconds');
  return {
    ownerUrl,
    appUrl: withDatabase(template.appUrl, name),
    [Symbol.asyncDispose]: () => asAdmin(adminUrl, (sql) => sql.unsafe(`drop database ${name} with (force)`)),
  };
}

/** Moves the ledger's clock away from the one of the test file, as waiting would. */
export async function moveLedgerClock({ ownerUrl }: { ownerUrl: string }, interval: string): Promise<void> {
  await asAdmin(ownerUrl, (sql) => sql.unsafe(ledgerClock(interval)));
}

async function asAdmin(url: string, work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
