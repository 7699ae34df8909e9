import { randomBytes } from 'node:crypto';
import postgres, { type Sql } from 'postgres';
import { inject } from 'vitest';
import { withDatabase } from './template-database.ts';

/** An empty database of one's own, without any migration; dropped when disposed of. */
export async function openEmptyDatabase(): Promise<{ url: string; sql: Sql } & AsyncDisposable> {
  await using opening = new AsyncDisposableStack();
  const name = `empty_${randomBytes(6).toString('hex')}`;
  const adminUrl = withDatabase(inject('template').ownerUrl, 'postgres');
  const admin = postgres(adminUrl, { max: 1, onnotice: () => {} });
  opening.defer(() => admin.end());
  await admin.unsafe(`create database ${name}`);
  opening.defer(async () => {
    await admin.unsafe(`drop database ${name} with (force)`);
  });
  const url = withDatabase(adminUrl, name);
  const sql = opening.adopt(postgres(url, { max: 2, onnotice: () => {} }), (pool) => pool.end());
  const all = opening.move();
  return { url, sql, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
