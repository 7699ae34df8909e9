import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { migrationsFolder } from '../src/config.ts';

export const secret = 'a-secret-only-for-benchmarks';

/** A server under measurement, in a process of its own. */
export interface Target extends AsyncDisposable {
  name: string;
  url: string;
  pid: number;
}

const root = join(migrationsFolder, '..');

/** Holdline with its embedded database in a folder of its own, the demo clinic, and the rehearsal model. */
export async function startHoldline(env: Record<string, string> = {}): Promise<Target> {
  // The system's temporary folder can be entered by whatever user Postgres runs as.
  const dataDir = await mkdtemp(join(tmpdir(), 'holdline-bench-'));
  await chmod(dataDir, 0o711);
  const target = await start('holdline', ['src/main.ts'], {
    DATA_DIR: dataDir,
    PORT: '0',
    VAPI_SECRET: secret,
    LOG_LEVEL: 'info',
    ...env,
  });
  return {
    ...target,
    async [Symbol.asyncDispose]() {
      await target[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function start(name: string, args: string[], env: Record<string, string>): Promise<Target> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await listeningUrl(child, name);
  return {
    name,
    url,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** Both kinds of server say their url on standard output, one as a log line, one as JSON. */
async function listeningUrl(child: ChildProcess, name: string): Promise<string> {
  if (child.stdout === null) throw new Error('the child has no standard output');
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /"url":"(http:[^"]+)"|answering at (http:\/\/[^;\s]+)/.exec(line);
    const found = url?.[1] ?? url?.[2];
    if (found !== undefined) {
      child.stdout.resume();
      return found;
    }
  }
  throw new Error(`${name} ended before it listened`);
}
