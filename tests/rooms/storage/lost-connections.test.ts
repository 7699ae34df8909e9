import postgres from 'postgres';
import { expect, test } from 'vitest';
import { inTenant, openPostgres } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { openLedgerDatabase } from '../../ledger-database.ts';

const cuts = 60;
const tenant = '0d3c11c0-0000-4000-8000-000000000009';

test('connections that are cut in the middle of anything fail what they carried, and nothing after it', async () => {
  await using database = await openLedgerDatabase();
  const log = createLog({ level: 'silent', pretty: false });
  await using pool = await openPostgres({ url: database.appUrl, poolSize: 6, log });
  const { sql } = pool;
  const admin = postgres(database.ownerUrl, { max: 1, onnotice: () => {} });
  let over = false;
  let failures = 0;
  const work = async (attempt: () => Promise<unknown>) => {
    while (!over) {
      await attempt().catch(() => {
        failures += 1;
      });
    }
  };
  const small = () => sql`select 1`;
  const large = () => sql`select length(${'x'.repeat(2_000)})`;
  const several = () =>
    inTenant(sql, tenant, async (tx) => {
      await tx`select 1`;
      await new Promise(setImmediate);
      await tx`select array['a'] as names`;
    });
  const working = [small, large, several, several].flatMap((one) => [work(one), work(one), work(one)]);
  for (let cut = 0; cut < cuts; cut += 1) {
    await admin`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`;
    await new Promise((resolve) => setTimeout(resolve, (cut * 7) % 40));
  }
  over = true;
  await Promise.all(working);
  await admin.end();

  expect(failures).toBeGreaterThan(0);
  const answers = await Promise.all(Array.from({ length: 24 }, () => sql<{ n: number }[]>`select 1 as n`));
  expect(answers.every(([row]) => row?.n === 1)).toBe(true);
});
