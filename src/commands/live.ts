import type { Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { Command } from 'commander';
import WebSocket from 'ws';
import { readConfig } from '#config.ts';
import { CallProblem } from './call/call-problem.ts';
import { knownServer } from './call/server.ts';
import { type FeedMessage, HoldBoard, liveLine } from './live/live-lines.ts';

interface Watching {
  url: string;
  key: string;
  /** One JSON document per event instead of lines. */
  json: boolean;
}

const againAfterMs = 1_000;

/**
 * Writes what happens, until `stop`. A connection that breaks is opened again.
 *
 * @throws CallProblem when the first connection is refused, or nothing listens
 */
export async function watchLive(
  { url, key, json }: Watching,
  output: Writable & { isTTY?: boolean; columns?: number },
  stop: AbortSignal,
): Promise<void> {
  const board = new HoldBoard();
  const screen = json || output.isTTY !== true ? undefined : output;
  const showBoard = () => {
    const line = board.line(performance.now(), output.columns ?? 80);
    screen?.write(`\r\u001b[2K${line}`);
  };
  const write = (line: string) => {
    if (screen !== undefined) output.write('\r\u001b[2K');
    output.write(`${line}\n`);
    if (screen !== undefined) showBoard();
  };
  const take = (told: FeedMessage) => {
    board.take(told, performance.now());
    write(json ? JSON.stringify(told) : liveLine(told));
  };
  const clock = setInterval(showBoard, 1_000);
  try {
    for (let connections = 1; !stop.aborted; connections += 1) {
      const ended = await oneConnection({ url, key }, take, stop);
      if (stop.aborted) return;
      if (connections === 1 && ended.refused !== undefined) throw new CallProblem(ended.refused);
      if (!json) write(`          (the connection ended: ${ended.refused ?? ended.why}; connecting again)`);
      await setTimeout(againAfterMs, undefined, { signal: stop }).catch(() => {});
    }
  } finally {
    clearInterval(clock);
    screen?.write('\n');
  }
}

async function oneConnection(
  { url, key }: { url: string; key: string },
  take: (told: FeedMessage) => void,
  stop: AbortSignal,
): Promise<{ refused?: string; why: string }> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/live`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const close = () => socket.close(1000);
  stop.addEventListener('abort', close, { once: true });
  let refused: string | undefined;
  socket.on('error', ({ message }) => {
    refused = /response: 401/.test(message)
      ? `The server at ${url} refused the key (401). Give the right one with --key, or set VAPI_SECRET to the server's.`
      : `The live feed at ${url} cannot be opened: ${message}.`;
  });
  socket.on('open', () => {
    refused = undefined;
  });
  socket.on('message', (data: Buffer) => take(JSON.parse(data.toString()) as FeedMessage));
  const why = await new Promise<string>((resolve) => {
    socket.once('close', (code, reason) => resolve(`${code} ${reason.toString()}`.trim()));
  });
  stop.removeEventListener('abort', close);
  return { ...(refused === undefined ? {} : { refused }), why };
}

if (import.meta.main) {
  const command = new Command('npm run live --')
    .description('Shows what happens on every process: calls, turns with their times, tools, steps, holds.')
    .option('--url <url>', 'of the server (default: the one running on this data directory)')
    .option(
      '--key <key>',
      'an organization’s key, or the installation’s (default: VAPI_SECRET, else DATA_DIR)',
    )
    .option('--json', 'print one JSON document per event')
    .addHelpText(
      'after',
      '\nEnds with Ctrl-C. Numbers and names are shown only to a key that may change things.\n\nExamples:\n  npm run live\n  npm run live -- --json | jq .type',
    )
    .action(async (options: { url?: string; key?: string; json?: boolean }) => {
      const { DATA_DIR: dataDir, VAPI_SECRET: configuredKey } = readConfig();
      const server = await knownServer({ ...options, dataDir, configuredKey, keyFile: 'vapi-secret' });
      if (server === undefined)
        throw new CallProblem(
          'No server is running here. Start one with "npm start", or name one with --url.',
        );
      const stop = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
      // Whoever reads us (a pager, head) may have seen enough.
      process.stdout.on('error', () => stop.abort());
      await watchLive({ ...server, json: options.json === true }, process.stdout, stop.signal);
    });
  try {
    await command.parseAsync();
  } catch (error) {
    const expected =
      error instanceof CallProblem || (error instanceof Error && error.name === 'ConfigurationError');
    console.error(expected ? error.message : error);
    process.exitCode = 1;
  }
}
