import { spokenAppointment } from '#tools/offering.ts';
import type { ToolContext } from '#tools/tool.ts';
import { say, type TurnEvent } from './turn-events.ts';
import type { TurnParts } from './turn-parts.ts';

/**
 * What is said to a caller who has been silent for a while: a question from the templates, about the hold if there is
 * one. No model is asked, and the silence is no word of the caller's: it confirms nothing.
 */
export function* nudge({ prompts, spoken }: TurnParts, context: ToolContext): Generator<TurnEvent> {
  const { hold } = context.facts;
  // Whose hold of an earlier call it is, the caller has to say first.
  const held = hold === null || hold.fromEarlierCall ? null : spokenAppointment(context, hold);
  yield say(spoken(prompts.speak('still-there', context, { held }), 'template'));
  yield { type: 'finished', reason: 'stop' };
}
