import type { CallKey } from '#booking/calls.ts';
import type { CallFacts } from '#booking/turns.ts';
import { ModelError, type ModelMessage, type ModelTool } from '#model/language-model.ts';
import { defaultLanguage } from '#organization/organization.ts';
import type { ToolContext } from '#tools/tool.ts';
import type { Toolbox } from '#tools/toolbox.ts';
import type { AdmittedTurn } from './admission.ts';
import { apologise, turnAway, withoutModel } from './fallbacks.ts';
import type { LiveTurn } from './live-calls.ts';
import { nudge } from './nudge.ts';
import { PendingAnswer } from './pending-answer.ts';
import { TurnSpans } from './spans.ts';
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
 * The model is asked while the ledger is, when the call's latest turn here says what the ledger will answer; nothing
 * is said or done before the ledger has, and when it answers otherwise the model is asked anew.
 *
 * Leaving the loop, aborting `signal`, or a newer turn of the same call ends the model's stream and starts no
 * further tool. A tool that has begun runs to its end.
 */
export async function* runTurn(
  parts: TurnParts,
  request: TurnRequest,
  signal: AbortSignal,
): AsyncGenerator<TurnEvent, void, undefined> {
  const spans = new TurnSpans(request.arrivedAtMs ?? performance.now());
  const call: CallKey = { tenantId: request.organization.id, callSid: request.callSid };
  const stopping = stoppedBy(signal);
  const stop = stopping.signal;
  const live = parts.liveCalls.supersede(call, request.requestedAt, stopping);
  let context: ToolContext | undefined;
  let early: Question | undefined;
  let beganAtMs = 0;
  let admitted: AdmittedTurn | undefined;
  try {
    if (!live.idle) await inTime(live.earlierWork, earlierWorkDeadlineMs);
    stop.throwIfAborted();
    if (!isTaken(parts, request, live)) {
      yield* ready(turnAway(parts, request), spans);
      return;
    }
    parts.callLife.firstTurn(request);
    admitted = parts.admission.turn();
    const askedAtMs = performance.now();
    // Tracked, so that a newer request takes its number after this one: the ledger's order is the order of arrival.
    const language = live.memory.language ?? defaultLanguage(request.organization);
    const beginning = begin(parts, request, { call, language, known: live.memory.facts });
    live.track(beginning);
    const heard = request.history.some((message) => message.role === 'user');
    const asks = heard && request.silent !== true;
    if (asks && live.idle) early = askEarly(parts, request, { live, language, stop, spans });
    const begun = await beginning.finally(() => {
      beganAtMs = performance.now();
      spans.note('callLookup', beganAtMs - askedAtMs);
      admitted?.waited(beganAtMs - askedAtMs);
    });
    // A request that was sent later has its turn already, on another process: nobody listens to this one.
    if (begun === undefined) return;
    live.memory.facts = begun.facts;
    context = begun.context;
    live.numbered(begun.context.facts.turn);
    stop.throwIfAborted();
    const turn: Turn = { request, context, live, stop, spans, settled: Promise.resolve() };
    const question = early?.fingerprint === begun.facts.fingerprint ? early : undefined;
    if (question === undefined) early?.asked.leave();
    early = undefined;
    if (asks) yield* converse(parts, turn, question);
    else yield* ready(request.silent === true ? nudge(parts, context) : opening(parts, context), spans);
  } catch (error) {
    if (stop.aborted) return;
    yield* apologise(parts, request, error);
  } finally {
    admitted?.[Symbol.dispose]();
    early?.asked.leave();
    const times = spans.end(parts.log, { organization: request.organization.key, call: call.callSid });
    if (context !== undefined) {
      live.memory.language = context.language;
      const { firstByteOut = null, tool = null } = spans.ms;
      const record = {
        number: context.facts.turn,
        firstWordMs: firstByteOut,
        toolMs: tool,
        tools: spans.tools,
      };
      live.leaveRunning(parts.turns.record(call, record));
      parts.tellCall.turn(context, { spans: times, tools: spans.tools, cut: stop.aborted }, live.allWork());
      if (request.line !== null) parts.holdWatch.watch(context, request.line, live.memory, beganAtMs);
    }
    live.end();
  }
}

/** Nothing when a request that was sent later has its turn already. */
async function begin(
  { turns, languages }: TurnParts,
  { organization, caller, history, requestedAt, now }: TurnRequest,
  { call, language, known }: { call: CallKey; language: string; known: CallFacts | undefined },
): Promise<{ context: ToolContext; facts: CallFacts } | undefined> {
  const userTurns = history.filter((message) => message.role === 'user').length;
  const facts = await turns.begin(call, { caller, userTurns, requestedAt }, known);
  if (facts === undefined) return undefined;
  const { snapshot } = facts;
  return {
    facts,
    context: {
      organization,
      call,
      facts: snapshot,
      now,
      language,
      languages,
      userTurns,
      turn: snapshot.turn,
    },
  };
}

