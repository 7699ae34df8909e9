// `npm run bench`: every question in turn, the goals, and what was found kept in bench/results.
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { compare } from './compare.ts';
import { type Finding, type Goal, goal, goalLine, print, type Results } from './finding.ts';
import { firstWords } from './first-words.ts';
import { growth } from './growth.ts';
import { idleCalls } from './idle-calls.ts';
import { openInstallation } from './installation.ts';
import { manyCalls } from './many-calls.ts';
import { plotFirstWords } from './plot.ts';
import { root } from './processes.ts';
import { reserve } from './reserve.ts';
import { rush } from './rush.ts';
import { toolTurn } from './tool-turn.ts';
import { toolWebhook } from './tool-webhook.ts';

const folder = join(root, 'bench/results');
/** The ledger's questions come last: reserve empties what the others have left. */
const questions = {
  'first-words': firstWords,
  'tool-turn': toolTurn,
  'tool-webhook': toolWebhook,
  'idle-calls': idleCalls,
  reserve,
  rush,
};
const fullQuestions = { 'many-calls': manyCalls, growth };
const programs = ['availability', 'call-start'];

const program = new Command('bench')
  .description('Measures Holdline beside what others use, in one run, and says which goals are met')
  .option('--full', 'also many calls and growth, some twenty minutes more')
  .option(
    '--only <names>',
    `some of: ${Object.keys({ ...questions, ...fullQuestions }).join(', ')}, ${programs.join(', ')}`,
  )
  .action(run);
program
  .command('compare')
  .description('shows two results side by side')
  .argument('<a>', 'file in bench/results, with or without folder and ending')
  .argument('<b>')
  .action(async (a: string, b: string) => compare(await readResults(a), await readResults(b)));
await program.parseAsync();

async function run({ full = false, only }: { full?: boolean; only?: string }): Promise<void> {
  const startedMs = performance.now();
  const wanted = only?.split(',');
  const chosen = Object.entries({
    ...questions,
    ...(full || wanted !== undefined ? fullQuestions : {}),
  }).filter(([name]) => wanted === undefined || wanted.includes(name));
  const findings: Record<string, Finding> = {};
  const printed: Record<string, string> = {};
  const goals = () => [
    ...Object.values(findings).flatMap((finding) => finding.goals),
    ...calendarGoal(printed['availability']),
  ];
  const origin = about();
  const file = join(folder, `${origin.at.slice(0, 10)}-${origin.commit}${full ? '-full' : ''}.json`);
  /** After each question: a run that is interrupted has measured something all the same. */
  const keep = async (): Promise<Results> => {
    const tookSeconds = Math.round((performance.now() - startedMs) / 1_000);
    const results = { ...origin, full, tookSeconds, findings, printed };
    if (wanted === undefined) await writeFile(file, `${JSON.stringify(results, undefined, 1)}\n`);
    return results;
  };
  for (const [name, question] of chosen) {
    // Each on a ledger and a model of its own, as what one leaves behind would slow the next.
    await using installation = await openInstallation({
      ledger: name === 'many-calls' ? 'measured' : 'beside',
    });
    const finding = await question(installation);
    if ('firstMs' in finding) {
      await plotFirstWords(finding.firstMs as Record<string, number[]>, join(folder, 'first-words.svg'));
    }
    const { question: asked, rows, goals, notes } = finding;
    findings[name] = { question: asked, rows, goals, notes };
    print(finding);
    await keep();
  }
  for (const name of programs.filter((one) => wanted === undefined || wanted.includes(one))) {
    printed[name] = execFileSync(process.execPath, [`bench/${name}.ts`], { cwd: root, encoding: 'utf8' });
    console.log(printed[name]);
  }
  console.log('\n# Goals');
  for (const one of goals()) console.log(goalLine(one));
  const { tookSeconds } = await keep();
  console.log(`\n${tookSeconds} s${wanted === undefined ? `, kept in ${file.slice(root.length + 1)}` : ''}`);
}

/** The one target that another benchmark measures: it prints a calendar's answers with their 95th percentile. */
function calendarGoal(text = ''): Goal[] {
  const p95 = /^calendar that answers .*?\s\d+\s+[\d.]+\s+([\d.]+)/m.exec(text)?.[1];
  return p95 === undefined
    ? []
    : [goal('target: check from the calendar, p95, ms', { atMost: 2_000, rounds: [Number(p95)] })];
}

function about() {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--', 'src', 'migrations') === '' ? '' : '-changed';
  return {
    at: new Date().toISOString(),
    commit: `${git('rev-parse', '--short', 'HEAD')}${changed}`,
    machine: {
      cpu: cpus()[0]?.model ?? '',
      cpus: cpus().length,
      memoryGb: Math.round(totalmem() / 1e9),
      node: process.version,
    },
  };
}

async function readResults(name: string): Promise<Results> {
  const file = join(folder, `${name.replace(/^.*\//, '').replace(/\.json$/, '')}.json`);
  return JSON.parse(await readFile(file, 'utf8'));
}
