import { EventEmitter } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { parseCronItems, type Runner, run, type TaskList, type WorkerEvents } from 'graphile-worker';
import type { Sql } from 'postgres';
import { openQueuePool, queueLog } from '#storage/queue-pool.ts';
import type { Log } from '#telemetry/log.ts';
import { FinalFailure, type Handlers, type JobSchedule, TryAgain } from './job.ts';

export interface RunnerOptions {
  /** The ledger's url: the queue's own connections are opened with it. */
  url: string;
  sql: Sql;
  handlers: Handlers;
  schedules: readonly JobSchedule[];
  log: Log;
  /** Jobs at a time. */
  concurrency?: number;
  /** Told of each failure; `final` when the job is not tried again. */
  onFailure?: (failure: JobFailure) => void;
  /** How often it looks for jobs whose time has come; those to be done at once wake it. */
  pollIntervalMs?: number;
  /** How often it tells that it lives, and looks after jobs nobody runs. */
  tendEveryMs?: number;
}

export interface JobFailure {
  task: string;
  payload: unknown;
  attempt: number;
  final: boolean;
  reason: string;
}

/** What the runner works as: the queue's tables and nothing else. Handlers use the application's own pool. */
const queueRole = 'holdline_jobs';

/** Jobs wait for the network most of the time, and no caller waits for them. */
const defaultConcurrency = 4;
const defaultPollIntervalMs = 2_000;

/** One connection listens; the others fetch and finish jobs, which takes a millisecond each. */
const poolSize = 3;

/** Six times a minute: a minute's silence is what tells that a process died (`tend_jobs`). */
const usualTendEveryMs = 10_000;

/** A handler that has not ended this long after the stop is told to; its job is done again by the next process. */
const handlerGraceMs = 5_000;

/** After its queue failed it, the runner begins anew, at first at once. */
const restartAfterMsMax = 15_000;

/**
 * Takes jobs from the queue and does them until disposed of. It begins anew by itself when the queue fails it. Any
 * number of processes may do this; each job is done by one of them, and by another one if that one dies.
 *
 * @throws when the login may not work as the queue's role, with what to do
 */
