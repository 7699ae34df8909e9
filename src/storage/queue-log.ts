import { Logger } from 'graphile-worker';
import type { Log } from '#telemetry/log.ts';

/** What graphile-worker says about itself, as lines of our log. A job's own failure is told by whoever ran it. */
export function queueLog(log: Log): Logger {
  return new Logger(() => (level, message, meta) => {
    if (meta?.['failure'] === true) return;
    // That there are fewer connections than jobs at a time: meant so, a job needs one only at its ends.
    if (meta?.['concurrency'] !== undefined) return;
    if (level === 'error' || level === 'warning') log.warn({ queue: message }, 'the queue says');
    else log.debug({ queue: message }, 'the queue says');
  });
}
