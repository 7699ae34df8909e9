import type { Sql } from 'postgres';
import type { Handler } from './job.ts';

/** Long enough for somebody to come back from a holiday and try them again. */
const keptForMs = 30 * 24 * 3_600_000;

/** Removes jobs that failed for good a month ago. */
export function forgetOldJobs(sql: Sql): Handler {
  return async () => {
    // By the queue's own clock, which is Postgres'.
    await sql`select forget_failed_jobs(now() - ${keptForMs} * interval '1 millisecond')`;
  };
}
