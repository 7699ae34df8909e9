import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { openEmbeddedPostgres } from '#storage/embedded/embedded-postgres.ts';
import { migrationsFolder } from '../src/config.ts';
import { demoClinic, seedDemoClinic } from '../src/organization/demo-clinic.ts';
import { migrate } from '../src/storage/migrate.ts';
import { createLog } from '../src/telemetry/log.ts';
import { redisInstalled, startRedis } from '../tests/torture/processes.ts';
import type { Pace } from './model-words.ts';
import { keepAway, type Running, standIn, start } from './processes.ts';

export const secret = 'a-secret-only-for-benchmarks';

/** Everything Holdline needs: Postgres, Redis where it is installed, and a model. */
export interface Installation extends AsyncDisposable {
  /** As the owner of the tables, for filling and looking. */
  owner: Sql;
  appUrl: string;
  redisUrl: string | undefined;
  model: Running;
  /** What a reader of the results must know. */
  notes: string[];
  pace(pace: Pace): Promise<void>;
  /** Starts a Holdline on it. */
  holdline(options?: { name?: string; redis?: boolean; env?: Record<string, string> }): Promise<Running>;
  /** Starts a reference of `bench/references`. */
  reference(name: string, file: string, env?: Record<string, string>): Promise<Running>;
}

/**
 * @param options.ledger measured: Postgres and Redis share the processor of what is measured, so that the load is alone
 *   on the others and whatever falls behind is ours; beside: they share the load's
 */
export async function openInstallation({
  ledger = 'beside',
}: {
  ledger?: 'measured' | 'beside';
} = {}): Promise<Installation> {
  keepAway();
  await using opening = new AsyncDisposableStack();
  const log = createLog({ level: 'error', pretty: true });
  // The system's temporary folder can be entered by whatever user Postgres runs as.
  const folder = await mkdtemp(join(tmpdir(), 'holdline-bench-'));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711);
  const { embedded, redis } = await ledgerOn(ledger, async () => ({
    embedded: opening.use(await openEmbeddedPostgres({ dataDir: folder, holder: 'command', log })),
    redis: redisInstalled() ? opening.use(await startRedis()) : undefined,
  }));
  await migrate({ url: embedded.migrateUrl, folder: migrationsFolder, log });
  const owner = postgres(embedded.migrateUrl, { max: 2, onnotice: () => {} });
  opening.defer(() => owner.end({ timeout: 2 }));
  await seedDemoClinic({ sql: owner, key: 'a-demo-key-only-for-benchmarks' });
  // A benchmark's callers are many more than a clinic's.
  await owner`update organizations set holds_per_call_max = null, holds_per_number_and_day_max = null,
    live_holds_max = null where key = ${demoClinic.key}`;
  const model = opening.use(await start('model', ['bench/model-stand-in.ts'], { role: 'beside' }));

  const opened = opening.move();
  // Whoever interrupts a benchmark leaves no Postgres and no model behind.
  const interrupted = () => void opened.disposeAsync().finally(() => process.exit(1));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted);
  opened.defer(() => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted);
  });
  return {
    owner,
    appUrl: embedded.appUrl,
    redisUrl: redis?.url,
    model,
    notes:
      redis === undefined ? ['redis-server is not installed: everything runs with the in-process store'] : [],
    async pace(pace) {
      await fetch(`${model.url}/pace`, { method: 'POST', body: JSON.stringify(pace) });
    },
    holdline: ({ name = 'holdline', redis: withRedis = redis !== undefined, env = {} } = {}) =>
      start(name, ['src/main.ts'], {
        role: 'measured',
        env: {
          DATA_DIR: join(folder, 'data'),
          DATABASE_URL: embedded.appUrl,
          MIGRATE_DATABASE_URL: embedded.migrateUrl,
          ...(withRedis && redis !== undefined ? { REDIS_URL: redis.url } : {}),
          OPENAI_BASE_URL: `${model.url}/v1`,
          LLM_MODEL: 'stand-in',
          PORT: '0',
          VAPI_SECRET: secret,
          LOG_LEVEL: 'info',
          ...env,
        },
      }),
    reference: (name, file, env = {}) =>
      start(name, [`bench/references/${file}`], {
        role: 'measured',
        env: { MODEL_URL: model.url, DATABASE_URL: embedded.appUrl, ...env },
      }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** What a process starts has the processors it has itself. */
async function ledgerOn<T>(place: 'measured' | 'beside', open: () => Promise<T>): Promise<T> {
  if (place === 'beside') return open();
  using _placed = standIn();
  return await open();
}
