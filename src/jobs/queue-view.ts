import type { Sql } from 'postgres';
import { z } from 'zod';

/** A job as those who look after it see it. Its payload, which is ids only, stays inside. */
export interface ListedJob {
  id: number;
  task: string;
  attempts: number;
  lastError: string | null;
  runAt: Date;
  createdAt: Date;
  state: JobState;
}

export type JobState = 'running' | 'failed' | 'retrying' | 'waiting';

/** How many jobs there are of each state; of one organization, or with `null` of all. */
export async function countJobs(sql: Sql, tenantId: string | null): Promise<Record<JobState, number>> {
  const [row] = await sql`select count_jobs(${tenantId}) as counts`;
  return counts.parse(row?.['counts']);
}

/** The latest jobs of a state; of one organization, or with `null` of all. */
export async function listJobs(
  sql: Sql,
  tenantId: string | null,
  { state, limit }: { state: JobState; limit: number },
): Promise<ListedJob[]> {
  const rows = await sql<{ job: unknown }[]>`select page_jobs(${tenantId}, ${state}, ${limit}) as job`;
  return rows.map((row) => job.parse(row.job));
}

/**
 * Tries a job again at once, with all its attempts.
 *
 * @returns false when there is no such job, it is not the organization's, or it is running
 */
export async function retryJob(sql: Sql, tenantId: string | null, id: number): Promise<boolean> {
  const [row] = await sql<[{ retried: boolean }]>`select retry_job(${tenantId}, ${id}) as retried`;
  return row.retried;
}

const instant = z.string().transform((text) => new Date(text));
const state = z.enum(['running', 'failed', 'retrying', 'waiting']);
const counts = z.record(state, z.number());
const job = z.object({
  id: z.number(),
  task: z.string(),
  attempts: z.number(),
  lastError: z.string().nullable(),
  runAt: instant,
  createdAt: instant,
  state,
});
