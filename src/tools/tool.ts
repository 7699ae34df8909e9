import type { z } from 'zod';
import type { CallKey, CallSnapshot } from '#booking/calls.ts';
import type { Languages } from '#language/languages.ts';
import type { Organization } from '#organization/organization.ts';

/** Something the model may do. Its schema checks the arguments and is what the model is shown. */
export interface Tool<Arguments extends z.ZodType = z.ZodType> {
  name: string;
  description: string;
  arguments: Arguments;
  /**
   * Does what was asked. The turn starts it only when its call is closed in the model's stream, one call after another,
   * and lets it run to its end even when the caller hangs up.
   */
  run(args: z.output<Arguments>, context: ToolContext): Promise<ToolRun>;
}

/** Who asks, and what is so in this call. Tools of one turn share it; what they bring about they `learn`. */
export interface ToolContext {
  organization: Organization;
  call: CallKey;
  /** As the ledger said it last. Only `learn` replaces it. */
  facts: CallSnapshot;
  now: Date;
  /** Language of what is spoken, e.g. `en`; changes when a tool is told that the caller speaks another one. */
  language: string;
  /** The words there are of it and of others. */
  languages: Languages;
  /** Messages of the caller in the history; `null` from a door without a history, where the voice rules rest. */
  userTurns: number | null;
  /** The turn's number; `null` where the platform decides which tool calls count. */
  turn: number | null;
}

/**
 * Replaces what is so in the call by what the ledger says after an operation. The turn stays the one that began: its
 * number, its beginning by the ledger's clock, and how much the caller had said.
 *
 * @param facts nothing where the operation changed nothing in the call
 */
export function learn(context: ToolContext, facts: CallSnapshot | null | undefined): void {
  if (facts === null || facts === undefined) return;
  const { turn, now, userTurns } = context.facts;
  context.facts = { ...facts, turn, now, userTurns };
}

export interface ToolRun {
  /** Told to the model and to the tool server's caller, as in the contract. */
  result: { success: boolean } & Record<string, unknown>;
  /** Said to the caller, in whole sentences. Empty: nobody is listening any more. */
  speech: string;
  /** What is still being written behind the speech. The call's next tool waits for it. */
  settled: Promise<void>;
}
