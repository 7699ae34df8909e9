import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { runCommand } from '#commands/stores.ts';
import { shippedLanguages } from '#language/shipped-languages.ts';
import { type TruthDoorName, truthDoors } from './doors.ts';
import { type HonestPlan, type HonestReport, honestLines, runHonest, withheldMax } from './honest.ts';
import type { TruthPlan } from './plan.ts';
import { type TruthReport, truthLines } from './report.ts';
import { runTruth } from './run.ts';

const shipped = shippedLanguages.map(({ tag }) => tag);

interface Options {
  turns: number;
  seed: number;
  languages: string[];
  doors: TruthDoorName[];
  truth: 'enforce' | 'watch';
  set?: string;
  report?: string;
  honest?: boolean;
}

const command = new Command('npm run truth --')
  .description(
    'Lets scripted callers talk to a careless model through every kind of door, and holds each sentence that is heard against the ledger. Exit code 1 when one was not so, or something was done that the caller did not ask for.',
  )
  .option('-t, --turns <number>', 'how many turns', positive, 2_000)
  .option('-s, --seed <number>', 'what callers and slips depend on', positive, 1)
  .option('--languages <list>', 'in which languages', listOf(shipped), shipped)
  .option('--doors <list>', 'at which doors', listOf(truthDoors), [...truthDoors])
  .addOption(
    new Option('--truth <mode>', 'whether what is not so is withheld')
      .choices(['enforce', 'watch'])
      .default('enforce'),
  )
  .addOption(
    new Option('--set <name>', 'whose phrasings (default: all there are)').choices(['own', 'sealed']),
  )
  .option('--honest', 'instead: have honest sentences said, and count those that are withheld')
  .option('--report <file>', 'also write what happened as JSON')
  .action(async ({ set, report: file, honest, ...options }: Options) => {
    const progress = (line: string) => console.log(line);
    const plan = { ...options, ...(set === undefined ? {} : { sets: [set] }), progress };
    const found = honest === true ? await sayHonest(plan) : await lie(plan);
    if (file !== undefined) {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `${JSON.stringify(found, undefined, 2)}\n`);
    }
  });

async function lie(plan: TruthPlan): Promise<TruthReport> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  const report = await runTruth({ ...plan, signal: interrupted.signal });
  console.log(truthLines(report).join('\n'));
  if (report.verdict !== 'clean') process.exitCode = 1;
  return report;
}

async function sayHonest(plan: HonestPlan): Promise<HonestReport> {
  const report = await runHonest(plan);
  console.log(honestLines(report).join('\n'));
  const kinds = Object.keys(withheldMax) as (keyof typeof withheldMax)[];
  if (kinds.some((kind) => report.shares[kind] > withheldMax[kind])) process.exitCode = 1;
  return report;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('use a number above 0');
  return value;
}

function listOf(known: readonly string[]): (text: string) => string[] {
  return (text) => {
    const list = text.split(',').map((one) => one.trim());
    const unknown = list.find((one) => !known.includes(one));
    if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is none of ${known.join(', ')}`);
    return list;
  };
}

await runCommand(async () => {
  await command.parseAsync();
});
