import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { Command, Option } from 'commander';
import type { Sql } from 'postgres';
import { parse, stringify } from 'yaml';
import { claimsOutsideHours, fillSlots } from '#availability/slot-upkeep.ts';
import { type KeyRole, openDirectory } from '#organization/directory.ts';
import { listKeys, makeKey, revokeKey } from '#organization/keys.ts';
import type { Organization } from '#organization/organization.ts';
import {
  documentOf,
  keyInFile,
  organizationFile,
  readOrganizationFile,
} from '#organization/organization-file.ts';
import { saveOrganization, takenAddresses } from '#organization/save-organization.ts';
import { changeLines, changesBetween } from './changes.ts';
import { slotLines } from './slot-lines.ts';
import { commandLog, openCommandStores, organizationsOf, runCommand } from './stores.ts';

const command = new Command('npm run organization --')
  .description(
    'Makes and changes the organizations that are answered for. Running servers notice at once; it works beside them.',
  )
  .addHelpText(
    'after',
    '\nexamples/organization.yaml shows every setting.\n\nExamples:\n  npm run organization -- add my-clinic.yaml\n  npm run organization -- edit my-clinic.yaml --dry-run\n  npm run organization -- set my-clinic schedule.bufferMinutes=10 "humanNumber=+13125550101"\n  npm run organization -- keys make my-clinic --label "front desk"',
  );

command
  .command('list')
  .description('The organizations, with what each is reached at')
  .option('--json', 'print JSON')
  .action(async ({ json }: { json?: boolean }) => {
    await using stores = await openCommandStores();
    const all = await organizationsOf(stores.sql);
    if (json) console.log(JSON.stringify(all.map(documentOf), undefined, 2));
    else if (all.length === 0)
      console.log('There is none yet; npm run organization -- add <file> makes one.');
    else for (const one of all) console.log(summary(one));
  });

command
  .command('show')
  .description('An organization as a file: what `add` and `edit` read')
  .argument('<key>', 'as `list` shows it')
  .action(async (key: string) => {
    await using stores = await openCommandStores();
    const [organization] = await organizationsOf(stores.sql, key);
    if (organization !== undefined) process.stdout.write(organizationFile(documentOf(organization)));
  });

command
  .command('add')
  .description('Makes an organization from a file. Repeating it changes nothing')
  .argument('<file>', 'YAML or JSON; - reads it from the input')
  .option('--dry-run', 'only show what would change')
  .action(async (file: string, options: Saving) => {
    await save(await content(file), { ...options, as: 'new' });
  });

command
  .command('edit')
  .description('Changes an organization to what a file says; what the file does not name stays as it is')
  .argument('<file>', 'YAML or JSON; - reads it from the input')
  .option('--dry-run', 'only show what would change')
  .action(async (file: string, options: Saving) => {
    await save(await content(file), { ...options, as: 'existing' });
  });

command
  .command('set')
  .description('Changes single settings of an organization')
  .argument('<key>', 'as `list` shows it')
  .argument('<setting=value...>', 'e.g. receptionistName=Kim schedule.horizonDays=30 "languages=[en, es]"')
  .option('--dry-run', 'only show what would change')
  .action(async (key: string, assignments: string[], options: Saving) => {
    await save(stringify(assigned(key, assignments)), { ...options, as: 'existing' });
  });

const keys = command.command('keys').description('Keys that open one organization');

keys
  .command('list')
  .description('What keys there are, and what for; the keys themselves are not kept')
  .argument('<organization>', 'as `list` shows it')
  .action((key: string) =>
    withOrganization(key, async (sql, { id }) => {
      const all = await listKeys(sql, id);
      if (all.length === 0) console.log('There is none.');
      for (const { id: keyId, label, role, createdAt, revokedAt } of all) {
        const state = revokedAt === null ? 'in use' : `revoked ${day(revokedAt)}`;
        console.log(`${keyId}  ${day(createdAt)}  ${role.padEnd(4)}  ${state.padEnd(18)}  ${label}`);
      }
    }),
  );

keys
  .command('make')
  .description('Makes a key and shows it this once')
  .argument('<organization>', 'as `list` shows it')
  .requiredOption('--label <text>', 'what it is for, so that it can be told from others later')
  .addOption(
    new Option('--role <role>', 'what it may do: see opens the console for looking only')
      .choices(['see', 'edit'])
      .default('edit'),
  )
  .action((key: string, { label, role }: { label: string; role: KeyRole }) =>
    withOrganization(key, async (sql, organization) => {
      if (label.trim() === '') throw new Error('--label is empty; say what the key is for');
      const made = await makeKey(sql, organization.id, { label: label.trim(), role });
      console.error(`A key for ${organization.name}, id ${made.id}. It is shown this once:`);
      console.log(made.key);
    }),
  );

