import type { CallDoor } from './call-door.ts';
import type { Caller, CallerLine } from './caller.ts';
import { firstWords, History } from './history.ts';

/** What happens in a call, in order. */
export type CallEvent =
  | { type: 'caller'; text: string }
  /** `turn` counts the requests of the call; the first message has none. */
  | { type: 'assistant'; text: string; turn?: number; firstWordMs?: number | undefined; cut: boolean }
  | { type: 'tool-call'; name: string; arguments: string }
  | { type: 'violation'; turn: number; problem: string }
  | { type: 'over'; by: 'assistant' | 'caller' | 'limit' };

export interface CallParts {
  door: CallDoor;
  caller: Caller;
  /** What the platform greets with, where it greets by itself. */
  firstMessage: string;
}

/** A model and a scenario that misunderstand each other would talk for ever. */
const turnsMax = 20;

/** What somebody might have written in Vapi's dashboard; the clinic's own prompt is the server's. */
const dashboardPrompt = 'You are the receptionist of the Demo Clinic. Help callers book an appointment.';

/** Vapi acts on these by itself, and the assistant's part is over. */
const endingTools = new Set(['endCall', 'transferCall']);

/**
 * Plays one call, turn by turn, as its door's platform would.
 *
 * @throws CallProblem when the server cannot be reached or does not answer as the platform needs it to
 */
export async function* playCall(parts: CallParts): AsyncGenerator<CallEvent, void, undefined> {
  yield* conversation(parts);
  await parts.door.hangUp();
}

async function* conversation(parts: CallParts): AsyncGenerator<CallEvent, void, undefined> {
  const { door, caller } = parts;
  const firstMessage = (await door.connect()) ?? parts.firstMessage;
  const history = new History(dashboardPrompt, firstMessage);
  yield { type: 'assistant', text: firstMessage, cut: false };
  let line = await caller.answer(firstMessage);
  let goesOn = false;
  for (let turn = 1; turn <= turnsMax; turn += 1) {
    if (line.say === undefined) return yield { type: 'over', by: 'caller' };
    yield { type: 'caller', text: line.say };
    if (goesOn) history.userGoesOn(line.say);
    else history.user(line.say);

    const { toolCalls, violations, ...answer } = await door.ask(history, line);
    const text = heard(answer.text, line);
    for (const problem of violations) yield { type: 'violation', turn, problem };
    const cut = line.hangUp === true || line.interrupt !== undefined;
    if (text !== '' || answer.firstWordMs !== undefined) {
      yield { type: 'assistant', text, turn, firstWordMs: answer.firstWordMs, cut };
    }
    if (line.hangUp) return yield { type: 'over', by: 'caller' };
    history.assistant(text);
    // A caller who cuts in does so before the tool of an answer takes effect at Vapi.
    goesOn = line.interrupt?.afterWords === 0;
    if (line.interrupt) {
      line = { say: line.interrupt.say };
      continue;
    }
    for (const { name, arguments: args } of toolCalls) yield { type: 'tool-call', name, arguments: args };
    if (toolCalls.some(({ name }) => endingTools.has(name))) return yield { type: 'over', by: 'assistant' };
    line = await caller.answer(answer.text);
  }
  yield { type: 'over', by: 'limit' };
}

/** An answer streams faster than it is spoken: even one that came whole was heard only up to the interruption. */
function heard(text: string, { hangUp, interrupt }: CallerLine): string {
  if (hangUp) return '';
  return interrupt ? firstWords(text, interrupt.afterWords) : text;
}
