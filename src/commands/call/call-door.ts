import type { CallerLine } from './caller.ts';
import type { TurnAnswer } from './frames.ts';
import type { History } from './history.ts';

/** A voice platform's side of one call, as far as a server can tell the difference. */
export interface CallDoor extends AsyncDisposable {
  /** Puts the call through. Gives what the caller is greeted with, or nothing where the platform greets by itself. */
  connect(): Promise<string | undefined>;
  /**
   * Sends what the caller said last and reads the answer; where the line is cut, no further than that.
   *
   * @param history with the caller's words at its end
   * @throws CallProblem when the server cannot be reached, refuses, or does not answer as the platform needs it to
   */
  ask(history: History, line: CallerLine): Promise<TurnAnswer>;
  /** The call is over, as the platform says it. */
  hangUp(): Promise<void>;
}

export const doorNames = ['vapi', 'retell', 'twilio'] as const;
export type DoorName = (typeof doorNames)[number];

/** Words heard before the line is cut; nothing where it is not. */
export function wordsBeforeCut({ hangUp, interrupt }: CallerLine): number | undefined {
  return hangUp ? 0 : interrupt?.afterWords;
}

export function wordCount(text: string): number {
  return text.trim() === '' ? 0 : text.trim().split(/\s+/).length;
}
