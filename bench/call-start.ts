// What does the preload at a call's start save its first tool turn? Each sample is the first call an organization
// gets, so that nothing of it is in a cache: announced by Vapi's status-update a greeting earlier, or not. The floor
// is a later call of the same organization. Turns are one at a time, the ways in turns within one run.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { fillSlots } from '#availability/slot-upkeep.ts';
import { migrationsFolder } from '../src/config.ts';
import { openDirectory } from '../src/organization/directory.ts';
import { saveOrganization } from '../src/organization/save-organization.ts';
import { usualSchedule } from '../src/organization/settings.ts';
import { openLedger } from '../src/storage/open-ledger.ts';
import { createLog } from '../src/telemetry/log.ts';
import { redisInstalled, startRedis } from '../tests/torture/processes.ts';
import { chatBody, hear, newCall } from './caller.ts';
import { distribution, printComparison } from './figures.ts';
import { secret, startHoldline } from './targets.ts';

/** One sample each: an organization can be called for the first time once. */
const organizations = 160;
const practitioners = ['lee', 'patel', 'osei'];
/** Shorter than any greeting; the preload has to be done by then. */
const greetingMs = 250;

const log = createLog({ level: 'error', pretty: true });
if (redisInstalled()) {
  await using redis = await startRedis();
  await measure('Redis', { REDIS_URL: redis.url });
} else console.log('redis-server is not installed: the figures with Redis are missing');
await measure('the in-process store', {});

async function measure(store: string, env: Record<string, string>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdline-bench-'));
  // Postgres runs as a user of its own, who must be able to enter.
  await chmod(dataDir, 0o711);
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => rm(dataDir, { recursive: true, force: true }));
  {
    const place = { databaseUrl: undefined, migrateUrl: undefined, dataDir, migrationsFolder };
    await using ledger = await openLedger(place, { holder: 'command', log, poolSize: 4 });
    await makeOrganizations(ledger.sql);
  }
  const holdline = cleanUp.use(await startHoldline({ DATA_DIR: dataDir, LOG_LEVEL: 'info', ...env }));
  // The process's own first steps are nobody's.
  for (let n = 0; n < 50; n += 1) await turn(holdline.url, 'demo-clinic', newCall());

  const times = {
    'first call, not announced': [] as number[],
    'first call, announced': [] as number[],
    'a later call, announced': [] as number[],
  };
  for (let n = 0; n < organizations; n += 1) {
    const assistant = `assistant-${n}`;
    const call = newCall();
    if (n % 2 === 0) times['first call, not announced'].push(await turn(holdline.url, assistant, call));
    else {
      await announce(holdline.url, assistant, call);
      times['first call, announced'].push(await turn(holdline.url, assistant, call));
    }
    const later = newCall();
    await announce(holdline.url, assistant, later);
    times['a later call, announced'].push(await turn(holdline.url, assistant, later));
  }
  printComparison(
    `First content byte of a call's first turn, with check_availability in it, by way of ${store}`,
    Object.entries(times).map(([name, list]) => [name, distribution(list)]),
  );
}

async function makeOrganizations(sql: Sql): Promise<void> {
  for (let n = 0; n < organizations; n += 1) {
    const outcome = await saveOrganization(
      sql,
      {
        key: `clinic-${n}`,
        name: `clinic ${n}`,
        schedule: usualSchedule,
        practitioners: practitioners.map((key) => ({ key, name: `Dr. ${key}`, spokenName: `Doctor ${key}` })),
        assistantIds: [`assistant-${n}`],
        phoneNumberIds: [],
        numbers: [],
      },
      undefined,
    );
    if (!outcome.saved) throw new Error(outcome.detail);
  }
  await using directory = await openDirectory({ sql, log });
  for (const organization of directory.all()) await fillSlots(sql, organization, new Date());
}

async function announce(url: string, assistantId: string, callSid: string): Promise<void> {
  const response = await fetch(`${url}/vapi/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      message: { type: 'status-update', status: 'in-progress', call: { id: callSid, assistantId } },
    }),
  });
  if (!response.ok) throw new Error(`the announcement was answered ${response.status}`);
  await setTimeout(greetingMs);
}

async function turn(url: string, assistantId: string, callSid: string): Promise<number> {
  const body = chatBody(callSid, ['Next Tuesday, please.']).replace('"demo-clinic"', `"${assistantId}"`);
  const heard = await hear(url, body);
  if (!/tuesday/i.test(heard.text)) throw new Error(`Tuesday was not offered: ${heard.text}`);
  return heard.firstContentMs;
}
