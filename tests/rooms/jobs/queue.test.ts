import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { FinalFailure, type Handler, type Handlers } from '#jobs/job.ts';
import { countJobs } from '#jobs/queue-view.ts';
import { openRunner } from '#jobs/runner.ts';
import { migrate } from '#storage/migrate.ts';
import { openPostgres } from '#storage/postgres.ts';
import { queueRevision } from '#storage/queue-schema.ts';
import { createLog } from '#telemetry/log.ts';
import { migrationsFolder } from '../../../src/config.ts';
import { clockOffsetMs } from '../../clock/test-clock.ts';
import { type LedgerDatabase, moveLedgerClock, openLedgerDatabase } from '../../ledger-database.ts';
import { withDatabase } from '../../template-database.ts';

const log = createLog({ level: process.env['LOG_LEVEL'] ?? 'silent', pretty: true });

let database: LedgerDatabase;
let owner: Sql;
let sql: Sql;
let closeSql: () => PromiseLike<void>;

beforeAll(async () => {
  database = await openLedgerDatabase();
  owner = postgres(database.ownerUrl, { max: 2, onnotice: () => {} });
  const pool = await openPostgres({ url: database.appUrl, poolSize: 4, log });
  sql = pool.sql;
  closeSql = () => pool[Symbol.asyncDispose]();
});