export async function openRunner(options: RunnerOptions): Promise<AsyncDisposable> {
  const { log } = options;
  const role = await fitRole(options);
  const stopping = new AbortController();
  const serving = (async () => {
    for (let failures = 0; !stopping.signal.aborted; failures += 1) {
      const startedMs = performance.now();
      try {
        await serve(options, role, stopping.signal);
      } catch (error) {
        if (!stopping.signal.aborted)
          log.warn({ err: error }, 'the queue failed its runner, which begins anew');
      }
      if (performance.now() - startedMs > restartAfterMsMax) failures = 0;
      const pauseMs = Math.min(100 * 2 ** failures, restartAfterMsMax) * (0.75 + Math.random() / 2);
      await setTimeout(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await serving;
    },
  };
}

/** Runs until stopped or until the queue fails; whatever it still holds is given back. */
async function serve(options: RunnerOptions, role: string | undefined, stop: AbortSignal): Promise<void> {
  const { url, sql, log, concurrency = defaultConcurrency, pollIntervalMs = defaultPollIntervalMs } = options;
  await using pool = openQueuePool({ url, size: poolSize, ...(role === undefined ? {} : { role }), log });
  const events: WorkerEvents = new EventEmitter();
  let id: string | undefined;
  events.on('pool:create', ({ workerPool }) => {
    id = workerPool.id;
  });
  const stuck = whenStuck(events);
  const running = new Set<string>();
  const runner = await run({
    pgPool: pool,
    taskList: taskList(options, running),
    parsedCronItems: parseCronItems(options.schedules.map(cronItem)),
    noHandleSignals: true,
    events,
    logger: queueLog(log),
    preset: {
      worker: {
        concurrentJobs: concurrency,
        pollInterval: pollIntervalMs,
        gracefulShutdownAbortTimeout: handlerGraceMs,
        // Without a delay these two are promises nobody waits for, and a lost connection a fault nobody catches.
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
  });
  const ended = runner.promise.catch((error: unknown) => error);
  const runnerId = id ?? '';
  using _ = every(options.tendEveryMs ?? usualTendEveryMs, () => tend(sql, runnerId, running, log));
  try {
    await Promise.race([ended, aborted(stop), stuck]);
    await stopRunner(runner);
    const failure = await ended;
    if (failure instanceof Error) throw failure;
    if (!stop.aborted) throw new Error('the queue stopped its runner');
  } finally {
    await sql`select leave_jobs(${runnerId})`.catch((error: unknown) =>
      log.debug({ err: error }, 'jobs could not be given back; another process takes them in a minute'),
    );
  }
}

/**
 * Resolves when the runner will never get a job again: graphile-worker looks up its tasks once, and keeps a look that
 * failed as it keeps one that succeeded. Every further attempt then fails with the very same error.
 */
function whenStuck(events: WorkerEvents): Promise<void> {
  const met = new WeakSet<object>();
  return new Promise((resolve) => {
    events.on('worker:getJob:error', ({ error }) => {
      if (typeof error !== 'object' || error === null) return;
      if (met.has(error)) resolve();
      met.add(error);
    });
  });
}

async function stopRunner(runner: Runner): Promise<void> {
  try {
    await runner.stop();
  } catch {
    // It stopped by itself.
  }
}

async function tend(sql: Sql, runnerId: string, running: Set<string>, log: Log): Promise<void> {
  try {
    const [row] = await sql<
      [{ freed: number }]
    >`select tend_jobs(${runnerId}, ${[...running]}::bigint[]) as freed`;
    if (row.freed > 0) log.warn({ jobs: row.freed }, 'set jobs free that nobody was running any more');
  } catch (error) {
    log.debug({ err: error }, 'the queue could not be tended');
  }
}

/** Handlers as graphile-worker calls them: what they are doing is known, and a failure is told once. */
function taskList({ handlers, onFailure, log }: RunnerOptions, running: Set<string>): TaskList {
  const list: TaskList = {};
  for (const [name, handle] of Object.entries(handlers)) {
    list[name] = async (payload, { job, abortSignal }) => {
      running.add(job.id);
      try {
        await handle(payload, { attempt: job.attempts, signal: abortSignal ?? new AbortController().signal });
      } catch (error) {
        const last = job.attempts >= job.max_attempts && !(error instanceof TryAgain);
        const final = error instanceof FinalFailure || last;
        const facts = { job: job.id, task: name, attempt: job.attempts, err: error };
        if (final) log.error(facts, 'a job failed for good; npm run jobs -- list shows it');
        else log.warn(facts, 'a job failed and is tried again');
        const reason = error instanceof Error ? error.message : String(error);
        onFailure?.({ task: name, payload, attempt: job.attempts, final, reason });
        throw error;
      } finally {
        running.delete(job.id);
      }
    };
  }
  return list;
}

/** Due again if every process was down at its time, for up to an hour: what is late by more waits for the next. */
const catchUpMs = 3_600_000;

function cronItem({ task, cron }: JobSchedule) {
  return {
    task,
    match: cron,
    identifier: task,
    options: { backfillPeriod: catchUpMs, maxAttempts: 10, jobKey: task },
  };
}

/** The queue's role where the login may take it on; nothing where the login has its rights itself, as behind a pooler. */
async function fitRole({ url, log }: RunnerOptions): Promise<string | undefined> {
  try {
    await using pool = openQueuePool({ url, size: 1, role: queueRole, log });
    const { rows } = await pool.query<{ role: string }>('select current_user as role');
    if (rows[0]?.role === queueRole) return queueRole;
  } catch (error) {
    log.debug({ err: error }, `the login cannot work as ${queueRole}`);
  }
  await using pool = openQueuePool({ url, size: 1, log });
  const { rows } = await pool.query<{ fit: boolean; login: string }>(
    `select has_table_privilege('graphile_worker._private_jobs', 'update') as fit, current_user as login`,
  );
  if (rows[0]?.fit) return undefined;
  throw new Error(
    `DATABASE_URL: the role ${rows[0]?.login} may not run the queue; run: grant ${queueRole} to "${rows[0]?.login}"`,
  );
}

function every(ms: number, work: () => Promise<void>): Disposable {
  void work();
  const timer = setInterval(() => void work(), ms);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
