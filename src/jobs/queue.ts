import type { Sql } from 'postgres';
import { z } from 'zod';

/** A job as whoever runs the installation sees it. */
export interface QueuedJob {
  id: number;
  task: string;
  /** Ids only; `tenantId` among them where it is an organization's. */
  payload: Record<string, unknown>;
  /** `failed`: for good, until somebody tries it again. */
  state: 'waiting' | 'retrying' | 'running' | 'failed';
  attempts: number;
  lastError: string | null;
  /** When it is due, or was. */
  runAt: Date;
}

/** What waits, runs and failed, the earliest first. What was done is gone. */
export async function allJobs(sql: Sql): Promise<QueuedJob[]> {
  const rows = await sql`select list_jobs() as job`;
  return rows.map((row) => queuedJob.parse(row['job']));
}

/**
 * Tries jobs again at once, with all their attempts anew.
 *
 * @param ids those of `allJobs`; all that failed for good when left out
 * @returns how many; one that is running, or is gone, is not among them
 */
export async function retryJobs(sql: Sql, ids?: number[]): Promise<number> {
  const [row] = await sql<[{ count: number }]>`select retry_jobs(${ids ?? null}::bigint[]) as count`;
  return row.count;
}

const queuedJob = z.object({
  id: z.number(),
  task: z.string(),
  payload: z.record(z.string(), z.unknown()).catch({}),
  state: z.enum(['waiting', 'retrying', 'running', 'failed']),
  attempts: z.number(),
  lastError: z.string().nullable(),
  runAt: z.string().transform((text) => new Date(text)),
});
