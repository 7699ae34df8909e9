/** What is to be done for a job. Throwing means: try again later; it must be harmless when repeated. */
export type Handler = (payload: unknown, job: { attempt: number; signal: AbortSignal }) => Promise<void>;
export type Handlers = Readonly<Record<string, Handler>>;

/** What is done at its time, once, however many processes there are. The times are UTC. */
export interface JobSchedule {
  task: string;
  /** Minute, hour, day of month, month, day of week. */
  cron: string;
}

/** A job that no repetition can help: kept as failed at once. */
export class FinalFailure extends Error {
  override name = 'FinalFailure';

  constructor(message: string, options?: ErrorOptions) {
    // The queue's own rule (`back_off` in `migrations/functions/queue.sql`) knows it by these words.
    super(`final: ${message}`, options);
  }
}

/** A job that says itself when it is tried again, in place of the queue's own pause; its attempts do not run out. */
export class TryAgain extends Error {
  override name = 'TryAgain';

  constructor(afterMs: number, cause: unknown) {
    // `back_off` knows it by these words.
    super(`again in ${afterMs} ms: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
