import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe } from 'vitest';

export interface RedisServer extends AsyncDisposable {
  url: string;
  stop(): Promise<void>;
  restart(): Promise<void>;
  /** Stops answering without closing anything, as a paused machine does. */
  pause(): void;
  resume(): void;
}

const installed = isInstalled();
if (!installed && process.env['HOLDLINE_NO_SKIP'] === '1') {
  throw new Error(
    'redis-server is not installed, and HOLDLINE_NO_SKIP=1 forbids skipping the suites that need it',
  );
}
if (!installed) {
  process.stderr.write('\n*** REDIS SUITES ARE SKIPPED: redis-server is not installed ***\n\n');
}

/** A real Redis for the suites that need one; they are skipped, loudly, where `redis-server` is not installed. */
export const redisServer = { describe: describe.skipIf(!installed), start: startRedis };

async function startRedis(): Promise<RedisServer> {
  const port = await freePort();
  let child = await launch(port);
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    stop,
    async restart() {
      child = await launch(port);
    },
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    [Symbol.asyncDispose]: stop,
  };
}

async function launch(port: number): Promise<ChildProcess> {
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  for await (const chunk of child.stdout) {
    if (String(chunk).includes('Ready to accept connections')) break;
  }
  child.stdout?.resume();
  return child;
}

function isInstalled(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
