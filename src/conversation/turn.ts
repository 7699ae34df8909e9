import type { Sql } from 'postgres';
import { beginTurn, type CallKey, type CallSnapshot, recordTurn } from '#booking/calls.ts';
import {
  type LanguageModel,
  type ModelDelta,
  ModelError,
  type ModelMessage,
  type ModelTool,
} from '#model/language-model.ts';
import type { Organization } from '#organization/organization.ts';
import type { Prompts } from '#prompts/templates.ts';
import type { Log } from '#telemetry/log.ts';
import type { ToolContext, ToolRun } from '#tools/tool.ts';
import type { Toolbox } from '#tools/toolbox.ts';
import type { LiveCalls, LiveTurn } from './live-calls.ts';
import type { PromptParts } from './prompt.ts';

/** One thing that was said or done so far, and a tool the platform brought, in OpenAI's shapes. */
export type HistoryMessage = ModelMessage;
export type PlatformTool = ModelTool;

/** The caller stopped speaking. Everything a door knows about it, in no platform's own form. */
export interface TurnRequest {
  organization: Organization;
  callSid: string;
  /** E.164, or `null` when withheld. */
  caller: string | null;
  /** What was said so far, without system messages. */
  history: HistoryMessage[];
  dashboardPrompt: string | null;
  /** Tools the platform itself executes, e.g. `endCall`. */
  platformTools: PlatformTool[];
  now: Date;
}

/** What a turn does, in order. A door writes it in its own wire format and calls nothing back. */
export type TurnEvent =
  | { type: 'say'; text: string }
  | { type: 'tool-started'; name: string }
  | { type: 'tool-finished'; name: string; result: ToolRun['result']; durationMs: number }
  /** A tool of the platform's own: the platform executes it after the words before it. */
  | { type: 'hand-off'; id: string; name: string; arguments: Record<string, unknown> }
  | { type: 'finished'; reason: 'stop' | 'tool_calls' };

export interface TurnParts {
  sql: Sql;
  model: LanguageModel;
  toolbox: Toolbox;
  prompts: Prompts;
  systemPrompt: (parts: PromptParts) => string;
  liveCalls: LiveCalls;
  log: Log;
}

/** A second pass happens only when one pass called two of our tools; a third would only be a loop. */
const passesMax = 2;
/** A tool that has not answered by then is reported as a fault, while its commit may still go through. */
const toolDeadlineMs = 5_000;
/** Bounds the wait for an older turn's commit; the ledger's own locks decide what is true either way. */
const earlierWorkDeadlineMs = 5_000;

/**
 * One turn from words to speech: begins the turn in the ledger, asks the model once, runs our tools in this process
 * and speaks their results from templates. Every fault becomes a sentence; nothing is thrown but an abort.
 *
 * Leaving the loop, aborting `signal`, or a newer turn of the same call ends the model's stream and starts no
 * further tool. A tool that has begun runs to its end.
 */
export async function* runTurn(
  parts: TurnParts,
  request: TurnRequest,
  signal: AbortSignal,
): AsyncGenerator<TurnEvent, void, undefined> {
  const call: CallKey = { tenantId: request.organization.id, callSid: request.callSid };
  const live = parts.liveCalls.supersede(call);
  const stop = AbortSignal.any([signal, live.signal]);
  const watch = new Watch();
  let turnNumber: number | undefined;
  try {
    await Promise.race([live.earlierWork, deadline(earlierWorkDeadlineMs)]);
    stop.throwIfAborted();
    // Tracked, so that a newer request takes its number after this one: the ledger's order is the order of arrival.
    const beginning = begin(parts, request, call);
    live.track(beginning);
    const context = await beginning;
    turnNumber = context.turn ?? undefined;
    if (request.history.every((message) => message.role !== 'user')) {
      yield* watch.words(opening(parts, context));
    } else {
      yield* watch.words(converse(parts, { request, context, live, stop, settled: Promise.resolve() }));
    }
  } catch (error) {
    if (stop.aborted) return;
    yield* apologise(parts, request, error);
  } finally {
    if (turnNumber !== undefined)
      live.track(recordTurn(parts.sql, call, { number: turnNumber, ...watch.times }));
    live.end();
  }
}

interface Turn {
  request: TurnRequest;
  context: ToolContext;
  live: LiveTurn;
  stop: AbortSignal;
  /** What the latest tool of this turn still writes. The next one waits for it: their order is the ledger's. */
  settled: Promise<void>;
}

async function begin({ sql }: TurnParts, request: TurnRequest, call: CallKey): Promise<ToolContext> {
  const userTurns = request.history.filter((message) => message.role === 'user').length;
  const facts: CallSnapshot = await beginTurn(sql, call, request.caller, userTurns);
  const { organization, now } = request;
  const language = organization.languages[0] ?? 'en';
  return { organization, call, facts, now, language, userTurns, turn: facts.turn };
}

function* opening({ prompts }: TurnParts, { organization, language }: ToolContext): Generator<TurnEvent> {
  yield say(prompts.speak('opening', language, { clinic: organization.name }));
  yield { type: 'finished', reason: 'stop' };
}

