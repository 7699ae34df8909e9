import type { Sql } from 'postgres';
import type { Directory } from '#organization/directory.ts';
import type { Store } from '#storage/store.ts';
import type { Log } from '#telemetry/log.ts';
import { forgetOldJobs } from './forget-old-jobs.ts';
import type { Handlers, Schedule } from './job.ts';
import { keepAllSlots, keepSlots } from './keep-slots.ts';

export interface TaskParts {
  sql: Sql;
  store: Store;
  directory: Directory;
  log: Log;
}

/**
 * Every task by its name, the first argument of `enqueue_job` in SQL. A payload holds ids only (`tenantId` and what
 * it is about): what it means is read when the job is done, as it is then.
 */
export function createHandlers({ sql, store, directory, log }: TaskParts): Handlers {
  return {
    'fill-slots': keepAllSlots({ sql, store, directory, log }),
    'keep-slots': keepSlots({ sql, store, directory, log }),
    'forget-old-jobs': forgetOldJobs(sql),
  };
}

/** At odd minutes: on the hour everybody's jobs run. */
export const schedules: readonly Schedule[] = [
  { task: 'fill-slots', cron: '13 * * * *' },
  { task: 'forget-old-jobs', cron: '37 3 * * *' },
];
