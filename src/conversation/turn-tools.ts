import type { ModelDelta, ModelMessage } from '#model/language-model.ts';
import type { ToolContext, ToolRun } from '#tools/tool.ts';
import type { TurnEvent } from './turn-events.ts';
import type { Turn, TurnParts } from './turn-parts.ts';

/** One of our tools that the model called in this pass, and what came of it. */
export interface OurCall {
  call: Extract<ModelDelta, { type: 'tool-call' }>;
  run: ToolRun;
}

/** A tool that has not answered by then is reported as a fault, while its commit may still go through. */
const toolDeadlineMs = 5_000;

/** Runs one of our tools to its end, whoever has stopped listening by then. A turn that was superseded starts none. */
export async function* runTool(
  { toolbox, tellCall }: TurnParts,
  turn: Turn,
  call: OurCall['call'],
): AsyncGenerator<TurnEvent, ToolRun> {
  const { context, live, stop } = turn;
  const { language } = context;
  yield { type: 'tool-started', id: call.id, name: call.name, arguments: call.arguments };
  await turn.settled;
  stop.throwIfAborted();
  const startedMs = performance.now();
  // Whatever it does, what the call's next turn finds is not what this one found.
  live.memory.facts = undefined;
  const waits = mayBeMistaken(context.facts);
  const started = toolbox.run(call.name, call.arguments, context);
  live.track(started.then((run) => run.settled));
  const running = waits ? started.then(settledFirst) : started;
  const run = await inTime(running);
  if (run === undefined) throw new Error(`${call.name} has not answered within ${toolDeadlineMs} ms`);
  turn.settled = run.settled;
  const durationMs = performance.now() - startedMs;
  turn.spans.tool(call.name, durationMs);
  tellCall.tool(context, { name: call.name, result: run.result, durationMs });
  yield { type: 'tool-finished', id: call.id, name: call.name, result: run.result, durationMs };
  if (context.language !== language) yield { type: 'language', language: context.language };
  return run;
}

/**
 * Offers are spoken before they are written. Should this process die in between, the next finds none, and offers
 * again; but where the caller's words may mean something else that is in the ledger, an earlier offer or a hold, "the
 * first one" would be another time than the one that was heard. Then they are written first.
 */
export function mayBeMistaken({ offers, hold, found }: ToolContext['facts']): boolean {
  return offers.length > 0 || hold !== null || found.length > 0;
}

async function settledFirst(run: ToolRun): Promise<ToolRun> {
  await run.settled;
  return run;
}

/** The calls and their results, as the model is told them in a second pass. */
export function resultMessages(ours: OurCall[]): ModelMessage[] {
  return [
    {
      role: 'assistant',
      content: null,
      tool_calls: ours.map(({ call }) => ({
        id: call.id,
        type: 'function',
        function: { name: call.name, arguments: JSON.stringify(call.arguments) },
      })),
    },
    ...ours.map(({ call, run }) => ({
      role: 'tool' as const,
      tool_call_id: call.id,
      content: JSON.stringify(run.result),
    })),
  ];
}

async function inTime(running: Promise<ToolRun>): Promise<ToolRun | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, toolDeadlineMs, undefined);
  try {
    return await Promise.race([running, late]);
  } finally {
    clearTimeout(timer);
  }
}
