import type { ModelMessage, ModelTool } from '#model/language-model.ts';
import type { Organization } from '#organization/organization.ts';
import type { ToolRun } from '#tools/tool.ts';
import type { SpokenWords } from './speech.ts';

/** One thing that was said or done so far, and a tool the platform brought, in OpenAI's shapes. */
export type HistoryMessage = ModelMessage;
export type PlatformTool = ModelTool;

/** The caller stopped speaking. Everything a door knows about it, in no platform's own form. */
export interface TurnRequest {
  organization: Organization;
  callSid: string;
  /** E.164, or `null` when withheld. */
  caller: string | null;
  /** What was said so far, without system messages. */
  history: HistoryMessage[];
  dashboardPrompt: string | null;
  /** Tools the platform itself executes, e.g. `endCall`; no other one is ever handed to it. */
  platformTools: PlatformTool[];
  /** The caller has said nothing for a while, and the platform asks what to say now. */
  silent?: boolean;
  /** When the platform sent the request, by its own clock; `null` when it does not say. */
  requestedAt: Date | null;
  /** How to speak to the caller between turns, where the platform lets us. */
  line: SpeakingLine | null;
  now: Date;
  /** When the request came, by `performance.now()`, where the door has done work of its own before the turn. */
  arrivedAtMs?: number;
}

/** A way to speak to the caller between turns, which some platforms give for the time of a call. */
export interface SpeakingLine {
  /** Resolves when the platform took the words; that they were heard, nobody can promise. */
  say(text: SpokenWords): Promise<void>;
}

/** What a turn does, in order, as plain values. A door writes it in its own wire format and calls nothing back. */
export type TurnEvent =
  /** Words for the caller's ear. A model's come as it sends them, not sentence by sentence. */
  | { type: 'say'; text: SpokenWords }
  | { type: 'tool-started'; id: string; name: string; arguments: Record<string, unknown> }
  | { type: 'tool-finished'; id: string; name: string; result: ToolRun['result']; durationMs: number }
  /** From here on another language is spoken, for the rest of the call. */
  | { type: 'language'; language: string }
  /** A tool of the platform's own: the platform executes it after the words before it. */
  | { type: 'hand-off'; id: string; name: string; arguments: Record<string, unknown> }
  | { type: 'finished'; reason: 'stop' | 'tool_calls' };

export function say(text: SpokenWords): TurnEvent {
  return { type: 'say', text };
}
