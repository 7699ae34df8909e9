import { beginTurn, type CallKey, recordTurn } from '#booking/calls.ts';
import { ModelError, type ModelMessage, type ModelTool } from '#model/language-model.ts';
import type { ToolContext } from '#tools/tool.ts';
import type { Toolbox } from '#tools/toolbox.ts';
import { nudge } from './nudge.ts';
import { apologise, withoutModel } from './out-of-order.ts';
import { say, type Turn, type TurnEvent, type TurnParts, type TurnRequest } from './turn-events.ts';
import { type OurCall, resultMessages, runTool } from './turn-tools.ts';

/** A second pass happens only when one pass called two of our tools; a third would only be a loop. */
const passesMax = 2;
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
  const live = parts.liveCalls.supersede(call, request.requestedAt);
  const stop = AbortSignal.any([signal, live.signal]);
  const watch = new Watch((finished) => context !== undefined && parts.tellCall.tool(context, finished));
  let context: ToolContext | undefined;
  let beganAtMs = 0;
  try {
    await Promise.race([live.earlierWork, deadline(earlierWorkDeadlineMs)]);
    stop.throwIfAborted();
    // Tracked, so that a newer request takes its number after this one: the ledger's order is the order of arrival.
    const beginning = begin(parts, request, call, live.memory.language);
    live.track(beginning);
    context = await beginning;
    beganAtMs = performance.now();
    // A request that was sent later has its turn already, on another process: nobody listens to this one.
    if (context === undefined) return;
    const turn: Turn = { request, context, live, stop, settled: Promise.resolve() };
    const heard = request.history.some((message) => message.role === 'user');
    const speech = request.silent ? nudge(parts, context) : heard ? undefined : opening(parts, context);
    yield* watch.words(speech ?? converse(parts, turn));
  } catch (error) {
    if (stop.aborted) return;
    yield* apologise(parts, request, error);
  } finally {
    if (context !== undefined) {
      live.memory.language = context.language;
      live.track(recordTurn(parts.sql, call, { number: context.facts.turn, ...watch.times }));
      const { spans, times } = watch;
      parts.tellCall.turn(context, { spans, tools: times.tools, cut: stop.aborted }, live.allWork());
      if (request.line !== null) parts.holdWatch.watch(context, request.line, live.memory, beganAtMs);
    }
    live.end();
  }
}

/** Nothing when a request that was sent later has its turn already. */
async function begin(
  { sql }: TurnParts,
  { organization, caller, history, requestedAt, now }: TurnRequest,
  call: CallKey,
  languageSpoken: string | undefined,
): Promise<ToolContext | undefined> {
  const userTurns = history.filter((message) => message.role === 'user').length;
  const facts = await beginTurn(sql, call, { caller, userTurns, requestedAt });
  if (facts === undefined) return undefined;
  const language = languageSpoken ?? organization.languages[0] ?? 'en';
  return { organization, call, facts, now, language, userTurns, turn: facts.turn };
}

function* opening({ prompts }: TurnParts, context: ToolContext): Generator<TurnEvent> {
  yield say(prompts.speak('opening', context, {}));
  yield { type: 'finished', reason: 'stop' };
}

async function* converse(parts: TurnParts, turn: Turn): AsyncGenerator<TurnEvent> {
  const { request, context, stop, live } = turn;
  const system = parts.systemPrompt({ ...context, dashboardPrompt: request.dashboardPrompt });
  const messages: ModelMessage[] = [{ role: 'system', content: system }, ...request.history];
  const brought = foreign(parts.toolbox, request.platformTools);
  const tools: ModelTool[] = [...parts.toolbox.definitionsFor(request.organization), ...brought];
  let spoken = '';
  for (let pass = 1; pass <= passesMax; pass += 1) {
    const ours: OurCall[] = [];
    let handedOff = false;
    try {
      for await (const delta of parts.model.stream({ messages, tools }, stop)) {
        if (delta.type === 'text') {
          spoken += delta.text;
          yield say(delta.text, delta.contents);
        } else if (delta.type === 'tool-call') {
          if (parts.toolbox.has(delta.name)) {
            ours.push({ call: delta, run: yield* runTool(parts.toolbox, turn, delta) });
          } else if (brought.some((tool) => tool.function.name === delta.name)) {
            handedOff = true;
            yield { type: 'hand-off', id: delta.id, name: delta.name, arguments: delta.arguments };
          } else {
            parts.log.warn({ model: parts.model.name }, 'the model called a tool that nobody brought');
          }
        }
      }
      if (spoken.trim() === '' && ours.length === 0 && !handedOff)
        throw new ModelError('empty', 'the model gave nothing that can be said or done');
      live.memory.modelFailures = 0;
    } catch (error) {
      if (!(error instanceof ModelError) || stop.aborted) throw error;
      const { kind, message: problem } = error;
      parts.log.warn({ model: parts.model.name, kind, problem }, 'the model failed');
      // What a tool brought about is said even when the stream broke off behind it.
      if (ours.length === 0 && !handedOff) {
        yield* withoutModel(parts, turn, spoken);
        return;
      }
    }
    if (ours.length > 1 && pass < passesMax) {
      messages.push(...resultMessages(ours));
      continue;
    }
    const speech = ours.map(({ run }) => run.speech).join(' ');
    if (speech !== '') yield say(spoken.trim() === '' ? speech : ` ${speech}`);
    yield { type: 'finished', reason: handedOff ? 'tool_calls' : 'stop' };
    return;
  }
}

/** The platform's tools; one that bears the name of ours would take our calls away and is left out. */
function foreign(toolbox: Toolbox, platformTools: ModelTool[]): ModelTool[] {
  return platformTools.filter((tool) => !toolbox.has(tool.function.name));
}

/** Takes a turn's times as its events go by. */
class Watch {
  readonly #startedMs = performance.now();
  readonly #onTool: (finished: Extract<TurnEvent, { type: 'tool-finished' }>) => void;
  readonly times = {
    firstWordMs: null as number | null,
    toolMs: null as number | null,
    tools: [] as string[],
  };

  constructor(onTool: (finished: Extract<TurnEvent, { type: 'tool-finished' }>) => void) {
    this.#onTool = onTool;
  }

  /** Milliseconds by name, for those who watch. */
  get spans(): Record<string, number> {
    const { firstWordMs, toolMs } = this.times;
    return {
      ...(firstWordMs === null ? {} : { firstWord: firstWordMs }),
      ...(toolMs === null ? {} : { tools: toolMs }),
      total: performance.now() - this.#startedMs,
    };
  }

  async *words(events: Iterable<TurnEvent> | AsyncIterable<TurnEvent>): AsyncGenerator<TurnEvent> {
    for await (const event of events) {
      if (event.type === 'say' && event.text !== '')
        this.times.firstWordMs ??= performance.now() - this.#startedMs;
      if (event.type === 'tool-finished') {
        this.times.toolMs = (this.times.toolMs ?? 0) + event.durationMs;
        this.times.tools.push(event.name);
        this.#onTool(event);
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
