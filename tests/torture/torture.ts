import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { runCommand } from '#commands/stores.ts';
import { reportLines, reportOf } from './report.ts';
import { runTorture } from './run.ts';

interface Options {
  minutes: number;
  seed: number;
  servers: number;
  doorCallers: number;
  sqlCallers: number;
  report?: string;
}

const command = new Command('npm run torture --')
  .description(
    'Lets hundreds of callers race for few slots on several servers while servers, Redis and Postgres are killed, paused and cut off, then looks for anything the ledger promises and did not keep. Exit code 1 when something was found.',
  )
  .option('-m, --minutes <number>', 'how long', positive, 1)
  .option('-s, --seed <number>', 'what callers and faults decide by', positive, 1)
  .option('--servers <number>', 'server processes', positive, 3)
  .option('--door-callers <number>', 'calls at once through the doors', positive, 100)
  .option('--sql-callers <number>', 'calls at once straight at the database', positive, 48)
  .option('--report <file>', 'also write what happened as JSON')
  .action(async (options: Options) => {
    const { minutes, seed, servers, doorCallers: door, sqlCallers: sql } = options;
    const progress = (line: string) => console.log(line);
    const interrupted = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
    const plan = { minutes, seed, servers, callers: { door, sql }, progress, signal: interrupted.signal };
    const report = reportOf(plan, await runTorture(plan));
    console.log(reportLines(report).join('\n'));
    if (options.report !== undefined) {
      await mkdir(dirname(options.report), { recursive: true });
      await writeFile(options.report, `${JSON.stringify(report, undefined, 2)}\n`);
    }
    if (report.verdict !== 'clean') process.exitCode = 1;
  });

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('use a number above 0');
  return value;
}

await runCommand(async () => {
  await command.parseAsync();
});
