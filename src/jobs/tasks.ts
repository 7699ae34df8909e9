import type { OpenSlots } from '#availability/open-slots.ts';
import type { CalendarAccess } from './calendar-access.ts';
import { tellCalendar } from './calendar-event.ts';
import { syncAllCalendars, syncCalendar } from './calendar-sync.ts';
import { forgetAllExpired } from './forget-expired.ts';
import { forgetOldJobs } from './forget-old-jobs.ts';
import { forgetAllPastSlots } from './forget-past-slots.ts';
import type { Handlers, JobSchedule } from './job.ts';
import { keepAllSlots, keepSlots } from './keep-slots.ts';
import { reportConflict } from './report-conflict.ts';
import { type SendTextParts, sendText } from './send-text.ts';

export interface TaskParts extends SendTextParts {
  openSlots: OpenSlots;
  /** Without it, jobs about calendars wait. */
  calendars: CalendarAccess | undefined;
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
    'forget-past-slots': forgetAllPastSlots(parts),
    ...calendarHandlers(parts),
  };
}

function calendarHandlers({ calendars, ...parts }: TaskParts): Handlers {
  if (calendars === undefined) return {};
  const withAccess = { ...parts, access: calendars };
  return {
    'calendar-sync-all': syncAllCalendars(parts),
    'calendar-sync': syncCalendar(withAccess),
    'calendar-event': tellCalendar(withAccess),
    'report-conflict': reportConflict(parts),
  };
}

/** At odd minutes: on the hour everybody's jobs run. */
const always: readonly JobSchedule[] = [
  { task: 'fill-slots', cron: '13 * * * *' },
  { task: 'forget-old-jobs', cron: '37 3 * * *' },
  { task: 'forget-expired', cron: '51 3 * * *' },
  { task: 'forget-past-slots', cron: '9 4 * * *' },
];

/** What is done at its time. */
export function schedulesOf({ calendars }: Pick<TaskParts, 'calendars'>): readonly JobSchedule[] {
  return calendars === undefined ? always : [...always, { task: 'calendar-sync-all', cron: calendars.cron }];
}
