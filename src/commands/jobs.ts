import { Command } from 'commander';
import { allJobs, type QueuedJob, retryJobs } from '#jobs/queue.ts';
import { openCommandStores, runCommand } from './stores.ts';

const command = new Command('npm run jobs --').description(
  'Shows the work that is done while no caller waits, and tries again what failed. Works beside a running server.',
);

command
  .command('list')
  .description(
    'How many jobs there are, and those that run, are tried again or failed; what was done is gone',
  )
  .option('--waiting', 'also those whose time has not come')
  .option('--json', 'print JSON')
  .action(async (options: { waiting?: boolean; json?: boolean }) => {
    await using stores = await openCommandStores();
    const all = await allJobs(stores.sql);
    const shown = all.filter(({ state }) => options.waiting || state !== 'waiting');
    if (options.json) {
      console.log(JSON.stringify(shown));
      return;
    }
    console.log(summary(all));
    for (const job of shown) console.log(line(job));
    if (all.some(({ state }) => state === 'failed')) {
      console.log('Try what failed again with: npm run jobs -- retry');
    }
  });

command
  .command('retry')
  .description('Tries jobs again at once: those named, or all that failed for good')
  .argument('[ids...]', 'as `list` shows them')
  .action(async (given: string[]) => {
    const ids = given.map(Number);
    const wrong = given.find((_, index) => !Number.isSafeInteger(ids[index]) || (ids[index] ?? 0) < 1);
    if (wrong !== undefined) throw new Error(`${wrong} is no job's id; npm run jobs -- list shows them`);
    await using stores = await openCommandStores();
    const retried = await retryJobs(stores.sql, given.length === 0 ? undefined : ids);
    console.log(retried === 1 ? 'One job is tried again.' : `${retried} jobs are tried again.`);
    if (retried < given.length) {
      console.log(
        'The others are being done at this moment, or are gone: npm run jobs -- list shows what is there.',
      );
    }
  });

function summary(jobs: QueuedJob[]): string {
  const states = ['waiting', 'retrying', 'running', 'failed'] as const;
  return states.map((state) => `${jobs.filter((job) => job.state === state).length} ${state}`).join(', ');
}

function line({ id, task, payload, state, attempts, lastError, runAt }: QueuedJob): string {
  const about = Object.entries(payload).map(([name, value]) => `${name}=${String(value)}`);
  const tried = attempts === 0 ? '' : `, tried ${attempts === 1 ? 'once' : `${attempts} times`}`;
  const why = lastError === null ? '' : `\n    ${lastError}`;
  return `  ${id}  ${state}${tried}, due ${runAt.toISOString()}  ${task} ${about.join(' ')}${why}`;
}

await runCommand(async () => {
  await command.parseAsync();
});
