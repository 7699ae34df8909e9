import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { readConfig } from '#config.ts';
import type { CallRecord } from '#console/call-record.ts';
import { createLog } from '#telemetry/log.ts';
import { type DoorName, doorNames } from './call/call-door.ts';
import { CallProblem } from './call/call-problem.ts';
import { isTerminal, scriptedCaller, typingCaller } from './call/caller.ts';
import { type CallEvent, playCall } from './call/conversation.ts';
import { type LedgerRows, openLedgerRows } from './call/ledger-rows.ts';
import { openDoor } from './call/open-door.ts';
import { eventLines, recordLines, timesLine, verdictLines } from './call/report.ts';
import { readScenario, type Scenario, scenarioNames } from './call/scenario.ts';
import { reachServer, type ServerWanted } from './call/server.ts';
import { judge, missingFrom } from './call/verdict.ts';

export interface CallOptions {
  scenario: string;
  number: string;
  url?: string;
  key?: string;
  door?: DoorName;
  type?: boolean;
  json?: boolean;
  /** Which stand-in answers, on a server of this call's own. */
  model?: 'careful' | 'careless';
  seed?: number;
}

/** What a call is played in; tests bring their own. */
export interface Surroundings {
  input: Readable;
  output: Writable;
  openRows(callSid: string): Promise<LedgerRows>;
  deadlineMs?: number;
}

/**
 * Plays one call and prints it.
 *
 * @returns the exit code: 0 when the ledger says what the scenario expects and no fault was met, else 1
 */
export async function call(options: CallOptions, surroundings: Surroundings): Promise<number> {
  const print = (...lines: string[]) => {
    if (!options.json) surroundings.output.write(`${lines.join('\n')}\n`);
  };
  const scenario = await readScenario(options.scenario);
  await using server = await reachServer(
    { ...options, ...keyWanted(options.door), env: modelWanted(options) },
    print,
  );
  const id = randomUUID();
  const platform = { vapi: 'Vapi', retell: 'Retell', twilio: 'Twilio’s relay' }[options.door ?? 'vapi'];
  print(`Call ${id} through ${platform} from ${options.number} to ${server.url}`);
  print(options.type ? 'You are the caller. An empty line is silence, Ctrl-D hangs up.' : scenario.title, '');

  await using rows = await rowsOrNone(id, surroundings, print);
  using caller = options.type ? typingCaller(surroundings) : scriptedCaller(scenario);
  const played = await play({ options, surroundings, scenario, server, id, caller, rows }, print);
  const record = await rows.read?.();
  if (record) print(...recordLines(record));
  const expected = options.type ? 'booked' : scenario.expect;
  const heard = played.events.flatMap((event) => (event.type === 'assistant' ? [event.text] : []));
  const missing = options.type ? [] : missingFrom(scenario, record, heard);
  const verdict = judge(record, { expected, missing, faults: played.problems.length, now: new Date() });
  print(...verdictLines(verdict));
  if (options.json) {
    const { problem: ledgerProblem } = rows;
    const told = {
      call: id,
      url: server.url,
      scenario: scenario.name,
      ...played,
      record,
      ledgerProblem,
      verdict,
    };
    surroundings.output.write(`${JSON.stringify(told, undefined, 2)}\n`);
  }
  return verdict.met ? 0 : 1;
}

/** A model that was asked for needs a server that has it. */
function modelWanted({ model, seed = 1 }: CallOptions): Record<string, string> | undefined {
  return model === undefined ? undefined : { REHEARSAL_MODEL: model, REHEARSAL_SEED: String(seed) };
}

/** Vapi presents the installation's secret; a socket is opened with an organization's key. */
function keyWanted(door: DoorName = 'vapi'): Pick<ServerWanted, 'dataDir' | 'configuredKey' | 'keyFile'> {
  const { DATA_DIR: dataDir, VAPI_SECRET, DEMO_KEY } = readConfig();
  return door === 'vapi'
    ? { dataDir, configuredKey: VAPI_SECRET, keyFile: 'vapi-secret' }
    : { dataDir, configuredKey: DEMO_KEY, keyFile: 'demo-key' };
}

interface Playing {
  options: CallOptions;
  surroundings: Surroundings;
  scenario: Scenario;
  server: { url: string; key: string };
  id: string;
  caller: ReturnType<typeof scriptedCaller>;
  rows: Partial<LedgerRows>;
}

