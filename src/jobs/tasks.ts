import type { OpenSlots } from '#booking/open-slots.ts';
import { forgetAllExpired } from './forget-expired.ts';
import { forgetOldJobs } from './forget-old-jobs.ts';
import type { Handlers, Schedule } from './job.ts';
import { keepAllSlots, keepSlots } from './keep-slots.ts';
import { type SendTextParts, sendText } from './send-text.ts';

export interface TaskParts extends SendTextParts {
  openSlots: OpenSlots;
}

/**
 * Every task by its name, the first argument of `enqueue_job` in SQL. A payload holds ids only (`tenantId` and what
 * it is about): what it means is read when the job is done, as it is then.
 */
export function createHandlers(parts: TaskParts): Handlers {
  return {
    'send-text': sendText(parts),
    'fill-slots': keepAllSlots(parts),
    'keep-slots': keepSlots(parts),
    'forget-old-jobs': forgetOldJobs(parts.sql),
    'forget-expired': forgetAllExpired(parts),
  };
}

/** At odd minutes: on the hour everybody's jobs run. */
export const schedules: readonly Schedule[] = [
  { task: 'fill-slots', cron: '13 * * * *' },
  { task: 'forget-old-jobs', cron: '37 3 * * *' },
  { task: 'forget-expired', cron: '51 3 * * *' },
];
