import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Sql } from 'postgres';
import { onTestFinished } from 'vitest';
import type { OpenSlots } from '#availability/open-slots.ts';
import { type CalendarAccess, openCalendarAccess } from '#jobs/calendar-access.ts';
import { connectCalendars } from '#organization/calendar-credentials.ts';
import type { Organization } from '#organization/organization.ts';
import { inTenant } from '#storage/postgres.ts';
import { Caller, type RunningApp, startApp } from './running-app.ts';
import { type GoogleStandIn, startGoogle } from './stand-ins/google.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

/** Doctor Lee's calendar; Doctor Patel has none. */
export const leesCalendar = 'lee@clinic.example';

export interface CalendarClinic {
  google: GoogleStandIn;
  access: CalendarAccess;
  encryptionKey: Buffer;
  app: RunningApp & { ledgerUrl: string };
  /** Another process on the same ledger. */
  startAnother(options?: { redisUrl?: string }): Promise<RunningApp>;
  lee: { id: string };
}

/** The demo clinic with Doctor Lee's calendar at a stand-in Google, and a worker that does the jobs. */
export async function openCalendarClinic({
  redisUrl,
  push = true,
  connected = true,
  before = () => {},
}: {
  redisUrl?: string;
  push?: boolean;
  /** `unasked`: connected, but nobody has had the calendar read. */
  connected?: boolean | 'unasked';
  /** What is in the calendar before anybody reads it. */
  before?: (google: GoogleStandIn) => void;
} = {}): Promise<CalendarClinic> {
  const google = await startGoogle({ publicKey });
  onTestFinished(() => google[Symbol.asyncDispose]());
  before(google);
  const encryptionKey = randomBytes(32);
  const access = await openCalendarAccess({
    encryptionKey,
    clientId: 'the-client',
    clientSecret: 'the-client-secret',
    baseUrl: google.baseUrl,
    cron: '0 * * * *',
  });
  const redis = redisUrl === undefined ? {} : { redisUrl };
  const app = await startApp({ calendars: access, push, ...redis });
  onTestFinished(() => app[Symbol.asyncDispose]());
  const lee = app.organization.practitioners.find(({ key }) => key === 'lee');
  if (lee === undefined) throw new Error('Doctor Lee is missing');
  if (connected === 'unasked') {
    await takeCalendar(app.sql, app.organization.id, lee.id);
    await connectUnasked(app.sql, access, app.organization.id);
  } else if (connected) {
    await connect(app.sql, access, app.organization.id);
    await takeCalendar(app.sql, app.organization.id, lee.id);
  }
  await app.directory.refresh();
  return {
    google,
    access,
    encryptionKey,
    app,
    lee,
    async startAnother(options = {}) {
      const other = await startApp({ ledgerUrl: app.ledgerUrl, ...redis, ...options });
      onTestFinished(() => other[Symbol.asyncDispose]());
      return other;
    },
  };
}

const account = 'robot@clinic.example';
const secret = JSON.stringify({ email: account, privateKey });

async function connect(sql: Sql, access: CalendarAccess, tenantId: string): Promise<void> {
  await connectCalendars(sql, access.sealer, tenantId, { kind: 'service-account', account, secret });
}

async function connectUnasked(sql: Sql, { sealer }: CalendarAccess, tenantId: string): Promise<void> {
  const sealed = sealer.seal(secret, `calendar credentials of ${tenantId}`);
  await inTenant(
    sql,
    tenantId,
    (tx) =>
      tx`insert into calendar_credentials ${tx({ tenant_id: tenantId, kind: 'service-account', sealed, account })}`,
  );
}

async function takeCalendar(sql: Sql, tenantId: string, practitionerId: string): Promise<void> {
  await inTenant(
    sql,
    tenantId,
    (tx) => tx`update practitioners set calendar_id = ${leesCalendar} where id = ${practitionerId}`,
  );
}

/** Rows of an organization, as its own. */
export function rows<T>(
  { app }: CalendarClinic,
  read: (tx: Parameters<Parameters<typeof inTenant>[2]>[0]) => Promise<T>,
): Promise<T> {
  return inTenant(app.sql, app.organization.id, read);
}

/** Waits until Doctor Lee's calendar has been read, and nothing is left to do. */
export async function untilQuiet({ app }: CalendarClinic): Promise<void> {
  for (;;) {
    const [row] = await app.sql<[{ waiting: number }]>`
      select count(*)::integer as waiting from list_jobs() as job
      where job ->> 'state' in ('waiting', 'running') and (job ->> 'task') like 'calendar-%'`;
    if (row.waiting === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts of Doctor Lee's open slots on a day, as a process would offer them. */
export async function leesOpenSlots(
  {
    openSlots,
    directory,
    organization,
  }: { openSlots: OpenSlots; directory: RunningApp['directory']; organization: Organization },
  isoDate: string,
): Promise<string[]> {
  const present = directory.named(organization.key) ?? organization;
  const lee = present.practitioners.find(({ key }) => key === 'lee')?.id;
  const open = await openSlots.onDay(present, isoDate, new Date());
  return open
    .filter(({ practitionerId }) => practitionerId === lee)
    .map(({ startsAt }) => startsAt.toISOString());
}

/** A caller who books the first time offered on a day with Doctor Lee. */
export async function bookWithLee(app: RunningApp, day: string, name = 'Ann Miller'): Promise<Caller> {
  const caller = new Caller(app);
  await caller.say(`${day} with Doctor Lee, please.`);
  await caller.say('The first one, please.');
  await caller.say(`Yes please, my name is ${name}.`);
  return caller;
}
