import { type Deed, slipOf } from './argument-slips.ts';
import type { CallView } from './call-view.ts';
import type { Utterance } from './claim.ts';
import type { Dice } from './dice.ts';
import type { Phrasing } from './phrasing.ts';

/** What the model is about to do wrong in one pass. */
export interface CarelessPlan {
  language?: string;
  says?: Phrasing;
  /** Words that are ready; whoever plans them knows what they claim. */
  utterance?: Utterance;
  /** Whether the values are those the model was told. */
  right?: boolean;
  /** Digits and abbreviations. */
  figures?: boolean;
  /** Where the words stand when a tool is called too. */
  place?: 'before' | 'behind';
  deeds?: Deed[];
  /** Hangs up behind it. */
  ends?: boolean;
  /** Something that is not meant for the ear comes along. */
  leak?: Leak;
}

export type Leak = 'think' | 'thought' | 'channel' | 'tool as text' | 'tool as tag';
export const leaks: readonly Leak[] = ['think', 'thought', 'channel', 'tool as text', 'tool as tag'];

/**
 * What the model does when nobody directs it: often the right thing, less often a word too many around it, now and
 * then something that is not so instead of it.
 *
 * @param right what a careful model would do here
 */
export function ownPlan(
  view: CallView,
  dice: Dice,
  {
    right,
    phrasings,
  }: { right: { deed: Deed | undefined; says: Utterance | undefined }; phrasings: readonly Phrasing[] },
): CarelessPlan {
  const fitting = phrasings.filter(({ step }) => step === view.step);
  const says = fitting.length === 0 ? undefined : dice.pick(fitting);
  const throwOf = dice.next();
  const manner = { right: dice.chance(0.4), figures: dice.chance(0.25) };
  const careful = {
    ...(right.deed === undefined ? {} : { deeds: [right.deed] }),
    ...(right.says === undefined ? {} : { utterance: right.says }),
  };
  if (says === undefined || throwOf < 0.4) return careful;
  if (throwOf < 0.65 || right.deed === undefined) return { says, ...manner, ends: says.slip === 'goodbye' };
  if (throwOf < 0.8)
    return { says, ...manner, place: dice.pick(['before', 'behind'] as const), deeds: [right.deed] };
  if (throwOf < 0.95) return { deeds: slipOf(right.deed, view, dice).deeds };
  return { ...careful, leak: dice.pick(leaks) };
}
