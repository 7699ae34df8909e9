import { type ModelDelta, ModelError } from '#model/language-model.ts';
import { withoutModel } from './fallbacks.ts';
import { PendingAnswer } from './pending-answer.ts';
import { broughtTools, type Question } from './question.ts';
import { say, type TurnEvent } from './turn-events.ts';
import type { Turn, TurnParts } from './turn-parts.ts';
import { type OurCall, resultMessages, runTool } from './turn-tools.ts';

/** A second pass happens only when one pass called two of our tools; a third would only be a loop. */
const passesMax = 2;

/** The tools that one pass of the model called. */
interface Called {
  ours: OurCall[];
  /** One of the platform's was handed to it. */
  handedOff: boolean;
}

/** Speaks the model's words as they come, runs the tools it calls, and speaks their results. */
export async function* converse(parts: TurnParts, turn: Turn, question: Question): AsyncGenerator<TurnEvent> {
  const { stop, live, spans } = turn;
  const { messages, tools } = question;
  let { answer } = question;
  let heard = '';
  for (let pass = 1; ; pass += 1) {
    const called: Called = { ours: [], handedOff: false };
    try {
      for await (const delta of answer) {
        if (answer.firstDeltaMs !== undefined) spans.note('modelFirstToken', answer.firstDeltaMs);
        if (delta.type === 'text') {
          const words = parts.spoken(delta.text, 'model');
          heard += words;
          spans.spoke();
          yield say(words);
        } else if (delta.type === 'tool-call') yield* carryOut(parts, turn, delta, called);
      }
      if (heard.trim() === '' && isNothing(called))
        throw new ModelError('empty', 'the model gave nothing that can be said or done');
      live.memory.modelFailures = 0;
    } catch (error) {
      if (!(error instanceof ModelError) || stop.aborted) throw error;
      const { kind, message: problem } = error;
      parts.log.warn({ model: parts.model.name, kind, problem }, 'the model failed');
      // What a tool brought about is said even when the stream broke off behind it.
      if (isNothing(called)) {
        spans.spoke();
        yield* withoutModel(parts, turn, heard);
        return;
      }
    }
    if (called.ours.length > 1 && pass < passesMax) {
      messages.push(...resultMessages(called.ours));
      answer = new PendingAnswer(parts.model, { messages, tools }, stop);
      continue;
    }
    // A newer turn may have come while the last tool ran: what it did stands, and the newer turn says so.
    stop.throwIfAborted();
    yield* results(parts, turn, called, heard);
    return;
  }
}

/** Runs one of our tools, or hands one of its own to the platform. */
async function* carryOut(
  parts: TurnParts,
  turn: Turn,
  call: Extract<ModelDelta, { type: 'tool-call' }>,
  called: Called,
): AsyncGenerator<TurnEvent> {
  if (parts.toolbox.has(call.name)) {
    called.ours.push({ call, run: yield* runTool(parts, turn, call) });
  } else if (broughtTools(parts.toolbox, turn.request).some((tool) => tool.function.name === call.name)) {
    called.handedOff = true;
    yield { type: 'hand-off', id: call.id, name: call.name, arguments: call.arguments };
  } else {
    parts.log.warn({ model: parts.model.name }, 'the model called a tool that nobody brought');
  }
}

/** Says what our tools brought about, behind what was heard by then, and ends the turn. */
function* results(
  { spoken }: TurnParts,
  { spans }: Turn,
  { ours, handedOff }: Called,
  heard: string,
): Generator<TurnEvent> {
  const speech = ours.map(({ run }) => run.speech).join(' ');
  if (speech !== '') {
    spans.spoke();
    yield say(spoken(heard.trim() === '' ? speech : ` ${speech}`, 'template'));
  }
  yield { type: 'finished', reason: handedOff ? 'tool_calls' : 'stop' };
}

function isNothing({ ours, handedOff }: Called): boolean {
  return ours.length === 0 && !handedOff;
}
