import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { text } from 'node:stream/consumers';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Sql } from 'postgres';
import { Temporal } from 'temporal-polyfill';
import { createOpenSlots } from '#availability/open-slots.ts';
import { readHoldLifetimeMs } from '#booking/holds.ts';
import { type PromptPreview, previewPrompt, type Step } from '#conversation/prompt-preview.ts';
import { createLanguages } from '#language/languages.ts';
import { shippedLanguages } from '#language/shipped-languages.ts';
import { defaultLanguage, type Organization } from '#organization/organization.ts';
import {
  type Changed,
  changeOverride,
  currentOverrides,
  overrideHistory,
  rollBackOverride,
} from '#prompts/overrides.ts';
import { problemLine } from '#prompts/template-check.ts';
import { diffToShipped, type ListedTemplate, listTemplates } from '#prompts/template-list.ts';
import { openPrompts } from '#prompts/templates.ts';
import { openStore } from '#storage/open-store.ts';
import { createToolbox } from '#tools/toolbox.ts';
import { promptsFolder } from '../config.ts';
import { commandLog, openCommandStores, organizationsOf, runCommand } from './stores.ts';

const command = new Command('npm run prompts --')
  .description(
    'Checks, shows and changes what is said to callers and told to the model. Running servers use a change from their next turn on; it works beside them.',
  )
  .addHelpText(
    'after',
    '\nTemplates are named as their files are: system, context, speech/en/offered, sms/es/reminder.\n\nExamples:\n  npm run prompts -- check\n  npm run prompts -- preview --organization demo-clinic --at 2026-11-01T01:30 --step reserve\n  npm run prompts -- set speech/en/opening my-opening.liquid --organization demo-clinic --note "new greeting"\n  npm run prompts -- rollback speech/en/opening 0 --organization demo-clinic',
  );

command
  .command('check')
  .description('Checks every shipped template and every text an organization has of its own')
  .option('--organization <key>', 'of this organization only')
  .option('--files', 'the shipped templates only, without a database')
  .action(async (options: { organization?: string; files?: boolean }) => {
    // Opening refuses what is not fit, with file and line of all there is.
    await using prompts = await openPrompts({ folder: promptsFolder, log: commandLog() });
    console.log(`✓ ${prompts.shipped.size} shipped templates are fit`);
    for (const problem of prompts.fileProblems) {
      process.exitCode = 1;
      console.log(`✗ ${problem}`);
    }
    if (options.files) return;
    await using stores = await openCommandStores();
    for (const organization of await organizationsOf(stores.sql, options.organization)) {
      const own = (await listTemplates(prompts, stores.sql, organization.id)).flatMap(({ name, override }) =>
        override?.text == null ? [] : [{ name, ...override }],
      );
      const unfit = own.filter((override) => override.problems.length > 0);
      if (own.length > unfit.length)
        console.log(`✓ ${organization.key}: ${own.length - unfit.length} templates of its own are fit`);
      for (const { name, version, problems } of unfit) {
        process.exitCode = 1;
        for (const problem of problems)
          console.log(`✗ ${organization.key}: ${problemLine(`${name} (version ${version})`, problem)}`);
        console.log('  The shipped template serves until it is repaired or rolled back.');
      }
    }
  });

command
  .command('list')
  .description('Every template, what it may use, and which an organization has changed')
  .option('--organization <key>', 'with what this organization has changed')
  .option('--json', 'print JSON')
  .action(async ({ organization: key, json }: { organization?: string; json?: boolean }) => {
    await using stores = await openCommandStores();
    await using prompts = await openPrompts({ folder: promptsFolder, log: commandLog() });
    const organization = key === undefined ? undefined : await named(stores.sql, key);
    const templates = await listTemplates(prompts, stores.sql, organization?.id);
    if (json) console.log(JSON.stringify(templates, undefined, 2));
    else for (const template of templates) console.log(listLine(template));
  });

interface PreviewOptions {
  organization: string;
  at?: string;
  step: Step;
  language?: string;
  dashboard?: string;
  raw?: boolean;
  json?: boolean;
}

