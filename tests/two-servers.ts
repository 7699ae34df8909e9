import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Sql } from 'postgres';
import { fillSlots } from '#availability/slot-upkeep.ts';
import { demoClinic, seedDemoClinic } from '#organization/demo-clinic.ts';
import { openDirectory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';
import { openPostgres } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { openDataFolder } from './data-folder.ts';
import { type LedgerDatabase, openLedgerDatabase } from './ledger-database.ts';
import { demoKey, vapiSecret } from './running-app.ts';
import { type Restartable, startRedis, startServer } from './torture/processes.ts';

/** Two server processes of the demo clinic on one ledger and one Redis. */
export interface TwoServers extends AsyncDisposable {
  servers: [Restartable, Restartable];
  redis: Restartable;
  database: LedgerDatabase;
  sql: Sql;
  organization: Organization;
}

/** @param modelUrl the model both ask; the rehearsal model if left out */
export async function startTwoServers({ modelUrl }: { modelUrl?: string } = {}): Promise<TwoServers> {
  await using opening = new AsyncDisposableStack();
  const log = createLog({ level: 'silent', pretty: false });
  const database = opening.use(await openLedgerDatabase());
  const { sql } = opening.use(await openPostgres({ url: database.appUrl, poolSize: 4, log }));
  await seedDemoClinic({ sql, key: demoKey });
  const directory = opening.use(await openDirectory({ sql, log }));
  const organization = directory.named(demoClinic.key);
  if (organization === undefined) throw new Error('the demo clinic is missing');
  await fillSlots(sql, organization, new Date());
  const redis = opening.use(await startRedis());
  const folder = opening.use(await openDataFolder());
  const start = () =>
    startServer({
      folder: join(folder.path, randomBytes(4).toString('hex')),
      secret: vapiSecret,
      databaseUrl: database.appUrl,
      redisUrl: redis.url,
      env:
        modelUrl === undefined
          ? {}
          : { OPENAI_API_KEY: 'none', OPENAI_BASE_URL: modelUrl, LLM_MODEL: 'stand-in' },
    });
  const first = opening.use(await start());
  const second = opening.use(await start());
  const opened = opening.move();
  return {
    servers: [first, second],
    redis,
    database,
    sql,
    organization,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
