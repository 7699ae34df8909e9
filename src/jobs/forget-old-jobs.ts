import type { Sql } from 'postgres';
import { forgetReplies } from '#booking/texts.ts';
import type { Handler } from './job.ts';

/** Long enough for somebody to come back from a holiday and try them again. */
const keptForMs = 30 * 24 * 3_600_000;

/** Longer than Twilio goes on trying to deliver an answer it received. */
const repliesKeptForMs = 7 * 24 * 3_600_000;

/** Removes jobs that failed for good a month ago, and the ids of old answers. */
export function forgetOldJobs(sql: Sql): Handler {
  return async () => {
    await sql`select forget_failed_jobs(${new Date(Date.now() - keptForMs)})`;
    await forgetReplies(sql, new Date(Date.now() - repliesKeptForMs));
  };
}
