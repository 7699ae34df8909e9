import { Logger } from 'graphile-worker';
import pg from 'pg';
import type { Log } from '#telemetry/log.ts';
import { applicationName } from './postgres.ts';

/** A server that is there answers in far less. */
const connectTimeoutMs = 5_000;

/**
 * Longer than any statement of the queue takes, shorter than the minute after which another process takes over our
 * jobs: a connection that went silent is noticed before that.
 */
const answerTimeoutMs = 20_000;

/**
 * A pool of the driver that graphile-worker insists on. The rest of Holdline uses `postgres`.
 *
 * @param role what its connections work as, if not as the login itself
 */
export function openQueuePool(options: {
  url: string;
  size: number;
  role?: string;
  log: Log;
}): pg.Pool & AsyncDisposable {
  const { url, size, role, log } = options;
  const pool = new pg.Pool({
    connectionString: withLibpqSsl(url),
    max: size,
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: answerTimeoutMs,
    keepAlive: true,
    // At the connection's start and not by a statement: a pooler then refuses it instead of passing the role on
    // with the connection to somebody else.
    ...(role === undefined ? {} : { options: `-c role=${role}` }),
  });
  // Without listeners a lost connection would end the process. The pool replaces it by itself.
  const lost = (error: Error) => log.debug({ err: error }, 'the queue lost a connection');
  pool.on('error', lost);
  pool.on('connect', (client) => client.on('error', lost));
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.end() });
}

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

/** `sslmode` as libpq and `postgres` understand it: `require` encrypts and does not ask who signed. */
function withLibpqSsl(url: string): string {
  const changed = new URL(url);
  if (!changed.searchParams.has('sslmode')) return url;
  changed.searchParams.set('uselibpqcompat', 'true');
  return changed.href;
}
