import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { createOpenSlots } from '#availability/open-slots.ts';
import { openCalendarAccess } from '#jobs/calendar-access.ts';
import { openWorker } from '#jobs/worker.ts';
import { createLanguages } from '#language/languages.ts';
import { shippedLanguages } from '#language/shipped-languages.ts';
import { openDirectory } from '#organization/directory.ts';
import { openPrompts } from '#prompts/templates.ts';
import { openLedger } from '#storage/open-ledger.ts';
import { openStore } from '#storage/open-store.ts';
import { createEvents } from '#telemetry/events.ts';
import { createLog } from '#telemetry/log.ts';
import { calendarOptions, ledgerPlaceOf, promptsFolder, readConfig, twilioAccount } from '../config.ts';
import { runCommand } from './stores.ts';

/** What the handlers need beside the queue's own three connections. */
const poolSizePerJob = 1;
/** The directory listens on one of its own, and somebody may look at the queue's figures. */
const poolSizeBeside = 2;

const command = new Command('npm run worker --')
  .description(
    'Does the work no caller waits for in a process of its own: text messages, slots, schedules. A server does it, too, unless it runs with WORKER=off; any number of processes share it. Ends with Ctrl-C or SIGTERM, after the jobs under way.',
  )
  .option('--concurrency <jobs>', 'jobs at a time', wholeNumber, 4)
  .action(async ({ concurrency }: { concurrency: number }) => {
    const stopped = new AbortController();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stopped.abort());
    const config = readConfig();
    const log = createLog({ level: config.LOG_LEVEL, pretty: process.stdout.isTTY });
    process.on('unhandledRejection', (error) => log.error({ err: error }, 'a fault nobody waited for'));

    await using resources = new AsyncDisposableStack();
    const poolSize = concurrency * poolSizePerJob + poolSizeBeside;
    const { sql, url } = resources.use(
      await openLedger(ledgerPlaceOf(config), { holder: 'command', log, poolSize }),
    );
    const store = resources.use(await openStore(config.REDIS_URL, log));
    const openSlots = resources.use(createOpenSlots({ sql, store }));
    const happenings = resources.use(createEvents({ wire: store }));
    const prompts = resources.use(await openPrompts({ folder: promptsFolder, sql, log }));
    const directory = resources.use(await openDirectory({ sql, log }));
    const calendarWay = calendarOptions(config);
    const calendars = calendarWay === undefined ? undefined : await openCalendarAccess(calendarWay);
    const [twilio, publicUrl] = [twilioAccount(config), config.PUBLIC_URL];
    const parts = {
      sql,
      openSlots,
      calendars,
      url,
      directory,
      prompts,
      languages: createLanguages(shippedLanguages),
      twilio,
      publicUrl,
      happenings,
      log,
      concurrency,
    };
    resources.use(await openWorker(parts));
    log.info({ concurrency }, 'working; end with Ctrl-C');
    if (!stopped.signal.aborted) await once(stopped.signal, 'abort');
    log.info('stopping: jobs under way end');
  });

function wholeNumber(text: string): number {
  const number = Number(text);
  // More wait for the database and Twilio than get anything done.
  if (!Number.isInteger(number) || number < 1 || number > 64) {
    throw new InvalidArgumentError('use a whole number from 1 to 64');
  }
  return number;
}

await runCommand(async () => {
  await command.parseAsync();
});