async function play(
  { options, surroundings, scenario, server, id, caller, rows }: Playing,
  print: (...lines: string[]) => void,
): Promise<{ events: CallEvent[]; problems: string[] }> {
  const events: CallEvent[] = [];
  const problems: string[] = [];
  const call = { id, customerNumber: options.number, startedAt: new Date() };
  try {
    await using door = await openDoor(options.door ?? 'vapi', server, call, surroundings);
    for await (const event of playCall({ door, caller, firstMessage: scenario.firstMessage })) {
      events.push(event);
      if (event.type === 'violation') problems.push(`turn ${event.turn}: ${event.problem}`);
      // Whoever types at a terminal has the own words on the screen already.
      if (!(options.type && isTerminal(surroundings.input) && event.type === 'caller'))
        print(...eventLines(event));
      if (event.type === 'assistant' && event.turn !== undefined) {
        print(timesLine(event.firstWordMs, await turnRow(rows, event.turn)));
      }
    }
  } catch (error) {
    if (!(error instanceof CallProblem)) throw error;
    problems.push(error.message);
    print(`          ✗ ${error.message}`);
  }
  return { events, problems };
}

/** A turn's row is written behind its words, so it may be a moment late; its times are worth a short wait. */
const rowWaitMs = 300;
const lookEveryMs = 20;

async function turnRow(
  rows: Partial<LedgerRows>,
  turn: number,
): Promise<CallRecord['turns'][number] | undefined> {
  for (let waitedMs = 0; rows.read && waitedMs <= rowWaitMs; waitedMs += lookEveryMs) {
    const found = (await rows.read()).turns.find(({ number }) => number === turn);
    if (found) return found;
    await setTimeout(lookEveryMs);
  }
  return undefined;
}

/** Without its ledger a server can still be called: the conversation is shown, and the verdict says what is missing. */
async function rowsOrNone(
  id: string,
  { openRows }: Surroundings,
  print: (...lines: string[]) => void,
): Promise<Partial<LedgerRows> & AsyncDisposable & { problem?: string }> {
  try {
    return await openRows(id);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    print(`The ledger cannot be read: ${problem}`, '');
    return { problem, [Symbol.asyncDispose]: async () => {} };
  }
}

/** The command line of `npm run call`. */
export function callCommand(run: (options: CallOptions) => Promise<number>): Command {
  return new Command('npm run call --')
    .description(
      'Plays a caller exactly as a voice platform would, then prints what the ledger says about the call.',
    )
    .option('--scenario <name>', 'who is calling, see --list', 'happy-path')
    .option('--list', 'list the scenarios and stop')
    .option('--type', 'type the caller’s part yourself')
    .option('--url <url>', 'server to call (default: the running one, else one is started)', webUrl)
    .addOption(
      new Option('--door <platform>', 'the voice platform that is played').choices(doorNames).default('vapi'),
    )
    .option(
      '--key <key>',
      'what the platform presents (default: Vapi’s secret, or the demo clinic’s key for a socket, from the environment or DATA_DIR)',
    )
    .option('--number <number>', 'the caller’s number, in the form +15550100103', phoneNumber, '+15550100103')
    .addOption(
      new Option('--model <model>', 'which stand-in for a language model answers').choices([
        'careful',
        'careless',
      ]),
    )
    .option('--seed <number>', 'what the careless model’s slips depend on', seedNumber)
    .option('--json', 'print one JSON document instead of lines')
    .addHelpText(
      'after',
      '\nExits with 0 when the call ended as its scenario expects (an appointment was booked), else with 1.\n\nExamples:\n  npm run call\n  npm run call -- --scenario changes-mind\n  npm run call -- --door retell\n  npm run call -- --model careless --seed 7\n  npm run call -- --type',
    )
    .action(async (options: CallOptions & { list?: boolean }) => {
      process.exitCode = options.list ? await list() : await run(options);
    });
}

async function list(): Promise<number> {
  const names = await scenarioNames();
  const width = Math.max(...names.map((name) => name.length)) + 2;
  for (const name of names) {
    const { title, expect } = await readScenario(name);
    console.log(`${name.padEnd(width)}${title} (${expect})`);
  }
  return 0;
}

function webUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('It is not a url of the form http://127.0.0.1:8787.');
}

function seedNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is not a whole number such as 7.');
}

function phoneNumber(text: string): string {
  if (/^\+\d{7,15}$/.test(text)) return text;
  throw new InvalidArgumentError('It is not a number of the form +15550100103.');
}

if (import.meta.main) {
  const log = createLog({ level: 'error', pretty: process.stdout.isTTY });
  const surroundings = {
    input: process.stdin,
    output: process.stdout,
    openRows: (callSid: string) => openLedgerRows(callSid, log),
  };
  try {
    await callCommand((options) => call(options, surroundings)).parseAsync();
  } catch (error) {
    // What the person can do something about is one message; only a fault of ours needs its stack.
    const expected =
      error instanceof CallProblem || (error instanceof Error && error.name === 'ConfigurationError');
    console.error(expected ? error.message : error);
    process.exitCode = 1;
  }
}
