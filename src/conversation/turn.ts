import type { CallKey } from '#booking/calls.ts';
import type { CallFacts } from '#booking/turns.ts';
import { defaultLanguage } from '#organization/organization.ts';
import type { ToolContext } from '#tools/tool.ts';
import type { AdmittedTurn } from './admission.ts';
import { converse } from './converse.ts';
import { apologise, turnAway } from './fallbacks.ts';
import type { LiveTurn } from './live-calls.ts';
import { nudge } from './nudge.ts';
import { ask, type Question } from './question.ts';
import { TurnSpans } from './spans.ts';
import { say, type TurnEvent, type TurnRequest } from './turn-events.ts';
import type { Turn, TurnParts } from './turn-parts.ts';

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
  const arrival = arrive(parts, request, signal);
  const { live, spans, stop } = arrival;
  try {
    if (!live.idle) await inTime(live.earlierWork, earlierWorkDeadlineMs);
    stop.throwIfAborted();
    if (!isTaken(parts, request, live)) {
      yield* ready(turnAway(parts, request), spans);
      return;
    }
    const turn = await begin(parts, arrival);
    // A request that was sent later has its turn already, on another process: nobody listens to this one.
    if (turn === undefined) return;
    stop.throwIfAborted();
    const { context } = turn;
    if (asksModel(request)) {
      yield* converse(
        parts,
        turn,
        takeEarly(arrival) ?? ask(parts, request, { about: context, stop, spans }),
      );
    } else yield* ready(request.silent === true ? nudge(parts, context) : opening(parts, context), spans);
  } catch (error) {
    if (stop.aborted) return;
    yield* apologise(parts, request, error);
  } finally {
    leave(parts, arrival);
  }
}

/** A request from its arrival to its end, and what it has come to by now. */
interface Arrival {
  request: TurnRequest;
  call: CallKey;
  live: LiveTurn;
  spans: TurnSpans;
  stop: AbortSignal;
  admitted: AdmittedTurn | undefined;
  /** What the model was asked while the ledger was, and the facts it was told. */
  early: (Question & { fingerprint: string }) | undefined;
  /** When the ledger answered, by `performance.now()`. */
  beganAtMs: number;
  /** What the ledger answered. */
  begun: { context: ToolContext; facts: CallFacts } | undefined;
}

function arrive(parts: TurnParts, request: TurnRequest, signal: AbortSignal): Arrival {
  const spans = new TurnSpans(request.arrivedAtMs ?? performance.now());
  const call: CallKey = { tenantId: request.organization.id, callSid: request.callSid };
  const stopping = stoppedBy(signal);
  const live = parts.liveCalls.supersede(call, request.requestedAt, stopping);
  const nothingYet = { admitted: undefined, early: undefined, beganAtMs: 0, begun: undefined };
  return { request, call, live, spans, stop: stopping.signal, ...nothingYet };
}

/**
 * Begins the turn in the ledger, and asks the model meanwhile where the call's facts are known.
 *
 * @returns nothing when a request that was sent later has its turn already
 */
async function begin(parts: TurnParts, arrival: Arrival): Promise<Turn | undefined> {
  const { request, call, live, spans, stop } = arrival;
  const { organization, caller, history, requestedAt, now } = request;
  parts.callLife.firstTurn(request);
  arrival.admitted = parts.admission.turn();
  const askedAtMs = performance.now();
  const language = live.memory.language ?? defaultLanguage(organization);
  const userTurns = history.filter((message) => message.role === 'user').length;
  const known = live.memory.facts;
  const beginning = parts.turns.begin(call, { caller, userTurns, requestedAt }, known);
  // Tracked, so that a newer request takes its number after this one: the ledger's order is the order of arrival.
  live.track(beginning);
  if (known !== undefined && live.idle && asksModel(request)) {
    const about = { organization, facts: known.snapshot, now, language };
    arrival.early = { ...ask(parts, request, { about, stop, spans }), fingerprint: known.fingerprint };
  }
  const facts = await beginning.finally(() => {
    arrival.beganAtMs = performance.now();
    spans.note('callLookup', arrival.beganAtMs - askedAtMs);
    arrival.admitted?.waited(arrival.beganAtMs - askedAtMs);
  });
  if (facts === undefined) return undefined;
  const { snapshot } = facts;
  const context: ToolContext = {
    organization,
    call,
    facts: snapshot,
    now,
    language,
    languages: parts.languages,
    userTurns,
    turn: snapshot.turn,
  };
  arrival.begun = { context, facts };
  live.memory.facts = facts;
  live.numbered(snapshot.turn);
  return { request, context, live, stop, spans, settled: Promise.resolve() };
}

/** The question that was asked early, if the facts the model was told are the ledger's; otherwise it is dropped. */
function takeEarly(arrival: Arrival): Question | undefined {
  const { early, begun } = arrival;
  arrival.early = undefined;
  if (early?.fingerprint === begun?.facts.fingerprint) return early;
  early?.answer.leave();
  return undefined;
}

/** The turn is over, whichever way: what it kept is let go, and what it brought about is noted. */
function leave(
  parts: TurnParts,
  { request, call, live, spans, stop, admitted, early, beganAtMs, begun }: Arrival,
): void {
  admitted?.[Symbol.dispose]();
  early?.answer.leave();
  const times = spans.end(parts.log, { organization: request.organization.key, call: call.callSid });
  if (begun !== undefined) {
    const { context } = begun;
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

/** Whether there is something of the caller's to answer; a silence and the first moment are answered from templates. */
function asksModel({ history, silent }: TurnRequest): boolean {
  return silent !== true && history.some((message) => message.role === 'user');
}

function* opening({ prompts, spoken }: TurnParts, context: ToolContext): Generator<TurnEvent> {
  yield say(spoken(prompts.speak('opening', context, {}), 'template'));
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