command
  .command('preview')
  .description('Prints what the model would receive in front of the conversation, byte for byte')
  .requiredOption('--organization <key>', 'whose')
  .option('--at <time>', 'the clinic’s clock, e.g. 2026-11-01T01:30, or with an offset (default: now)')
  .addOption(
    new Option('--step <step>', 'where an imagined call stands')
      .choices(['greeting', 'check_avail', 'reserve', 'confirm_sms', 'booked', 'failed'])
      .default('greeting'),
  )
  .option('--language <tag>', 'the call’s language (default: the organization’s first)')
  .option('--dashboard <file>', 'the prompt written at Vapi')
  .option('--raw', 'the message and nothing else')
  .option('--json', 'print JSON: message, parts, tools, tokens')
  .action(async (options: PreviewOptions) => {
    await using stores = await openCommandStores();
    const { sql } = stores;
    const log = commandLog();
    await using prompts = await openPrompts({ folder: promptsFolder, sql, log });
    const organization = await named(sql, options.organization);
    const { now, note } = instantOf(options.at, organization.zone);
    await using store = await openStore(undefined, log);
    const openSlots = createOpenSlots({ sql, store });
    const toolbox = createToolbox({ sql, openSlots, prompts, texting: false });
    const preview = await previewPrompt(prompts, {
      organization,
      step: options.step,
      now,
      language: options.language ?? defaultLanguage(organization),
      languages: createLanguages(shippedLanguages),
      dashboardPrompt: options.dashboard === undefined ? null : await readText(options.dashboard),
      tools: toolbox.definitionsFor(organization),
      holdLifetimeMs: await readHoldLifetimeMs(sql),
    });
    if (options.json)
      console.log(JSON.stringify({ ...preview, tools: toolbox.definitionsFor(organization) }, undefined, 2));
    else if (options.raw) process.stdout.write(preview.message);
    else console.log([...note, ...previewLines(preview)].join('\n'));
  });

interface ChangeOptions {
  organization: string;
  author?: string;
  note: string;
}

command
  .command('diff')
  .description('What an organization has changed in its templates, against the shipped ones')
  .argument('[name]', 'of one template only')
  .requiredOption('--organization <key>', 'whose')
  .action(async (name: string | undefined, { organization: key }: ChangeOptions) => {
    await using stores = await openCommandStores();
    await using prompts = await openPrompts({ folder: promptsFolder, log: commandLog() });
    const { id } = await named(stores.sql, key);
    const changed = (await currentOverrides(stores.sql, id)).filter(
      (override) => override.text !== null && (name === undefined || override.name === name),
    );
    if (changed.length === 0) console.log('Nothing differs from the shipped templates.');
    for (const override of changed) {
      const shipped = prompts.shipped.get(override.name)?.text ?? '';
      const difference = diffToShipped(override.name, shipped, override.text ?? '');
      console.log(difference === '' ? `${override.name}: the same as shipped` : difference);
    }
  });

command
  .command('set')
  .description('Gives an organization its own text for a template; a text that is not fit is refused')
  .argument('<name>', 'e.g. speech/en/offered')
  .argument('<file>', 'the text; - reads it from the input')
  .requiredOption('--organization <key>', 'whose')
  .option('--author <name>', 'who changes it (default: the account’s name)')
  .option('--note <words>', 'why', '')
  .action(async (name: string, file: string, options: ChangeOptions) => {
    await using stores = await openCommandStores();
    const { id } = await named(stores.sql, options.organization);
    const change = { text: await readText(file), author: authorOf(options), note: options.note };
    tell(name, await changeOverride(stores.sql, { tenantId: id, name }, change));
  });

command
  .command('history')
  .description('The versions of an organization’s template, the newest first')
  .argument('<name>', 'e.g. speech/en/offered')
  .requiredOption('--organization <key>', 'whose')
  .option('--json', 'print JSON, with the texts')
  .action(async (name: string, { organization: key, json }: { organization: string; json?: boolean }) => {
    await using stores = await openCommandStores();
    const { id } = await named(stores.sql, key);
    const versions = await overrideHistory(stores.sql, { tenantId: id, name });
    if (json) console.log(JSON.stringify(versions, undefined, 2));
    else if (versions.length === 0) console.log(`${key} has never changed ${name}.`);
    else
      for (const { version, createdAt, author, note, text: own } of versions)
        console.log(
          [version, createdAt.toISOString(), author, own === null ? 'back to shipped' : '', note]
            .filter((part) => part !== '')
            .join('  '),
        );
  });

