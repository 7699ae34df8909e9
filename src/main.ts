import { once } from 'node:events';
import { join } from 'node:path';
import type { Sql } from 'postgres';
import { createOpenSlots } from '#availability/open-slots.ts';
import { fillSlots } from '#availability/slot-upkeep.ts';
import { createAdmission } from '#conversation/admission.ts';
import { openCalendarAccess } from '#jobs/calendar-access.ts';
import { openWorker } from '#jobs/worker.ts';
import { createLanguages } from '#language/languages.ts';
import { shippedLanguages } from '#language/shipped-languages.ts';
import { openModel } from '#model/open-model.ts';
import { demoClinic, seedDemoClinic } from '#organization/demo-clinic.ts';
import { openDirectory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';
import { openPrompts } from '#prompts/templates.ts';
import { openDataDirectory, writeRuntimeFile } from '#storage/data-directory.ts';
import { openLedger } from '#storage/open-ledger.ts';
import { openStore } from '#storage/open-store.ts';
import { createEvents } from '#telemetry/events.ts';
import { createLog, type Log } from '#telemetry/log.ts';
import { watchProcess } from '#telemetry/metrics.ts';
import { createApp } from './app.ts';
import {
  type Config,
  calendarOptions,
  ledgerPlaceOf,
  modelPlacesOf,
  promptsFolder,
  readConfig,
  readSecrets,
  twilioAccount,
} from './config.ts';

/** Past this, something hangs; whatever was committed is safe, so the process may go. */
const lastResortMs = 30_000;
/** Enough for the claims of one process: more connections only queue inside Postgres. */
const poolSize = 16;

/** The process: opens resources in order, serves until a signal, closes them in reverse. */
async function main(config: Config, log: Log): Promise<void> {
  const stopped = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      log.info({ signal }, 'stopping: doors close, running turns end');
      stopped.abort();
      setTimeout(() => process.exit(1), lastResortMs).unref();
    });
  }

  // A fault that nobody waited for is a mistake of ours, and no reason to hang up on everybody.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'a fault nobody waited for'));
  // A terminal that was closed takes our output away, not the calls that are on.
  process.stdout.on('error', () => {});

  watchProcess();
  await using resources = new AsyncDisposableStack();
  await openDataDirectory(config.DATA_DIR);
  const secrets = await readSecrets(config);
  const { sql, url: ledgerUrl } = resources.use(
    await openLedger(ledgerPlaceOf(config), { holder: 'server', log, poolSize }),
  );
  const store = resources.use(await openStore(config.REDIS_URL, log));
  const openSlots = resources.use(createOpenSlots({ sql, store }));
  const languages = createLanguages(shippedLanguages);
  const happenings = resources.use(createEvents({ wire: store }));
  const prompts = resources.use(
    await openPrompts({ folder: promptsFolder, keptIn: join(config.DATA_DIR, 'templates.json'), sql, log }),
  );
  if (config.DATABASE_URL === undefined) await seedDemoClinic({ sql, key: secrets.demoKey });
  const directory = resources.use(await openDirectory({ sql, log }));
  // The first caller finds slots; those of thousands of organizations are seen to while it already answers.
  const demo = directory.named(demoClinic.key);
  if (demo !== undefined) await fillFirst(sql, demo, log);
  await sql`select enqueue_job('fill-slots', '{}', 'fill-slots')`;
  const twilio = twilioAccount(config);
  const publicUrl = config.PUBLIC_URL;
  const calendarWay = calendarOptions(config);
  const calendars = calendarWay === undefined ? undefined : await openCalendarAccess(calendarWay);
  if (config.WORKER) {
    const shared = { sql, openSlots, calendars, directory, prompts, languages, twilio, publicUrl };
    resources.use(await openWorker({ ...shared, url: ledgerUrl, happenings, log }));
  }

  const { http, staff } = resources.use(
    createApp({
      sql,
      store,
      claimLock: config.CLAIM_LOCK ? store : undefined,
      openSlots,
      calendars,
      directory,
      prompts,
      languages,
      model: openModel(modelPlacesOf(config), { firstDeltaMs: config.LLM_FIRST_WORD_MS, log }),
      vapiSecret: secrets.vapiSecret,
      publicUrl,
      twilio,
      controlHosts: config.VAPI_CONTROL_HOSTS,
      trustProxy: config.TRUST_PROXY,
      admission: resources.use(createAdmission({ log })),
      happenings,
      log,
    }),
  );
  if (stopped.signal.aborted) return;
  const url = await http.listen({ host: config.HOST, port: config.PORT });
  resources.use(await writeRuntimeFile(config.DATA_DIR, { url }));
  welcome(config, log, { url, vapiSecret: secrets.vapiSecret, signInPath: () => staff.signInPath() });
  // Made while nobody waits for it; a page that is asked for meanwhile waits for this one.
  staff.prepare().catch((error: unknown) => log.warn({ err: error }, 'the console’s pages cannot be made'));
  if (!stopped.signal.aborted) await once(stopped.signal, 'abort');
}

/** A clinic with more to fill than one statement may take is no reason not to answer the others: the job goes on with it. */
async function fillFirst(sql: Sql, organization: Organization, log: Log): Promise<void> {
  try {
    await fillSlots(sql, organization, new Date());
  } catch (error) {
    log.warn({ err: error, organization: organization.key }, 'slots are not filled yet; a job fills them');
  }
}

/** What to try next. The secret itself is shown on a terminal only: logs are kept and read by many. */
function welcome(
  config: Config,
  log: Log,
  { url, vapiSecret, signInPath }: { url: string; vapiSecret: string; signInPath: () => string },
): void {
  const publicUrl = config.PUBLIC_URL ?? url;
  const kept = config.VAPI_SECRET === undefined ? join(config.DATA_DIR, 'vapi-secret') : 'VAPI_SECRET';
  log.info(`answering at ${url}; custom-LLM url for Vapi: ${publicUrl}/vapi, its secret: ${kept}`);
  if (process.stdout.isTTY) log.info(`the secret is ${vapiSecret}`);
  log.info('try next, in another terminal: npm run call');
  // Whoever sees this terminal may sign in once without the secret; a log that is kept shows no link.
  if (process.stdout.isTTY && isLocal(config.HOST)) {
    log.info(`or talk to it in the browser; this link signs in once: ${url}${signInPath()}`);
  }
}

function isLocal(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

try {
  const config = readConfig();
  await main(config, createLog({ level: config.LOG_LEVEL, pretty: process.stdout.isTTY }));
} catch (error) {
  // Whoever starts the process reads one message that says what to do; the stack is for whoever asked for more.
  const verbose = process.argv.includes('--verbose');
  process.stderr.write(
    `${error instanceof Error ? (verbose ? error.stack : error.message) : String(error)}\n`,
  );
  process.exitCode = 1;
}
