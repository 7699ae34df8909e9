import type { Sql } from 'postgres';
import type { Directory } from '#organization/directory.ts';
import type { Log } from '#telemetry/log.ts';
import { fillAllSlots } from './fill-all-slots.ts';
import { forgetOldJobs } from './forget-old-jobs.ts';
import type { Handlers, Schedule } from './job.ts';

export interface TaskParts {
  sql: Sql;
  directory: Directory;
  log: Log;
}

/**
 * Every task by its name, the first argument of `enqueue_job` in SQL. A payload holds ids only (`tenantId` and what
 * it is about): what it means is read when the job is done, as it is then.
 */
export function createHandlers({ sql, directory, log }: TaskParts): Handlers {
  return {
    'fill-slots': fillAllSlots({ sql, directory, log }),
    'forget-old-jobs': forgetOldJobs(sql),
  };
}

/** At odd minutes: on the hour everybody's jobs run. */
export const schedules: readonly Schedule[] = [
  { task: 'fill-slots', cron: '13 * * * *' },
  { task: 'forget-old-jobs', cron: '37 3 * * *' },
];
