import { runMigrations } from 'graphile-worker';
import type { Sql } from 'postgres';
import type { Log } from '#telemetry/log.ts';
import { openQueuePool, queueLog } from './queue-pool.ts';

/** The newest of graphile-worker's own migrations in the version this Holdline is built with; a test compares. */
export const queueRevision = 20;

/**
 * Whether graphile-worker's tables are missing or older than this Holdline's. Reads only.
 *
 * @throws when they were changed by a newer one in a way this process would not understand
 */
export async function queueIsBehind(sql: Sql): Promise<boolean> {
  const [table] = await sql<[{ name: string | null }]>`
    select to_regclass('graphile_worker.migrations')::text as name`;
  if (table.name === null) return true;
  const [found] = await sql<[{ newest: number; newestBreaking: number }]>`
    select coalesce(max(id), 0) as newest, coalesce(max(id) filter (where breaking), 0) as "newestBreaking"
    from graphile_worker.migrations`;
  if (found.newestBreaking > queueRevision) {
    throw new Error(
      `the database's queue has revision ${found.newestBreaking}, which this Holdline does not know; update Holdline`,
    );
  }
  return found.newest < queueRevision;
}

/** Brings graphile-worker's tables up to date. Whoever calls it lets nobody else do so at the same time. */
export async function installQueue(url: string, log: Log): Promise<void> {
  await using pool = openQueuePool({ url, size: 1, log });
  await runMigrations({ pgPool: pool, logger: queueLog(log) });
  log.info({ revision: queueRevision }, 'brought the queue up to date');
}
