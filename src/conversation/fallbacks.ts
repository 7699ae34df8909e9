import { defaultLanguage } from '#organization/organization.ts';
import { say, type TurnEvent, type TurnRequest } from './turn-events.ts';
import type { Turn, TurnParts } from './turn-parts.ts';
import { mayBeMistaken } from './turn-tools.ts';

/** After so many turns in a row without a model the caller gets what can be said without one. */
const failuresUntilMenu = 2;
/** After one more, a human if there is one. */
const failuresUntilHuman = 3;

/**
 * What is said when no model answered this turn: first a request to say it again, then a short menu of open times,
 * then a human. A sentence the model began is ended before that.
 *
 * @param heard what the caller has heard of this turn already
 */
export async function* withoutModel(
  { prompts, toolbox, spoken }: TurnParts,
  turn: Turn,
  heard: string,
): AsyncGenerator<TurnEvent> {
  const { request, context, live } = turn;
  live.memory.modelFailures += 1;
  const human = humanFor(request);
  const before = ending(heard);
  if (live.memory.modelFailures >= failuresUntilHuman && human !== undefined) {
    yield say(spoken(`${before}${prompts.speak('to-human', context, {})}`, 'template'));
    yield* transfer(human);
    return;
  }
  if (live.memory.modelFailures >= failuresUntilMenu) {
    live.memory.facts = undefined;
    const waits = mayBeMistaken(context.facts);
    const menu = await toolbox.openTimes(context, human !== undefined);
    live.track(menu.settled);
    if (waits) await menu.settled;
    yield say(spoken(`${before}${menu.speech}`, 'template'));
  } else {
    yield say(spoken(`${before}${prompts.speak('not-understood', context, {})}`, 'template'));
  }
  yield { type: 'finished', reason: 'stop' };
}

/** The ledger cannot be reached: an honest sentence, and a human if the platform can connect one. */
export function* apologise(
  { prompts, spoken, log }: TurnParts,
  request: TurnRequest,
  error: unknown,
): Generator<TurnEvent> {
  const { organization } = request;
  log.error({ err: error, organization: organization.key }, 'a turn could not be answered');
  const human = humanFor(request);
  const listener = { organization, language: defaultLanguage(organization) };
  yield say(spoken(prompts.speak('failed', listener, { human: human !== undefined }), 'template'));
  if (human === undefined) yield { type: 'finished', reason: 'stop' };
  else yield* transfer(human);
}

/** There is no room for another call: a human if the platform can connect one, else a request to call again. */
export function* turnAway({ prompts, spoken }: TurnParts, request: TurnRequest): Generator<TurnEvent> {
  const { organization } = request;
  const human = humanFor(request);
  const listener = { organization, language: defaultLanguage(organization) };
  yield say(spoken(prompts.speak('busy', listener, { human: human !== undefined }), 'template'));
  if (human === undefined) yield { type: 'finished', reason: 'stop' };
  else yield* transfer(human);
}

/** The human's number, if there is one and the platform brought the tool to connect them. */
function humanFor({ organization, platformTools }: TurnRequest): string | undefined {
  const brought = platformTools.some((tool) => tool.function.name === 'transferCall');
  return brought ? (organization.humanNumber ?? undefined) : undefined;
}

function* transfer(destination: string): Generator<TurnEvent> {
  yield { type: 'hand-off', id: 'call_transfer', name: 'transferCall', arguments: { destination } };
  yield { type: 'finished', reason: 'tool_calls' };
}

/** What ends a sentence that was broken off, so that the next one is heard as its own. */
function ending(heard: string): string {
  const words = heard.trimEnd();
  if (words === '') return '';
  return /[.!?…]$/.test(words) ? ' ' : '. ';
}
