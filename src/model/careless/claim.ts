import type { ClaimKind } from './phrasing.ts';

/** What must be so for a sentence to be true, with concrete values; one that is absent was not said. */
export interface Claim {
  is: ClaimKind;
  /** ISO date of the clinic's calendar. */
  date?: string;
  /** Since the clinic's midnight; each of them. */
  minutes?: number[];
  /** As the prompt names them. */
  practitioner?: string;
  name?: string;
  /** E.164. */
  phone?: string;
  fromMinute?: number;
  toMinute?: number;
  /** `monday`, where the words name a weekday and no date. */
  weekday?: string;
  /** The words are in the clinic's own text. */
  true?: boolean;
}

/** What the model said in one go, and what it claims by it. */
export interface Utterance {
  text: string;
  /** The part that carries the claims. */
  words: string;
  /** The words of that part around the values, for a door that says a value in another way. */
  around: string[];
  claims: Claim[];
  language: string;
  /** What kind of slip it is. */
  slip: string;
}
