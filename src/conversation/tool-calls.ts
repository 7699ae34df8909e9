import type { CallKey } from '#booking/calls.ts';
import type { TurnLedger } from '#booking/turns.ts';
import type { Organization } from '#organization/organization.ts';
import type { Log } from '#telemetry/log.ts';
import type { ToolRun } from '#tools/tool.ts';
import type { Toolbox } from '#tools/toolbox.ts';
import type { LiveCalls } from './live-calls.ts';
import type { TellCall } from './tell-call.ts';

/** Tool calls that a platform's own model made; the platform decided that they count. */
export interface ToolRequest {
  organization: Organization;
  callSid: string;
  caller: string | null;
  calls: { name: string; arguments: unknown }[];
  now: Date;
}

/** What each call brought about and the sentence for it, in order; shorter where the ledger could not be reached. */
export type ToolsRun = Pick<ToolRun, 'result' | 'speech'>[];

/**
 * Runs tool calls one after another, each with what the one before brought about. The voice rules of a turn rest:
 * what the caller has heard and said since is the platform's to know.
 */
export async function runToolCalls(
  {
    turns,
    toolbox,
    liveCalls,
    tellCall,
    log,
  }: { turns: TurnLedger; toolbox: Toolbox; liveCalls: LiveCalls; tellCall: TellCall; log: Log },
  { organization, callSid, caller, calls, now }: ToolRequest,
): Promise<ToolsRun> {
  const call: CallKey = { tenantId: organization.id, callSid };
  const live = liveCalls.join(call);
  const runs: ToolsRun = [];
  const running = (async () => {
    await live.earlierWork;
    const known = live.memory.facts;
    live.memory.facts = undefined;
    const begun = await turns.begin(call, { caller, userTurns: null, requestedAt: null }, known);
    // Without a time of sending nothing is ever overtaken.
    if (begun === undefined) return;
    const facts = begun.snapshot;
    const language = live.memory.language ?? organization.languages[0] ?? 'en';
    const context = { organization, call, facts, now, language, userTurns: null, turn: null };
    for (const { name, arguments: args } of calls) {
      const startedMs = performance.now();
      const run = await toolbox.run(name, args, context);
      // The platform's model keeps the ids it was told. Were an offer told and then lost with this process, its id
      // would mean another slot at the next process, and the wrong time would be held.
      await run.settled;
      runs.push(run);
      tellCall.tool(context, { name, result: run.result, durationMs: performance.now() - startedMs });
    }
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