command
  .command('rollback')
  .description('Makes an earlier version of an organization’s template the newest again')
  .argument('<name>', 'e.g. speech/en/offered')
  .argument('<version>', 'as `history` shows it; 0 is the shipped template', versionNumber)
  .requiredOption('--organization <key>', 'whose')
  .option('--author <name>', 'who changes it (default: the account’s name)')
  .option('--note <words>', 'why', '')
  .action(async (name: string, toVersion: number, options: ChangeOptions) => {
    await using stores = await openCommandStores();
    const { id } = await named(stores.sql, options.organization);
    const note = options.note === '' ? `back to version ${toVersion}` : options.note;
    const wish = { toVersion, author: authorOf(options), note };
    tell(name, await rollBackOverride(stores.sql, { tenantId: id, name }, wish));
  });

async function named(sql: Sql, key: string): Promise<Organization> {
  const [organization] = await organizationsOf(sql, key);
  if (organization === undefined) throw new Error(`there is no organization ${key}`);
  return organization;
}

function readText(file: string): Promise<string> {
  return file === '-' ? text(process.stdin) : readFile(file, 'utf8');
}

function authorOf({ author }: ChangeOptions): string {
  return author ?? userInfo().username;
}

/** @throws with what is wrong, when nothing was changed */
function tell(name: string, outcome: Changed): void {
  if (outcome.changed) {
    console.log(`${name} is at version ${outcome.version}; servers use it from their next turn on.`);
  } else if (outcome.reason === 'unfit') {
    throw new Error(outcome.problems.map((problem) => problemLine(name, problem)).join('\n'));
  } else if (outcome.reason === 'overtaken') {
    throw new Error('others are changing it at this moment; look at its history and try again');
  } else {
    throw new Error('there is no such version; `history` shows those there are');
  }
}

function listLine({ name, variables, override, serves }: ListedTemplate): string {
  const state =
    override === undefined
      ? ''
      : `  (version ${override.version} by ${override.author}: ${override.text === null ? 'back to shipped' : serves === 'override' ? 'serves' : 'cannot serve'})`;
  return `${name}${state}\n  ${variables.map((one) => (one.optional ? `${one.name}?` : one.name)).join(', ')}`;
}

function previewLines({ parts, toolTokens, cached }: PromptPreview): string[] {
  const total = toolTokens + parts.reduce((sum, { tokens }) => sum + tokens, 0);
  const rule = (label: string) => `──── ${label} ${'─'.repeat(Math.max(0, 90 - label.length))}`;
  const [stable, ...changing] = parts;
  return [
    rule(`tools, about ${toolTokens} tokens`),
    rule(`system, about ${stable?.tokens ?? 0} tokens`),
    stable?.text ?? '',
    rule(`the cached prefix ends here: about ${cached.tokens} tokens, tools included`),
    ...changing.flatMap(({ name, tokens, text: words }) => [rule(`${name}, about ${tokens} tokens`), words]),
    rule(`about ${total} tokens in all; the conversation follows`),
  ];
}

/** The instant a clock shows a time; of a time that comes twice the first, and of one that is left out the next. */
function instantOf(at: string | undefined, zone: string): { now: Date; note: string[] } {
  if (at === undefined) return { now: new Date(), note: [] };
  try {
    if (/(?:Z|[+-]\d\d:?\d\d)$/i.test(at))
      return { now: new Date(Temporal.Instant.from(at).epochMilliseconds), note: [] };
    const plain = Temporal.PlainDateTime.from(at);
    const [first, second] = (['earlier', 'later'] as const).map((disambiguation) =>
      plain.toZonedDateTime(zone, { disambiguation }),
    );
    const now = plain.toZonedDateTime(zone);
    const twice = first?.epochMilliseconds !== second?.epochMilliseconds;
    const note = twice
      ? [
          `The clocks are changed around that time; ${now.toString({ timeZoneName: 'never' })} is shown, the other one is ${second?.toString({ timeZoneName: 'never' })}.`,
        ]
      : [];
    return { now: new Date(now.epochMilliseconds), note };
  } catch {
    throw new Error(`${at} is no time of the form 2026-11-01T01:30`);
  }
}

function versionNumber(said: string): number {
  if (/^\d{1,9}$/.test(said)) return Number(said);
  throw new InvalidArgumentError('It is not a version number.');
}

await runCommand(async () => {
  await command.parseAsync();
});
