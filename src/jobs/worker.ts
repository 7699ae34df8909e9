import { createTwilio, type TwilioOptions } from '#sms/twilio.ts';
import type { Events } from '#telemetry/events.ts';
import { watchQueue } from './queue-figures.ts';
import { openRunner, type RunnerOptions } from './runner.ts';
import { createHandlers, schedulesOf, type TaskParts } from './tasks.ts';
import { twilioAnswerMs } from './text-retries.ts';

export interface WorkerParts extends Omit<TaskParts, 'sender'>, Pick<RunnerOptions, 'url' | 'concurrency'> {
  /** Whose texts these are; without one, texts are recorded and not sent, which is said once. */
  twilio: Omit<TwilioOptions, 'timeoutMs'> | undefined;
  happenings: Pick<Events, 'jobFailed'>;
}

/** Everything that is done while no caller waits: in the server's process, or in one of its own. */
export async function openWorker(parts: WorkerParts): Promise<AsyncDisposable> {
  const { url, sql, directory, twilio, publicUrl, happenings, log, concurrency } = parts;
  if (twilio === undefined) log.warn('no TWILIO_ACCOUNT_SID: text messages are recorded and not sent');
  else if (publicUrl === undefined) {
    log.warn('no PUBLIC_URL: Twilio cannot tell whether a text message arrived, nor what was answered');
  }
  const sender = twilio === undefined ? undefined : createTwilio({ ...twilio, timeoutMs: twilioAnswerMs });
  watchQueue(sql);
  return openRunner({
    url,
    sql,
    handlers: createHandlers({ ...parts, sender }),
    schedules: schedulesOf(parts),
    log,
    ...(concurrency === undefined ? {} : { concurrency }),
    onFailure({ payload, ...failure }) {
      const { tenantId } = (payload ?? {}) as { tenantId?: unknown };
      happenings.jobFailed(typeof tenantId === 'string' ? directory.byId(tenantId) : undefined, failure);
    },
  });
}
