import { Command } from 'commander';
import type { Sql } from 'postgres';
import { createOpenSlots } from '#availability/open-slots.ts';
import { asTheyAre, createSpeakWithoutTurn } from '#conversation/speech.ts';
import type { Organization } from '#organization/organization.ts';
import { documentOf } from '#organization/organization-file.ts';
import { saveOrganization } from '#organization/save-organization.ts';
import { openPrompts, type Prompts } from '#prompts/templates.ts';
import { openStore } from '#storage/open-store.ts';
import { createToolbox } from '#tools/toolbox.ts';
import { openAssistantApi } from '#vapi/assistant-api.ts';
import { blocksFor, sentencesFor } from '#vapi/assistant-blocks.ts';
import { type AssistantPlan, planAssistant, type VapiAssistant } from '#vapi/assistant-sync.ts';
import { type Config, promptsFolder, readSecrets } from '../config.ts';
import { type Change, changeLines, changesBetween } from './changes.ts';
import { commandLog, openCommandStores, organizationsOf, runCommand } from './stores.ts';

interface Options {
  organization: string;
  assistant?: string;
  apply?: boolean;
}

const command = new Command('npm run sync-assistant --')
  .description(
    'Points an assistant at Vapi here: model, tools, server, messages, the hook that hands callers to a human when Holdline is down. Shows what would change; its prompt, voice, other tools and hooks stay.',
  )
  .requiredOption('--organization <key>', 'whom the assistant answers for')
  .option(
    '--assistant <id>',
    'the assistant at Vapi (default: VAPI_ASSISTANT_ID_BOOKING, else the organization’s own)',
  )
  .option('--apply', 'change it; without this nothing is')
  .addHelpText(
    'after',
    '\nNeeds VAPI_API_KEY (the private key) and PUBLIC_URL. Repeating it changes nothing.\n\nExample:\n  npm run sync-assistant -- --organization my-clinic --assistant 7f5a… --apply',
  )
  .action(async (options: Options) => {
    await using stores = await openCommandStores();
    const { sql, config } = stores;
    const all = await organizationsOf(sql);
    const target = readTarget(options, config, all);
    const { organization, assistantId } = target;
    const api = openAssistantApi({ apiKey: target.apiKey, baseUrl: config.VAPI_BASE_URL });
    const look = async () => {
      const read = await api.read(assistantId);
      if (!read.ok) throw new Error(read.problem);
      return plan(read.assistant, { sql, config, organization, publicUrl: target.publicUrl });
    };

    const first = await look();
    const changes = changesBetween(first.now, first.patch);
    const known = organization.addresses.some(
      ({ kind, value }) => kind === 'assistant' && value === assistantId,
    );
    tell(changes, { assistantId, organization, known, apply: options.apply ?? false });
    for (const note of first.notes) console.log(`  note: ${note}`);
    if (!options.apply) return;

    if (changes.length > 0) {
      const changed = await api.change(assistantId, first.patch);
      if (!changed.ok) throw new Error(changed.problem);
      // What counts is what Vapi says afterwards: an edit may wait there to be published.
      const { now, patch } = await look();
      const missing = changesBetween(now, patch);
      if (missing.length > 0) {
        throw new Error(
          `Vapi took the change but does not show all of it; look whether it waits to be published:\n${changeLines(missing).join('\n')}`,
        );
      }
    }
    if (!known) await keepAddress(sql, organization, assistantId);
  });

interface Target {
  organization: Organization;
  assistantId: string;
  apiKey: string;
  publicUrl: string;
}

/** @throws with everything that is missing or does not fit, at once */
function readTarget(options: Options, config: Config, all: Organization[]): Target {
  const problems: string[] = [];
  const organization = all.find((one) => one.key === options.organization);
  if (organization === undefined) {
    const keys = all.map((one) => one.key).join(', ');
    problems.push(`--organization: there is no ${options.organization}; there are: ${keys}`);
  }
  const own = (organization?.addresses ?? [])
    .filter(({ kind }) => kind === 'assistant')
    .map(({ value }) => value);
  const assistantId =
    options.assistant ?? config.VAPI_ASSISTANT_ID_BOOKING ?? (own.length === 1 ? own[0] : undefined);
  if (assistantId === undefined)
    problems.push('--assistant: say which assistant at Vapi, here or in VAPI_ASSISTANT_ID_BOOKING');
  const owner = all.find(({ addresses }) =>
    addresses.some(({ kind, value }) => kind === 'assistant' && value === assistantId),
  );
  if (owner !== undefined && organization !== undefined && owner.key !== organization.key)
    problems.push(
      `--assistant: ${assistantId} answers for ${owner.key}; take it away there first, or name another`,
    );
  if (config.VAPI_API_KEY === undefined)
    problems.push('VAPI_API_KEY: is missing; Vapi’s dashboard shows the private key');
  if (config.PUBLIC_URL === undefined)
    problems.push('PUBLIC_URL: is missing; it is where Vapi reaches this server');
  const { VAPI_API_KEY: apiKey, PUBLIC_URL: publicUrl } = config;
  if (organization && assistantId && apiKey && publicUrl && problems.length === 0)
    return { organization, assistantId, apiKey, publicUrl };
  throw new Error(`The assistant cannot be synchronised:\n${problems.map((one) => `  ${one}`).join('\n')}`);
}

async function plan(
  assistant: VapiAssistant,
  parts: { sql: Sql; config: Config; organization: Organization; publicUrl: string },
): Promise<AssistantPlan> {
  const { sql, config, organization, publicUrl } = parts;
  const { vapiSecret } = await readSecrets(config);
  await using prompts = await openPrompts({ folder: promptsFolder, sql, log: commandLog() });
  const ourTools = await toolDefinitions({ sql, prompts, organization });
  const sentences = sentencesFor(organization, createSpeakWithoutTurn(prompts, asTheyAre));
  const wanted = blocksFor({ organization, publicUrl, secret: vapiSecret, sentences }, ourTools);
  const planned = planAssistant(assistant, wanted, {
    speaks: organization.model,
    ourToolNames: ourTools.map((tool) => tool.function.name),
  });
  if (!planned.ok) throw new Error(planned.problem);
  return planned.plan;
}

async function toolDefinitions({
  sql,
  prompts,
  organization,
}: {
  sql: Sql;
  prompts: Prompts;
  organization: Organization;
}) {
  await using store = await openStore(undefined, commandLog());
  await using openSlots = createOpenSlots({ sql, store });
  return createToolbox({ sql, openSlots, prompts, texting: false }).definitionsFor(organization);
}

function tell(
  changes: Change[],
  about: { assistantId: string; organization: Organization; known: boolean; apply: boolean },
): void {
  const { assistantId, organization, known, apply } = about;
  const lines = changeLines(changes);
  if (!known) lines.push(`  + ${organization.key} answers as the assistant ${assistantId} (in the ledger)`);
  if (lines.length === 0)
    console.log(`Nothing to change: the assistant ${assistantId} is as ${organization.name} needs it.`);
  else if (apply) console.log(`Changing the assistant ${assistantId}:\n${lines.join('\n')}`);
  else console.log(`Would change the assistant ${assistantId} (--apply does it):\n${lines.join('\n')}`);
}

async function keepAddress(sql: Sql, organization: Organization, assistantId: string): Promise<void> {
  const document = documentOf(organization);
  const outcome = await saveOrganization(
    sql,
    { ...document, assistantIds: [...document.assistantIds, assistantId] },
    organization,
  );
  if (!outcome.saved) throw new Error(`the assistant’s id could not be kept: ${outcome.detail}`);
}

await runCommand(async () => {
  await command.parseAsync();
});
