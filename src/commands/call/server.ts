import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readRuntimeFile } from '#storage/data-directory.ts';
import { CallProblem } from './call-problem.ts';
import type { ServerLine } from './vapi-request.ts';

export interface ServerWanted {
  url?: string | undefined;
  key?: string | undefined;
  dataDir: string;
  /** Of the environment, if it is there. */
  configuredKey: string | undefined;
  /** Where in the data directory it is otherwise. */
  keyFile: 'vapi-secret' | 'demo-key';
  /** Variables that the server must have been started with: then one that runs already is of no use. */
  env?: Record<string, string> | undefined;
}

/** The very first start prepares a database, which takes seconds on a slow disk, not minutes. */
const startDeadlineMs = 120_000;
const lookEveryMs = 100;
/** The server itself gives up closing after half a minute. */
const stopDeadlineMs = 40_000;
const lastLinesMax = 15;

/**
 * The server to call: the one named, else the one running on this data directory, else one started for this call
 * and stopped on disposal.
 *
 * @param note told what takes time
 * @throws CallProblem when none can be started or there is no key
 */
export async function reachServer(
  wanted: ServerWanted,
  note: (text: string) => void,
): Promise<ServerLine & AsyncDisposable> {
  await using opening = new AsyncDisposableStack();
  const known = await urlOf(wanted);
  if (wanted.env !== undefined && known !== undefined) {
    throw new CallProblem(
      `The server at ${known} has its own model. Stop it, or set another DATA_DIR, and one with the model you ask for is started.`,
    );
  }
  const url = known ?? (await start(wanted, note, opening));
  const line = await lineTo(url, wanted);
  const opened = opening.move();
  return { ...line, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** The same, when a server was named or one is running; else nothing. */
export async function knownServer(wanted: ServerWanted): Promise<ServerLine | undefined> {
  const url = await urlOf(wanted);
  return url === undefined ? undefined : lineTo(url, wanted);
}

async function urlOf({ url, dataDir }: ServerWanted): Promise<string | undefined> {
  return url ?? (await readRuntimeFile(dataDir))?.url;
}

async function lineTo(url: string, wanted: ServerWanted): Promise<ServerLine> {
  // The key on file is this machine's own: it is not shown to a server elsewhere that was named on the command line.
  const isOurs =
    ['127.0.0.1', '[::1]', 'localhost'].includes(new URL(url).hostname) || wanted.url === undefined;
  const key = wanted.key ?? wanted.configuredKey ?? (isOurs ? await keyOnFile(wanted) : undefined);
  if (!key) {
    throw new CallProblem(
      `There is no key for ${url}: give it with --key, or set ${wanted.keyFile === 'demo-key' ? 'DEMO_KEY' : 'VAPI_SECRET'} to the server's.`,
    );
  }
  return { url: baseUrl(url), key };
}

/** People paste what they gave to Vapi. */
function baseUrl(url: string): string {
  return url
    .replace(/\/+$/, '')
    .replace(/\/chat\/completions$/, '')
    .replace(/\/vapi(?:\/v1)?$/, '');
}

async function keyOnFile({ dataDir, keyFile }: ServerWanted): Promise<string | undefined> {
  const text = await readFile(path.join(dataDir, keyFile), 'utf8').catch(() => undefined);
  return text?.trim();
}

async function start(
  { dataDir, env }: ServerWanted,
  note: (text: string) => void,
  opening: AsyncDisposableStack,
): Promise<string> {
  note('No server is running; starting one for this call (the first start takes some seconds).');
  const project = path.resolve(import.meta.dirname, '../../..');
  const server = spawn(process.execPath, [path.join(project, 'src/main.ts')], {
    env: { ...process.env, ...env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  opening.use(stopOnSignal(server, note));
  opening.defer(() => stop(server, note));
  const said: string[] = [];
  for (const stream of [server.stdout, server.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said.push(...text.split('\n').filter((line) => line.trim() !== ''));
      said.splice(0, said.length - lastLinesMax);
    });
  }
  const deadline = AbortSignal.timeout(startDeadlineMs);
  while (!deadline.aborted) {
    if (server.exitCode !== null || server.signalCode !== null) {
      throw new CallProblem(`The server stopped while starting. Its last words:\n${said.join('\n')}`);
    }
    const running = await readRuntimeFile(dataDir);
    if (running?.pid === server.pid && running) return running.url;
    await setTimeout(lookEveryMs);
  }
  throw new CallProblem(
    `The server did not listen within ${startDeadlineMs / 1000} s. Its last words:\n${said.join('\n')}`,
  );
}

/** Whoever ends this process by a signal does not leave a server behind. */
function stopOnSignal(server: ChildProcess, note: (text: string) => void): Disposable {
  const leave = () => {
    void stop(server, note).finally(() => process.exit(1));
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, leave);
  return {
    [Symbol.dispose]() {
      for (const signal of signals) process.removeListener(signal, leave);
    },
  };
}

async function stop(server: ChildProcess, note: (text: string) => void): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, 'exit');
  server.kill('SIGTERM');
  const late = new AbortController();
  const inTime = await Promise.race([
    exited.then(() => true),
    setTimeout(stopDeadlineMs, false, { signal: late.signal }).catch(() => true),
  ]);
  late.abort();
  if (inTime) return;
  note('The server did not stop in time and is ended by force; its next start finds the data as committed.');
  server.kill('SIGKILL');
  await exited;
}
