import { lchown, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runProgram } from './run-program.ts';

/** Whom Postgres runs as when that is not whom we run as. */
export interface PostgresUser {
  name: string;
  uid: number;
  gid: number;
}

/**
 * Postgres refuses to run as root. So for root it is whoever has the database's folder already, else the system's
 * own Postgres user, else nobody; for anybody else it is oneself.
 *
 * @returns undefined when Postgres runs as we do
 */
export async function choosePostgresUser(folder: string): Promise<PostgresUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = await readUsers();
  const owner = await stat(folder).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) {
    const { uid, gid } = owner;
    return users.find((user) => user.uid === uid) ?? { name: `user ${uid}`, uid, gid };
  }
  const chosen = ['postgres', 'nobody'].flatMap((name) => users.filter((user) => user.name === name))[0];
  if (chosen !== undefined) return chosen;
  throw new Error(
    'as root, Postgres needs another user to run as: make a user named postgres, or set DATABASE_URL',
  );
}

/**
 * Refuses a path that the user cannot enter, by asking the system as that user.
 *
 * @param remedy what else helps, beside letting the user pass
 */
export async function refuseUnreachable(user: PostgresUser, path: string, remedy: string): Promise<void> {
  const script = 'for step; do test -x "$step" || { printf %s "$step"; exit 0; }; done';
  const closed = await runProgram('/bin/sh', ['-c', script, 'sh', ...stepsTo(path)], { user, cwd: '/' });
  if (closed === '') return;
  throw new Error(
    `Postgres refuses to run as root, so it runs as ${user.name}, who cannot enter ${closed}: ` +
      `let it pass (chmod o+x '${closed}'), ${remedy}, or set DATABASE_URL`,
  );
}

/** Hands over a folder that root has, as after a restored backup, with everything inside. */
export async function handOver(folder: string, user: PostgresUser): Promise<void> {
  if ((await stat(folder)).uid !== 0) return;
  for (const name of await readdir(folder, { recursive: true })) {
    await lchown(join(folder, name), user.uid, user.gid);
  }
  await lchown(folder, user.uid, user.gid);
}

async function readUsers(): Promise<PostgresUser[]> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  return lines.flatMap(([name, , uid, gid]) =>
    name === undefined || gid === undefined ? [] : [{ name, uid: Number(uid), gid: Number(gid) }],
  );
}

/** Every folder on the way, the outermost first. */
function stepsTo(path: string): string[] {
  return path === dirname(path) ? [path] : [...stepsTo(dirname(path)), path];
}
