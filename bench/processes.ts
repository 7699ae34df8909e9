import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { migrationsFolder } from '../src/config.ts';
import type { Used } from './measured.ts';

/** A server of a benchmark, in a process of its own. */
export interface Running extends AsyncDisposable {
  name: string;
  url: string;
  pid: number;
  /** What it has used up to now, by its own account. */
  used(options?: { collect: boolean }): Promise<Used>;
}

export const root = join(migrationsFolder, '..');

/**
 * What is measured has the last processor to itself as far as two allow; the load, the model's stand-in, Postgres and
 * Redis share the others.
 */
const pinned = cpus().length > 1 && spawnSync('taskset', ['--version']).error === undefined;
const measuredCpus = String(cpus().length - 1);
const otherCpus = `0-${cpus().length - 2}`;

/** Moves this process, and what it starts from now on, away from what is measured. */
export function keepAway(): void {
  if (pinned) spawnSync('taskset', ['-a', '-cp', otherCpus, String(process.pid)]);
}

/** Moves this process to where what is measured runs, for as long as it is the one that is measured. */
export function standIn(): Disposable {
  if (pinned) spawnSync('taskset', ['-a', '-cp', measuredCpus, String(process.pid)]);
  return { [Symbol.dispose]: keepAway };
}

/**
 * Starts a server that tells its url on standard output.
 *
 * @param options.role measured: on the processor kept for it; beside: wherever this process is
 */
export async function start(
  name: string,
  args: string[],
  { env = {}, role, cwd = root }: { env?: Record<string, string>; role: 'measured' | 'beside'; cwd?: string },
): Promise<Running> {
  const flags = ['--expose-gc', '--import', join(root, 'bench/measured.ts')];
  // PROFILE=<folder> keeps a profile of every measured process there, to see where its time went.
  const profile = process.env['PROFILE'];
  if (role === 'measured' && profile !== undefined) flags.push('--cpu-prof', '--cpu-prof-dir', profile);
  const command = [process.execPath, ...flags, ...args];
  const [file = '', ...rest] =
    role === 'measured' && pinned ? ['taskset', '-c', measuredCpus, ...command] : command;
  const child = spawn(file, rest, {
    cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const url = await listeningUrl(child, name);
  return {
    name,
    url,
    pid: child.pid ?? 0,
    async used(options = { collect: false }) {
      const answer = once(child, 'message');
      child.send({ used: options });
      const [used] = await answer;
      return used as Used;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** Every kind of server says its url on standard output: as JSON, or in a line for people. */
async function listeningUrl(child: ChildProcess, name: string): Promise<string> {
  if (child.stdout === null) throw new Error('the child has no standard output');
  for await (const line of createInterface({ input: child.stdout })) {
    const [found] = /http:\/\/(?:127\.0\.0\.1|localhost):\d+/.exec(line) ?? [];
    if (found !== undefined) {
      child.stdout.resume();
      return found.replace('localhost', '127.0.0.1');
    }
  }
  throw new Error(`${name} ended before it listened`);
}
