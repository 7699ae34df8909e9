import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { inject } from 'vitest';
import { withDatabase } from './template-database.ts';

/** A migrated ledger of one's own, cloned from the template; dropped when disposed of. */
export interface LedgerDatabase extends AsyncDisposable {
  /** As the owner: may do what the application may not, such as replacing the ledger's clock. */
  ownerUrl: string;
  /** As the application. */
  appUrl: string;
}

export async function openLedgerDatabase(): Promise<LedgerDatabase> {
  const template = inject('template');
  const name = `ledger_${randomBytes(6).toString('hex')}`;
  const adminUrl = withDatabase(template.ownerUrl, 'postgres');
  await asAdmin(adminUrl, (sql) => sql.unsafe(`create database ${name} template ledger_template`));
  return {
    ownerUrl: withDatabase(template.ownerUrl, name),
    appUrl: withDatabase(template.appUrl, name),
    [Symbol.asyncDispose]: () => asAdmin(adminUrl, (sql) => sql.unsafe(`drop database ${name} with (force)`)),
  };
}

/** Moves the ledger's clock, as waiting would. */
export async function moveLedgerClock({ ownerUrl }: { ownerUrl: string }, interval: string): Promise<void> {
  await asAdmin(ownerUrl, (sql) =>
    sql.unsafe(
      `create or replace function ledger_now() returns timestamptz language sql volatile
       return clock_timestamp() + interval '${interval}'`,
    ),
  );
}

async function asAdmin(url: string, work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
