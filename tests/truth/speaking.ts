import type { CallView } from '#model/careless/call-view.ts';
import type { Dice } from '#model/careless/dice.ts';
import type { Somebody } from '#model/careless/imagined.ts';
import type { CarelessPlan } from '#model/careless/own-plan.ts';
import type { Phrasing } from '#model/careless/phrasing.ts';
import type { CallLedger } from './ledger.ts';

/** What may change in the ledger by what the caller said, whatever the model does. */
export interface Wish {
  /** Slots that may be held after it. */
  hold: string[];
  book: boolean;
  cancel: boolean;
  move: boolean;
  /** The caller agreed to what is held: the call may not end over it. */
  agreed: boolean;
}

export interface TurnPlan {
  kind: string;
  caller: string;
  plan: CarelessPlan;
  wish: Wish;
  /** Days the caller has named. */
  dates: string[];
  /** The phrasing's own step, where the model was given one. */
  step?: string;
}

/**
 * What a run is about: everything; only what the model does against the caller's word; or only ids that name nothing.
 */
export type Manner = 'everything' | 'choices' | 'ids';

export interface Speaking {
  manner: Manner;
  view: CallView;
  now: CallLedger;
  language: string;
  /** The caller's own. */
  name: string;
  phrasings: readonly Phrasing[];
  somebodies: readonly Somebody[];
  dice: Dice;
}

/** The caller asked for nothing that the ledger would show. */
export const nothing: Wish = { hold: [], book: false, cancel: false, move: false, agreed: false };
