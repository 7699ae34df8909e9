import { Command } from 'commander';
import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js';
import { forgetExpired, forgetPerson } from '#booking/privacy.ts';
import { openCommandStores, organizationsOf, runCommand } from './stores.ts';

interface Options {
  phone?: string;
  expired?: boolean;
  organization?: string;
}

const command = new Command('npm run forget --')
  .description(
    'Removes a person from everything that is kept, or everybody whose details are older than their organization keeps them. The history of steps stays: it never held a name or number.',
  )
  .option('--phone <number>', 'the person’s number')
  .option('--expired', 'everybody whose time is over')
  .option('--organization <key>', 'in this organization only')
  .action(async ({ phone, expired, organization: key }: Options) => {
    if ((phone === undefined) === (expired === undefined)) {
      throw new Error('say whom to forget: --phone <number>, or --expired');
    }
    await using stores = await openCommandStores();
    let refused = false;
    for (const organization of await organizationsOf(stores.sql, key)) {
      if (phone === undefined) {
        console.log(`${organization.name}: ${await forgetExpired(stores.sql, organization.id)} rows cleared`);
        continue;
      }
      const number = parsePhoneNumberFromString(phone, organization.country as CountryCode)?.number;
      if (number === undefined) throw new Error(`${phone} is no phone number; write it as +15550100103`);
      const outcome = await forgetPerson(stores.sql, organization.id, number);
      if (outcome.forgotten) console.log(`${organization.name}: ${outcome.rows} rows cleared`);
      else {
        refused = true;
        console.log(
          `${organization.name}: ${outcome.upcoming} appointments are still to come; cancel them first (npm run appointments -- list)`,
        );
      }
    }
    if (refused) process.exitCode = 1;
  });

await runCommand(async () => {
  await command.parseAsync();
});