async function* converse(parts: TurnParts, turn: Turn): AsyncGenerator<TurnEvent> {
  const { request, context, stop } = turn;
  const system = parts.systemPrompt({ ...context, dashboardPrompt: request.dashboardPrompt });
  const messages: ModelMessage[] = [{ role: 'system', content: system }, ...request.history];
  const tools: ModelTool[] = [...parts.toolbox.definitions, ...foreign(parts.toolbox, request.platformTools)];
  let spoke = false;
  for (let pass = 1; pass <= passesMax; pass += 1) {
    const ours: OurCall[] = [];
    let handedOff = false;
    try {
      for await (const delta of parts.model.stream({ messages, tools }, stop)) {
        if (delta.type === 'text') {
          spoke ||= delta.text.trim() !== '';
          yield say(delta.text);
        } else if (delta.type === 'tool-call') {
          if (parts.toolbox.has(delta.name))
            ours.push({ call: delta, run: yield* runTool(parts, turn, delta) });
          else {
            handedOff = true;
            yield { type: 'hand-off', id: delta.id, name: delta.name, arguments: delta.arguments };
          }
        }
      }
    } catch (error) {
      if (!(error instanceof ModelError) || stop.aborted) throw error;
      parts.log.warn(
        { model: parts.model.name, kind: error.kind, problem: error.message },
        'the model failed',
      );
      // What a tool brought about is said even when the stream broke off behind it.
      if (ours.length === 0 && !handedOff) {
        yield say(`${spoke ? ' ' : ''}${parts.prompts.speak('not-understood', context.language, {})}`);
        yield { type: 'finished', reason: 'stop' };
        return;
      }
    }
    if (ours.length > 1 && pass < passesMax) {
      messages.push(...resultMessages(ours));
      continue;
    }
    const speech = ours.map(({ run }) => run.speech).join(' ');
    if (speech !== '') yield say(spoke ? ` ${speech}` : speech);
    yield { type: 'finished', reason: handedOff ? 'tool_calls' : 'stop' };
    return;
  }
}

interface OurCall {
  call: Extract<ModelDelta, { type: 'tool-call' }>;
  run: ToolRun;
}

/** Runs one of our tools to its end, whoever has stopped listening by then. */
async function* runTool(
  parts: TurnParts,
  turn: Turn,
  call: OurCall['call'],
): AsyncGenerator<TurnEvent, ToolRun> {
  const { context, live, stop } = turn;
  yield { type: 'tool-started', name: call.name };
  await turn.settled;
  stop.throwIfAborted();
  const startedMs = performance.now();
  const running = parts.toolbox.run(call.name, call.arguments, context);
  live.track(running.then((run) => run.settled));
  const run = await Promise.race([running, deadline(toolDeadlineMs)]);
  if (run === undefined) throw new Error(`${call.name} has not answered within ${toolDeadlineMs} ms`);
  turn.settled = run.settled;
  const durationMs = performance.now() - startedMs;
  yield { type: 'tool-finished', name: call.name, result: run.result, durationMs };
  return run;
}

function resultMessages(ours: OurCall[]): ModelMessage[] {
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

/** The platform's tools; one that bears the name of ours would take our calls away and is left out. */
function foreign(toolbox: Toolbox, platformTools: ModelTool[]): ModelTool[] {
  return platformTools.filter((tool) => !toolbox.has(tool.function.name));
}

/** The ledger cannot be reached: an honest sentence, and a human if the platform can connect one. */
function* apologise(parts: TurnParts, request: TurnRequest, error: unknown): Generator<TurnEvent> {
  const { organization, platformTools } = request;
  parts.log.error({ err: error, organization: organization.key }, 'a turn could not be answered');
  const language = organization.languages[0] ?? 'en';
  const human =
    organization.humanNumber !== null && platformTools.some((tool) => tool.function.name === 'transferCall');
  yield say(parts.prompts.speak('failed', language, { human }));
  if (human) {
    const destination = organization.humanNumber;
    yield { type: 'hand-off', id: 'call_transfer', name: 'transferCall', arguments: { destination } };
  }
  yield { type: 'finished', reason: human ? 'tool_calls' : 'stop' };
}

/** Every spoken sentence passes here, so that it can be held against the ledger before it is heard. */
function say(text: string): TurnEvent {
  return { type: 'say', text };
}

/** Takes a turn's times as its events go by. */
class Watch {
  readonly #startedMs = performance.now();
  readonly times = {
    firstWordMs: null as number | null,
    toolMs: null as number | null,
    tools: [] as string[],
  };

  async *words(events: Iterable<TurnEvent> | AsyncIterable<TurnEvent>): AsyncGenerator<TurnEvent> {
    for await (const event of events) {
      if (event.type === 'say' && event.text !== '')
        this.times.firstWordMs ??= performance.now() - this.#startedMs;
      if (event.type === 'tool-finished') {
        this.times.toolMs = (this.times.toolMs ?? 0) + event.durationMs;
        this.times.tools.push(event.name);
      }
      yield event;
    }
  }
}

function deadline(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, undefined).unref();
  });
}
