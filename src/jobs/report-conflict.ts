import { z } from 'zod';
import { takeReport } from '#booking/calendar-events.ts';
import { counter } from '#telemetry/metrics.ts';
import type { CalendarParts } from './calendar-sync.ts';
import type { Handler } from './job.ts';

const payload = z.object({ tenantId: z.uuid(), conflictId: z.uuid() });
const counted = counter('holdline_calendar_conflicts_total', 'Appointments a calendar disagrees about', [
  'kind',
]);

/** Tells those who run this of a conflict, once. */
export function reportConflict({
  sql,
  directory,
  log,
}: Pick<CalendarParts, 'sql' | 'directory' | 'log'>): Handler {
  return async (given) => {
    const key = payload.parse(given);
    const conflict = await takeReport(sql, key);
    if (conflict === undefined) return;
    counted({ kind: conflict.kind });
    const organization = directory.byId(key.tenantId)?.key;
    log.warn(
      { organization, appointment: conflict.appointmentId, kind: conflict.kind },
      'calendar and ledger disagree about an appointment; npm run appointments -- conflicts shows it',
    );
  };
}