afterAll(async () => {
  await closeSql?.();
  await owner?.end();
  await database?.[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await owner`delete from graphile_worker._private_jobs`;
});

interface Job {
  id: number;
  task: string;
  key: string | null;
  state: string;
  attempts: number;
  lastError: string | null;
  runAt: string;
  payload: unknown;
}

async function jobs(): Promise<Job[]> {
  return (await sql<{ job: Job }[]>`select list_jobs() as job`).map(({ job }) => job);
}

/** A runner that looks often, on this file's ledger. */
function startRunner(handlers: Handlers): Promise<AsyncDisposable> {
  return openRunner({ url: database.appUrl, sql, handlers, schedules: [], log, pollIntervalMs: 50 });
}

/** A handler that keeps what it was given, and a way to wait for that. */
function recorder(work: Handler = async () => {}) {
  const seen: unknown[] = [];
  let arrived = () => {};
  const handle: Handler = async (payload, job) => {
    seen.push(payload);
    arrived();
    await work(payload, job);
  };
  const until = async (count: number) => {
    while (seen.length < count) await new Promise<void>((resolve) => (arrived = resolve));
  };
  return { seen, handle, until };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('enqueueing', () => {
  test('is part of the transaction: rolled back, there is no job', async () => {
    const failing = sql.begin(async (tx) => {
      await tx`select enqueue_job('note', ${tx.json({ id: 1 })})`;
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await jobs()).toEqual([]);
  });

  test('a key replaces what has not begun, with its time', async () => {
    await sql`select enqueue_job('note', ${sql.json({ id: 1 })}, 'about/1', ledger_now() + interval '1 hour')`;
    await sql`select enqueue_job('note', ${sql.json({ id: 2 })}, 'about/1', ledger_now() + interval '2 hours')`;
    const [only, ...others] = await jobs();
    expect(others).toEqual([]);
    expect(only).toMatchObject({ task: 'note', key: 'about/1', payload: { id: 2 }, state: 'waiting' });
    // The queue's clock is Postgres' own.
    expect(Date.parse(only?.runAt ?? '') + clockOffsetMs() - Date.now()).toBeGreaterThan(90 * 60_000);
  });

  test('a time is the ledger’s, and the job is due when it has passed by Postgres’ own clock', async () => {
    const waits = async (key: string, after: string) => {
      await sql`select enqueue_job('note', '{}', ${key}, ledger_now() + ${after}::interval)`;
      const [row] = await owner<[{ seconds: number }]>`
        select extract(epoch from run_at - now())::float as seconds from graphile_worker._private_jobs where key = ${key}`;
      return row.seconds;
    };
    try {
      for (const moved of ['400 days', '-400 days', '0 days']) {
        await moveLedgerClock(database, moved);
        const seconds = await waits(moved, '1 hour');
        // The statements' own time, on however slow a machine, is not an hour.
        expect(seconds, moved).toBeGreaterThan(1800);
        expect(seconds, moved).toBeLessThanOrEqual(3600);
      }
    } finally {
      await moveLedgerClock(database, '0 days');
    }
  });

  test('as graphile-worker’s own add_job would write it, also over one that waits, has begun or was given up', async () => {
    const ours = (key: string, id: number) =>
      sql`select enqueue_job('note', ${sql.json({ id })}, ${key},
        '2030-01-01'::timestamptz + make_interval(secs => ${clockOffsetMs() / 1000}))`;
    const theirs = (key: string, id: number) =>
      owner`select graphile_worker.add_job('note', ${owner.json({ id })}::json, run_at => '2030-01-01', job_key => ${key},
        max_attempts => 104)`;
    const written = async (enqueue: typeof ours) => {
      await owner`delete from graphile_worker._private_jobs`;
      await enqueue('new', 1);
      await enqueue('waiting', 2);
      await enqueue('waiting', 3);
      await enqueue('tried', 4);
      await owner`update graphile_worker._private_jobs set attempts = 3, last_error = 'no' where key = 'tried'`;
      await enqueue('tried', 5);
      await enqueue('begun', 6);
      await owner`update graphile_worker._private_jobs set locked_at = '2030-01-01', locked_by = 'one', attempts = 1
        where key = 'begun'`;
      await enqueue('begun', 7);
      await enqueue('given up', 8);
      await owner`update graphile_worker._private_jobs set attempts = max_attempts where key = 'given up'`;
      await enqueue('given up', 9);
      const rows = await owner`
        select to_jsonb(job) - array['id', 'created_at', 'updated_at'] as row from graphile_worker._private_jobs job
        order by id`;
      return rows.map((one) => one['row']);
    };
    const reference = await written(theirs);
    expect(reference).toHaveLength(7);
    expect(await written(ours)).toEqual(reference);
  });

  test('over a job that a runner takes at this instant: it is there beside it, not lost', async () => {
    await sql`select enqueue_job('note', ${sql.json({ id: 1 })}, 'about/1', ledger_now())`;
    let enqueued: Promise<unknown> | undefined;
    await owner.begin(async (runner) => {
      await runner`update graphile_worker._private_jobs set locked_at = now(), locked_by = 'one', attempts = 1`;
      enqueued = sql`select enqueue_job('note', ${sql.json({ id: 2 })}, 'about/1', ledger_now())`.execute();
      await until(async () => {
        const waiting = await owner`select from pg_locks where not granted and locktype = 'transactionid'`;
        return waiting.length > 0;
      });
    });
    await enqueued;
    expect((await jobs()).map(({ payload, key, state }) => ({ payload, key, state }))).toEqual([
      { payload: { id: 1 }, key: null, state: 'running' },
      { payload: { id: 2 }, key: 'about/1', state: 'waiting' },
    ]);
  });

  test('a runner is woken by a job to be done at once, and by none whose time is given', async () => {
    const heard: string[] = [];
    const listening = postgres(database.ownerUrl, { max: 1, onnotice: () => {} });
    try {
      await listening.listen('jobs:insert', (payload) => heard.push(payload));
      await sql`select enqueue_job('note', '{}', 'later', ledger_now() + interval '10 seconds')`;
      await sql`select enqueue_job('note', '{}', 'soon', ledger_now())`;
      await sql`select enqueue_job('note', '{}', 'now')`;
      await until(async () => heard.length > 0);
      // Notices come in the order of the commits: that of the last one is the first and only one.
      await owner`select pg_notify('jobs:insert', 'end')`;
      await until(async () => heard.includes('end'));
      expect(heard).toEqual([expect.stringMatching(/"count" : 1/), 'end']);
    } finally {
      await listening.end();
    }
  });

  test('more than ids is refused', async () => {
    const story = { words: 'x'.repeat(2_000) };
    await expect(sql`select enqueue_job('note', ${sql.json(story)})`).rejects.toThrow(/object of ids/);
    await expect(sql`select enqueue_job('note', ${sql.json([1])})`).rejects.toThrow(/object of ids/);
  });
});

test('what runs, failed, is tried again and waits is counted for one organization and for all', async () => {
  const [one, other] = [randomUUID(), randomUUID()];
  for (const tenantId of [one, other, null]) {
    await sql`
      select enqueue_job('note', ${sql.json(tenantId === null ? {} : { tenantId })}, null, ledger_now() + interval '1 day')
      from generate_series(1, 10)`;
  }
  await owner`
    update graphile_worker._private_jobs set attempts = case ranked.place when 1 then max_attempts when 2 then 3
        when 3 then 3 else 1 end,
      locked_at = case when ranked.place > 3 then now() end, locked_by = 'one'
    from (select id as ranked_id, row_number() over (partition by payload ->> 'tenantId') as place
      from graphile_worker._private_jobs) as ranked
    where id = ranked_id and ranked.place < 8`;
  const each = { failed: 1, retrying: 2, running: 4, waiting: 3 };
  expect(await countJobs(sql, one)).toEqual(each);
  expect(await countJobs(sql, other)).toEqual(each);
  expect(await countJobs(sql, randomUUID())).toEqual({ failed: 0, retrying: 0, running: 0, waiting: 0 });
  expect(await countJobs(sql, null)).toEqual({ failed: 3, retrying: 6, running: 12, waiting: 9 });
});

describe('who may do what', () => {
  test('the application enqueues and sees nothing of the tables', async () => {
    await sql`select enqueue_job('note', '{}')`;
    await expect(sql`select * from graphile_worker._private_jobs`).rejects.toThrow(/permission denied/);
    await expect(sql`delete from job_runners`).rejects.toThrow(/permission denied/);
  });

  test('the queue’s role reads no organization’s rows', async () => {
    const queue = postgres(database.appUrl, { max: 1, connection: { role: 'holdline_jobs' } });
    try {
      const tables = await owner<{ name: string }[]>`
        select relname as name from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r' and relname not like 'schema#_%' escape '#'`;
      for (const { name } of tables) {
        if (name === 'job_runners') continue;
        await expect(queue`select * from ${queue(name)}`, name).rejects.toThrow(/permission denied/);
      }
      await expect(queue`select organization_directory()`).rejects.toThrow(/permission denied/);
    } finally {
      await queue.end();
    }
  });

  test('the queue’s role may use every table of the queue', async () => {
    const closed = await owner<{ name: string }[]>`
      select relname as name from pg_class
      where relnamespace = 'graphile_worker'::regnamespace and relkind = 'r' and (
        not has_table_privilege('holdline_jobs', oid, 'select, insert, update, delete')
        or relrowsecurity and not exists (
          select from pg_policy where polrelid = pg_class.oid and 'holdline_jobs'::regrole = any (polroles)))`;
    expect(closed.map(({ name }) => name)).toEqual([]);
  });
});

describe('running', () => {
  test('a job is done after its commit, with its payload, and is gone then', async () => {
    const note = recorder();
    await using _ = await startRunner({ note: note.handle });
    await sql`select enqueue_job('note', ${sql.json({ id: 7 })})`;
    await note.until(1);
    expect(note.seen).toEqual([{ id: 7 }]);
    await until(async () => (await jobs()).length === 0);
  });

  test('two runners share the work: each job once', async () => {
    const note = recorder();
    await using _first = await startRunner({ note: note.handle });
    await using _second = await startRunner({ note: note.handle });
    await sql`select enqueue_job('note', jsonb_build_object('id', n)) from generate_series(1, 200) n`;
    await note.until(200);
    await until(async () => (await jobs()).length === 0);
    expect(new Set(note.seen.map((payload) => (payload as { id: number }).id)).size).toBe(200);
    expect(note.seen).toHaveLength(200);
  });

  test('a failure is tried again later, and no two at the same moment', async () => {
    const note = recorder(async () => {
      throw new Error('not now');
    });
    const runner = await startRunner({ note: note.handle });
    await sql`select enqueue_job('note', jsonb_build_object('id', n)) from generate_series(1, 8) n`;
    await note.until(8);
    await runner[Symbol.asyncDispose]();
    const after = await jobs();
    expect(after.map((job) => job.state)).toEqual(after.map(() => 'retrying'));
    expect(after[0]?.lastError).toBe('not now');
    // A job's updated_at is when it was taken, before it failed; now is after. So neither bound knows the machine's pace.
    const [times] = await owner<[{ earliest: number; latest: number; different: number }]>`
      select min(extract(epoch from run_at - updated_at))::float as earliest,
        max(extract(epoch from run_at - now()))::float as latest,
        count(distinct run_at - updated_at)::integer as different
      from graphile_worker._private_jobs`;
    // Five seconds, a quarter more or less.
    expect(times.earliest).toBeGreaterThanOrEqual(3.75);
    expect(times.latest).toBeLessThanOrEqual(6.25);
    expect(times.different).toBeGreaterThan(1);
  });

  test('the waits grow to a quarter of an hour, and the attempts last a day', async () => {
    await sql`select enqueue_job('note', '{}')`;
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 104; attempt += 1) {
      await owner`update graphile_worker._private_jobs
        set attempts = ${attempt}, locked_by = 'somebody', locked_at = now(), run_at = now()`;
      const [row] = await owner<[{ wait: number }]>`
        update graphile_worker._private_jobs
        set locked_by = null, locked_at = null, last_error = 'no', run_at = now() + interval '1 second'
        returning extract(epoch from run_at - now())::float as wait`;
      waits.push(row.wait);
    }
    expect(Math.max(...waits)).toBeLessThanOrEqual(900 * 1.25);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(900 * 0.75);
    const hours = waits.reduce((sum, wait) => sum + wait, 0) / 3600;
    expect(hours).toBeGreaterThan(22);
    expect(hours).toBeLessThan(26);
  });

  test('what cannot be helped is kept as failed, and can be tried again by hand', async () => {
    let broken = true;
    const note = recorder(async () => {
      if (broken) throw new FinalFailure('nobody will ever answer this');
    });
    await using _ = await startRunner({ note: note.handle });
    await sql`select enqueue_job('note', '{}')`;
    await until(async () => (await jobs())[0]?.state === 'failed');
    expect((await jobs())[0]?.lastError).toBe('final: nobody will ever answer this');
    broken = false;
    await sql`select retry_jobs()`;
    await note.until(2);
    await until(async () => (await jobs()).length === 0);
  });

  test('a job under way ends before the runner does', async () => {
    const ended: string[] = [];
    const note = recorder(async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      ended.push('job');
    });
    const runner = await startRunner({ note: note.handle });
    await sql`select enqueue_job('note', '{}')`;
    await note.until(1);
    await runner[Symbol.asyncDispose]();
    expect(ended).toEqual(['job']);
    expect(await jobs()).toEqual([]);
  });
});

describe('what a runner leaves behind', () => {
  async function lockedBy(runner: string, ago: string): Promise<void> {
    await sql`select enqueue_job('note', '{}')`;
    await owner`update graphile_worker._private_jobs
      set locked_by = ${runner}, locked_at = now() - ${ago}::interval, attempts = 1`;
  }

  test('the jobs of a process that died are free after a minute, not those of one that lives', async () => {
    await lockedBy('dead-runner', '61 seconds');
    await owner`insert into job_runners values ('dead-runner', now() - interval '61 seconds')`;
    await sql`select tend_jobs('living-runner', '{}')`;
    expect((await jobs())[0]?.state).toBe('retrying');

    await owner`delete from graphile_worker._private_jobs`;
    await lockedBy('other-runner', '2 hours');
    await sql`select tend_jobs('other-runner', array[(select max((job ->> 'id')::bigint) from list_jobs() job)])`;
    await sql`select tend_jobs('living-runner', '{}')`;
    expect((await jobs())[0]?.state).toBe('running');
  });

  test('a job whose hand-over was lost on the way is taken back', async () => {
    await lockedBy('this-runner', '26 seconds');
    await sql`select tend_jobs('this-runner', '{}')`;
    expect((await jobs())[0]?.state).toBe('retrying');
  });
});

describe('the queue’s tables', () => {
  test('are those of the graphile-worker that is installed', () => {
    const folder = join(dirname(fileURLToPath(import.meta.resolve('graphile-worker'))), '../sql');
    const newest = Math.max(...readdirSync(folder).map((file) => Number(file.slice(0, 6))));
    expect(newest).toBe(queueRevision);
  });

  test('two processes that start at once install them once; a newer queue is refused', async () => {
    const name = `queue_${process.pid}`;
    const admin = postgres(withDatabase(inject('template').ownerUrl, 'postgres'), { max: 1 });
    await admin.unsafe(`create database ${name}`);
    const url = withDatabase(database.ownerUrl, name);
    try {
      const both = [
        migrate({ url, folder: migrationsFolder, log }),
        migrate({ url, folder: migrationsFolder, log }),
      ];
      const applied = (await Promise.all(both)).flat();
      expect(applied).toHaveLength(new Set(applied).size);
      const fresh = postgres(url, { max: 1 });
      await fresh`insert into graphile_worker.migrations (id, breaking) values (99, true)`;
      await fresh.end();
      await expect(migrate({ url, folder: migrationsFolder, log })).rejects.toThrow(/update Holdline/);
    } finally {
      await admin.unsafe(`drop database ${name} with (force)`);
      await admin.end();
    }
  });
});
