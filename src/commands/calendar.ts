import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { z } from 'zod';
import { untoldEvents } from '#booking/calendar-events.ts';
import { askForReading, calendarState } from '#booking/calendar-readings.ts';
import { connectPath } from '#hooks/google-hooks.ts';
import {
  connectCalendars,
  disconnectCalendars,
  readCalendarSecret,
} from '#organization/calendar-credentials.ts';
import type { Organization } from '#organization/organization.ts';
import { createSealer, type Sealer } from '#storage/sealing.ts';
import type { Config } from '../config.ts';
import { clinicTime } from './slot-lines.ts';
import { openCommandStores, organizationsOf, runCommand } from './stores.ts';

const command = new Command('npm run calendar --')
  .description(
    'Connects organizations to Google Calendar and shows how it goes. Works beside a running server.',
  )
  .addHelpText(
    'after',
    '\nWhich calendar is whose is a setting of the organization: practitioners’ calendarId.\n\nExamples:\n  npm run calendar -- list\n  npm run calendar -- connect my-clinic\n  npm run calendar -- service-account my-clinic key.json',
  );

command
  .command('list')
  .description('Each practitioner’s calendar, when it was read last, and what is wrong')
  .action(async () => {
    await using stores = await openCommandStores();
    const sealer = sealerOf(stores.config);
    for (const organization of await organizationsOf(stores.sql)) {
      const secret = await readCalendarSecret(stores.sql, sealer, organization.id);
      console.log(`${organization.key}: ${connectionLine(secret)}`);
      const untold = await untoldEvents(stores.sql, organization.id);
      if (untold > 0) console.log(`  ${untold} appointments have not been told to Google yet`);
      for (const practitioner of organization.practitioners) {
        const key = { tenantId: organization.id, practitionerId: practitioner.id };
        const state = await calendarState(stores.sql, key);
        if (state === undefined) console.log(`  ${practitioner.key}: no calendar`);
        else {
          const read =
            state.syncedAt === null ? 'never read' : `read ${clinicTime(state.syncedAt, organization)}`;
          const told = state.channel === null ? 'read hourly' : 'told of changes at once';
          console.log(`  ${practitioner.key}: ${state.calendarId}, ${read}, ${told}`);
          if (state.problem !== null) console.log(`    ${state.problem}`);
        }
      }
    }
  });

command
  .command('connect')
  .description('Makes a link that lets whoever opens it connect a Google account; good for fifteen minutes')
  .argument('<organization>', 'its key')
  .action(async (key: string) => {
    await using stores = await openCommandStores();
    const { config } = stores;
    const sealer = sealerOf(config);
    if (config.PUBLIC_URL === undefined || config.GOOGLE_CLIENT_ID === undefined) {
      throw new Error('set PUBLIC_URL, GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, as for the server');
    }
    const { id } = await one(stores.sql, key);
    console.log(`${config.PUBLIC_URL}${connectPath(sealer, id, Date.now())}`);
  });

command
  .command('service-account')
  .description('Connects by a service account; share each calendar with it, with the right to make changes')
  .argument('<organization>', 'its key')
  .argument('<file>', 'the account’s key, as Google gives it out (JSON)')
  .action(async (key: string, file: string) => {
    await using stores = await openCommandStores();
    const sealer = sealerOf(stores.config);
    const { id } = await one(stores.sql, key);
    const { client_email: email, private_key: privateKey } = await readKey(file);
    const secret = JSON.stringify({ email, privateKey });
    const kind = 'service-account';
    const { calendars } = await connectCalendars(stores.sql, sealer, id, { kind, account: email, secret });
    console.log(`${key} is connected as ${email}; ${calendars} calendars are read now.`);
  });

command
  .command('disconnect')
  .description('Forgets an organization’s credentials')
  .argument('<organization>', 'its key')
  .action(async (key: string) => {
    await using stores = await openCommandStores();
    const { id } = await one(stores.sql, key);
    const gone = await disconnectCalendars(stores.sql, id);
    console.log(gone ? `${key} is not connected any more.` : `${key} was not connected.`);
  });

command
  .command('sync')
  .description('Has an organization’s calendars read now')
  .argument('<organization>', 'its key')
  .action(async (key: string) => {
    await using stores = await openCommandStores();
    const { id: tenantId, practitioners } = await one(stores.sql, key);
    const theirs = practitioners.filter(({ calendarId }) => calendarId !== null);
    for (const { id } of theirs) await askForReading(stores.sql, { tenantId, practitionerId: id });
    console.log(`${theirs.length} calendars are read now; npm run calendar -- list shows how it went.`);
  });

async function one(sql: Parameters<typeof organizationsOf>[0], key: string): Promise<Organization> {
  const [organization] = await organizationsOf(sql, key);
  if (organization === undefined) throw new Error(`there is no organization ${key}`);
  return organization;
}

function sealerOf({ ENCRYPTION_KEY }: Config): Sealer {
  if (ENCRYPTION_KEY !== undefined) return createSealer(ENCRYPTION_KEY);
  throw new Error('set ENCRYPTION_KEY to what the server has; for a new one: openssl rand -base64 32');
}

function connectionLine(secret: Awaited<ReturnType<typeof readCalendarSecret>>): string {
  if (secret === undefined) return 'not connected';
  if (secret === 'unreadable') return 'connected with another ENCRYPTION_KEY; connect again';
  return `connected as ${secret.account}${secret.problem === null ? '' : `, but ${secret.problem}`}`;
}

async function readKey(file: string): Promise<z.infer<typeof serviceAccountKey>> {
  const read = serviceAccountKey.safeParse(JSON.parse(await readFile(file, 'utf8')));
  if (read.success) return read.data;
  throw new Error(`${file} is no service account’s key: it has no client_email and private_key`);
}

const serviceAccountKey = z.object({
  client_email: z.email(),
  private_key: z.string().includes('PRIVATE KEY'),
});

await runCommand(async () => {
  await command.parseAsync();
});
