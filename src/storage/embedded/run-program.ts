import { spawn } from 'node:child_process';
import { platform } from 'node:os';
import { basename } from 'node:path';

interface Options {
  /** Whom to run as; undefined is whom we run as. */
  user: { uid: number; gid: number } | undefined;
  /** The user must be able to enter it. */
  cwd: string;
  deadlineMs?: number;
}

/** The programs run here answer at once; whoever needs longer says so. */
const usualDeadlineMs = 10_000;

/** Nothing of our own environment: PGDATA and its like would mislead Postgres, and secrets are not its business. */
const env = { LC_ALL: 'C', ...(platform() === 'win32' ? {} : { PATH: '/usr/bin:/bin' }) };

/**
 * Runs a program to its end, outside our process group: Ctrl-C for us must not interrupt it half-way.
 *
 * @returns what it wrote
 * @throws with what it complained about when it fails
 */
export async function runProgram(program: string, args: string[], options: Options): Promise<string> {
  const { user, cwd, deadlineMs = usualDeadlineMs } = options;
  const child = spawn(program, args, {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  });
  const written: string[] = [];
  const complaints: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => written.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text));
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', resolve);
  const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
  try {
    const code = await promise;
    if (code === 0) return written.join('');
    const how = code === null ? `was ended after ${deadlineMs / 1000} s` : `failed with exit code ${code}`;
    throw new Error(`${basename(program)} ${how}: ${[...complaints, ...written].join('').trim()}`);
  } finally {
    clearTimeout(timer);
  }
}