function* opening({ prompts }: TurnParts, context: ToolContext): Generator<TurnEvent> {
  yield say(prompts.speak('opening', context, {}));
  yield { type: 'finished', reason: 'stop' };
}

/** Whether the call is on, or there is room for it. A call that began on another process is on. */
function isTaken({ admission }: TurnParts, { history }: TurnRequest, { memory }: LiveTurn): boolean {
  const isOn = memory.admitted ?? history.filter((message) => message.role === 'user').length > 1;
  memory.admitted = isOn || admission.take();
  return memory.admitted;
}

/** Words that nobody has to be asked for. */
function* ready(events: Iterable<TurnEvent>, spans: TurnSpans): Generator<TurnEvent> {
  spans.spoke();
  yield* events;
}

/** What the model is asked for a turn, and the facts of the call it was told. */
interface Question {
  fingerprint: string;
  messages: ModelMessage[];
  tools: ModelTool[];
  asked: PendingAnswer;
}

function askEarly(
  parts: TurnParts,
  request: TurnRequest,
  { live, language, stop, spans }: { live: LiveTurn; language: string; stop: AbortSignal; spans: TurnSpans },
): Question | undefined {
  const known = live.memory.facts;
  if (known === undefined) return undefined;
  const { organization, now } = request;
  const about = { organization, facts: known.snapshot, now, language };
  return ask(parts, request, { about, fingerprint: known.fingerprint, stop, spans });
}

function ask(
  parts: TurnParts,
  request: TurnRequest,
  {
    about,
    fingerprint,
    stop,
    spans,
  }: {
    about: Pick<ToolContext, 'organization' | 'facts' | 'now' | 'language'>;
    fingerprint: string;
    stop: AbortSignal;
    spans: TurnSpans;
  },
): Question {
  const startedMs = performance.now();
  const system = parts.systemPrompt({ ...about, dashboardPrompt: request.dashboardPrompt });
  const messages: ModelMessage[] = [{ role: 'system', ...system }, ...request.history];
  const tools = [...parts.toolbox.definitionsFor(request.organization), ...brought(parts.toolbox, request)];
  const asked = new PendingAnswer(parts.model, { messages, tools }, stop);
  spans.note('prompt', performance.now() - startedMs);
  return { fingerprint, messages, tools, asked };
}

/** @param early the question that is on its way already, when it was the right one */
async function* converse(
  parts: TurnParts,
  turn: Turn,
  early: Question | undefined,
): AsyncGenerator<TurnEvent> {
  const { context, stop, live, spans } = turn;
  const question = early ?? ask(parts, turn.request, { about: context, fingerprint: '', stop, spans });
  const { messages, tools } = question;
  let { asked } = question;
  let spoken = '';
  for (let pass = 1; pass <= passesMax; pass += 1) {
    const ours: OurCall[] = [];
    let handedOff = false;
    try {
      for await (const delta of asked) {
        if (asked.firstDeltaMs !== undefined) spans.note('modelFirstToken', asked.firstDeltaMs);
        if (delta.type === 'text') {
          spoken += delta.text;
          spans.spoke();
          yield say(delta.text, delta.contents);
          yield {
            type: 'flow',
            flow: ({ said, ready }) =>
              asked.pour({
                words: ({ text, contents }) => {
                  spoken += text;
                  return said(say(text, contents));
                },
                ready,
              }),
          };
        } else if (delta.type === 'tool-call') {
          if (parts.toolbox.has(delta.name)) {
            ours.push({ call: delta, run: yield* runTool(parts, turn, delta) });
          } else if (brought(parts.toolbox, turn.request).some((tool) => tool.function.name === delta.name)) {
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
        spans.spoke();
        yield* withoutModel(parts, turn, spoken);
        return;
      }
    }
    if (ours.length > 1 && pass < passesMax) {
      messages.push(...resultMessages(ours));
      asked = new PendingAnswer(parts.model, { messages, tools }, stop);
      continue;
    }
    // A newer turn may have come while the last tool ran: what it did stands, and the newer turn says so.
    stop.throwIfAborted();
    const speech = ours.map(({ run }) => run.speech).join(' ');
    if (speech !== '') {
      spans.spoke();
      yield say(spoken.trim() === '' ? speech : ` ${speech}`);
    }
    yield { type: 'finished', reason: handedOff ? 'tool_calls' : 'stop' };
    return;
  }
}

/** The platform's tools; one that bears the name of ours would take our calls away and is left out. */
function brought(toolbox: Toolbox, { platformTools }: TurnRequest): ModelTool[] {
  return platformTools.filter((tool) => !toolbox.has(tool.function.name));
}

/** Aborts with `signal`, and may be aborted by others. */
function stoppedBy(signal: AbortSignal): AbortController {
  const stop = new AbortController();
  if (signal.aborted) stop.abort(signal.reason);
  else signal.addEventListener('abort', () => stop.abort(signal.reason), { once: true });
  return stop;
}

/** Waits for work, but not for ever. */
async function inTime(work: Promise<unknown>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}
