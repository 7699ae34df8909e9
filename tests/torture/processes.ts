import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { migrationsFolder } from '../../src/config.ts';
import { clockEnvironment } from '../clock/test-clock.ts';

const root = join(migrationsFolder, '..');
const startDeadlineMs = 30_000;

/** A process of the run that is killed, paused and started again, always on the same port. */
export interface Restartable extends AsyncDisposable {
  readonly url: string;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** As a machine that stands still: nothing is closed, nothing answers. */
  pause(): void;
  resume(): void;
}

/** Whatever ends this process, nothing it started is left running. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

interface Recipe {
  program: string;
  args: string[];
  env?: Record<string, string>;
  url: string;
  isUp(): Promise<boolean>;
}

/** A Holdline server of its own, on a ledger and a Redis it shares with others. */
export async function startServer(options: {
  folder: string;
  secret: string;
  databaseUrl: string;
  redisUrl: string | undefined;
  /** How far its clock goes ahead of the others'. */
  aheadMs?: number;
  /** Further variables of its environment. */
  env?: Record<string, string>;
}): Promise<Restartable> {
  const { folder, secret, databaseUrl, redisUrl, aheadMs, env } = options;
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  return restartable({
    program: process.execPath,
    args: [join(root, 'src/main.ts')],
    env: {
      DATA_DIR: folder,
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      VAPI_SECRET: secret,
      DEMO_KEY: `${secret}-demo`,
      LOG_LEVEL: 'fatal',
      ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
      ...clockEnvironment(aheadMs),
      ...env,
    },
    url,
    isUp: async () => (await fetch(`${url}/health`).catch(() => undefined))?.ok === true,
  });
}

export function redisInstalled(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export async function startRedis(): Promise<Restartable> {
  const port = await freePort();
  return restartable({
    program: 'redis-server',
    args: ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    url: `redis://127.0.0.1:${port}`,
    isUp: async () => {
      const socket = connect(port, '127.0.0.1');
      const connected = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      socket.destroy();
      return connected;
    },
  });
}

async function restartable({ program, args, env, url, isUp }: Recipe): Promise<Restartable> {
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    if (child !== undefined && child.exitCode === null && child.signalCode === null) return;
    if (child !== undefined) running.delete(child);
    child = spawn(program, args, {
      cwd: root,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    running.add(child);
    const started = Date.now();
    while (!(await isUp())) {
      if (child.exitCode !== null || Date.now() - started > startDeadlineMs) {
        throw new Error(`${program} ${args.at(-1)} did not start`);
      }
      await setTimeout(50);
    }
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
    running.delete(child);
  }

  await start();
  return {
    url,
    start,
    kill: () => end('SIGKILL'),
    pause: () => child?.kill('SIGSTOP'),
    resume: () => child?.kill('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      child?.kill('SIGCONT');
      const late = setTimeout(10_000, 'late', { ref: false });
      if ((await Promise.race([end('SIGTERM'), late])) === 'late') await end('SIGKILL');
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
