import type { TruthDoorName } from './doors.ts';
import type { Manner } from './speaking.ts';
import type { Guard } from './world.ts';

/** What a truth run plays: how much, in which languages, at which doors, and by whose phrasings. */
export interface TruthPlan {
  turns: number;
  seed: number;
  languages: readonly string[];
  doors: readonly TruthDoorName[];
  truth: 'enforce' | 'watch';
  /** Whose phrasings; all there are if left out. */
  sets?: readonly string[];
  manner?: Manner;
  /** A guard of the product's that is taken away, to see whether the checker notices. */
  without?: Guard;
  progress(line: string): void;
  signal?: AbortSignal;
  /** Ends the run early; what was heard by then is judged. */
  withinMs?: number;
}
