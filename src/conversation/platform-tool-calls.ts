import { type CallKey, OffersOvertaken } from '#booking/calls.ts';
import type { TurnLedger } from '#booking/turns.ts';
import type { Languages } from '#language/languages.ts';
import { defaultLanguage, type Organization } from '#organization/organization.ts';
import type { Log } from '#telemetry/log.ts';
import type { ToolContext, ToolRun } from '#tools/tool.ts';
import type { Toolbox } from '#tools/toolbox.ts';
import type { LiveCalls } from './live-calls.ts';
import type { Spoken, SpokenWords } from './speech.ts';
import type { TellCall } from './tell-call.ts';

/** Tool calls that a platform's own model made; the platform decided that they count. */
export interface ToolRequest {
  organization: Organization;
  callSid: string;
  caller: string | null;
  calls: { name: string; arguments: unknown }[];
  now: Date;
}

interface ToolCallParts {
  turns: TurnLedger;
  toolbox: Toolbox;
  languages: Languages;
  spoken: Spoken;
  liveCalls: LiveCalls;
  tellCall: TellCall;
  log: Log;
}

/** Another process that answers the same call at once may be first with its offers, but hardly twice. */
const attemptsMax = 3;

/** What each call brought about and the sentence for it, in order; shorter where the ledger could not be reached. */
export type ToolsRun = { result: ToolRun['result']; speech: SpokenWords }[];

/**
 * Runs tool calls one after another, each with what the one before brought about. The voice rules of a turn rest:
 * what the caller has heard and said since is the platform's to know.
 */
export async function runToolCalls(
  { turns, toolbox, languages, spoken, liveCalls, tellCall, log }: ToolCallParts,
  { organization, callSid, caller, calls, now }: ToolRequest,
): Promise<ToolsRun> {
  const call: CallKey = { tenantId: organization.id, callSid };
  const live = liveCalls.join(call);
  const runs: ToolsRun = [];
  const begin = async (): Promise<ToolContext | undefined> => {
    const known = live.memory.facts;
    live.memory.facts = undefined;
    const begun = await turns.begin(call, { caller, userTurns: null, requestedAt: null }, known);
    // Without a time of sending nothing is ever overtaken.
    if (begun === undefined) return undefined;
    const language = live.memory.language ?? defaultLanguage(organization);
    const facts = begun.snapshot;
    return { organization, call, facts, now, language, languages, userTurns: null, turn: null };
  };
  const running = (async () => {
    await live.earlierWork;
    let context = await begin();
    for (const { name, arguments: args } of calls) {
      const startedMs = performance.now();
      for (let attempt = 1; context !== undefined; attempt += 1) {
        const run = await toolbox.run(name, args, context);
        // The platform's model keeps the ids it was told. Were an offer told and then lost with this process, its id
        // would mean another slot at the next process, and the wrong time would be held.
        const kept = await run.settled.then(() => true, overtaken);
        if (!kept && attempt < attemptsMax) {
          context = await begin();
          continue;
        }
        if (!kept) throw new Error(`${name} found its offers overtaken ${attempt} times`);
        runs.push({ result: run.result, speech: spoken(run.speech, 'template') });
        tellCall.tool(context, { name, result: run.result, durationMs: performance.now() - startedMs });
        break;
      }
    }
    if (context === undefined) return;
    live.memory.language = context.language;
    tellCall.changes(context, Promise.resolve());
  })();
  live.track(running);
  try {
    await running;
  } catch (error) {
    log.error({ err: error, organization: organization.key }, 'tool calls could not be run');
  } finally {
    live.end();
  }
  return runs;
}

/** Offers under numbers that mean other slots by now: the tool is run anew with what is so. */
function overtaken(error: unknown): false {
  if (error instanceof OffersOvertaken) return false;
  throw error;
}
