import { spokenAppointment } from '#tools/offering.ts';
import type { ToolContext } from '#tools/tool.ts';
import { say, type TurnEvent, type TurnParts } from './turn-events.ts';

/**
 * What is said to a caller who has been silent for a while: a question from the templates, about the hold if there is
 * one. No model is asked, and the silence is no word of the caller's: it confirms nothing.
 */
export function* nudge(
  { prompts }: TurnParts,
  { organization, language, now, facts }: ToolContext,
): Generator<TurnEvent> {
  const { hold } = facts;
  // Whose hold of an earlier call it is, the caller has to say first.
  const slot =
    hold === null || hold.fromEarlierCall ? null : spokenAppointment({ organization, language, now }, hold);
  yield say(prompts.speak('still-there', language, { slot }));
  yield { type: 'finished', reason: 'stop' };
}