keys
  .command('revoke')
  .description('Ends a key at once')
  .argument('<organization>', 'as `list` shows it')
  .argument('<id>', 'as `keys list` shows it')
  .action((key: string, id: string) =>
    withOrganization(key, async (sql, organization) => {
      const known = `npm run organization -- keys list ${key} shows them`;
      if (!uuid.test(id)) throw new Error(`${id} is no key's id; ${known}`);
      const outcome = await revokeKey(sql, organization.id, id);
      if (!outcome.revoked) throw new Error(`${organization.name} has no key ${id}; ${known}`);
      console.log('The key is revoked; it opens nothing any more.');
    }),
  );

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface Saving {
  dryRun?: boolean;
}

async function save(file: string, { as, dryRun }: Saving & { as: 'new' | 'existing' }): Promise<void> {
  await using stores = await openCommandStores();
  await using directory = await openDirectory({ sql: stores.sql, log: commandLog() });
  const key = keyInFile(file);
  const current = key === undefined ? undefined : directory.named(key);
  const read = readOrganizationFile(file, current);
  const problems = read.ok ? takenAddresses(directory, read.document) : [...read.problems];
  if (as === 'existing' && key !== undefined && current === undefined) {
    const known = directory.all().map((one) => one.key);
    problems.unshift(
      `key: there is no organization ${key}; \`add\` makes it. There are: ${known.join(', ')}`,
    );
  }
  if (!read.ok || problems.length > 0) {
    throw new Error(
      `The organization has problems; nothing was changed:\n${problems.map((one) => `  ${one}`).join('\n')}`,
    );
  }
  const { document } = read;
  const changes = changesBetween(current === undefined ? {} : documentOf(current), document);
  if (as === 'new' && current !== undefined && changes.length > 0) {
    throw new Error(
      `There is an organization ${key} already, and it differs; \`edit\` would change:\n${changeLines(changes).join('\n')}`,
    );
  }
  if (changes.length === 0) {
    console.log(`Nothing to change: ${document.name} is as the file says.`);
    return;
  }
  console.log(
    `${dryRun ? 'Would change' : 'Changed'} of ${document.name}:\n${changeLines(changes).join('\n')}`,
  );
  if (dryRun) return;
  const outcome = await saveOrganization(stores.sql, document, current);
  if (!outcome.saved) throw new Error(`Nothing was changed, somebody else was faster: ${outcome.detail}`);
  await directory.refresh();
  const saved = directory.named(document.key);
  if (saved === undefined) throw new Error('it was written but cannot be read back; see the log');
  const slots = await fillSlots(stores.sql, saved, new Date());
  for (const line of slotLines(saved, slots, await claimsOutsideHours(stores.sql, saved))) console.log(line);
  if (current === undefined) console.log(nextSteps(saved));
}

function assigned(key: string, assignments: string[]): object {
  const schedule: Record<string, unknown> = {};
  const wish: Record<string, unknown> = { key };
  for (const assignment of assignments) {
    const [, path, value] = /^([\w.]+)=(.*)$/s.exec(assignment) ?? [];
    if (path === undefined)
      throw new Error(`${assignment} is not of the form setting=value, e.g. receptionistName=Kim`);
    const [, inSchedule] = /^schedule\.(.+)$/.exec(path) ?? [];
    // A phone number is no sum: without quotes YAML would read it as one and drop its plus.
    const given: unknown = /^\+\d+$/.test(value ?? '') ? value : parse(value ?? '');
    if (inSchedule === undefined) wish[path] = given;
    else schedule[inSchedule] = given;
  }
  return Object.keys(schedule).length === 0 ? wish : { ...wish, schedule };
}

async function content(file: string): Promise<string> {
  if (file === '-') return text(process.stdin);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function withOrganization(
  key: string,
  work: (sql: Sql, organization: Organization) => Promise<void>,
): Promise<void> {
  await using stores = await openCommandStores();
  const [organization] = await organizationsOf(stores.sql, key);
  if (organization !== undefined) await work(stores.sql, organization);
}

function summary(organization: Organization): string {
  const { key, name, zone, practitioners, addresses } = organization;
  const reached = addresses.map(({ kind, value }) => `${kind} ${value}`).join(', ') || 'nothing yet';
  return `${key}  ${name}, ${zone}, ${practitioners.length} to book; reached at ${reached}`;
}

function nextSteps({ key }: Organization): string {
  return [
    'Next:',
    `  npm run sync-assistant -- --organization ${key}        points its Vapi assistant here`,
    `  npm run organization -- keys make ${key} --label …     a key that opens it alone`,
  ].join('\n');
}

function day(instant: Date): string {
  return instant.toISOString().slice(0, 10);
}

await runCommand(async () => {
  await command.parseAsync();
});
