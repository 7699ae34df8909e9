import type { TurnLedger } from '#booking/turns.ts';
import type { Languages } from '#language/languages.ts';
import type { LanguageModel, ModelMessage, ModelTool } from '#model/language-model.ts';
import type { Organization } from '#organization/organization.ts';
import type { Prompts } from '#prompts/templates.ts';
import type { Log } from '#telemetry/log.ts';
import type { ToolContext, ToolRun } from '#tools/tool.ts';
import type { Toolbox } from '#tools/toolbox.ts';
import type { Admission } from './admission.ts';
import type { CallLife } from './call-life.ts';
import type { HoldWatch, SpeakingLine } from './hold-watch.ts';
import type { LiveCalls, LiveTurn } from './live-calls.ts';
import type { PromptParts, SystemPrompt } from './prompt.ts';
import type { TurnSpans } from './spans.ts';
import type { TellCall } from './tell-call.ts';

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

/** What a turn does, in order. A door writes it in its own wire format and calls nothing back. */
export type TurnEvent =
  /** `contents`, where it is given, are the same words as the model's chunks held them (`ModelDelta`). */
  | { type: 'say'; text: string; contents?: readonly string[] }
  /**
   * Words follow, and a door that asks for it gets them as they come, without a step of the turn for each; they go on
   * for as long as the promise takes. A door that does not ask gets them as `say` like any others.
   */
  | { type: 'flow'; flow(to: SpeechListener): Promise<void> }
  | { type: 'tool-started'; id: string; name: string; arguments: Record<string, unknown> }
  | { type: 'tool-finished'; id: string; name: string; result: ToolRun['result']; durationMs: number }
  /** From here on another language is spoken, for the rest of the call. */
  | { type: 'language'; language: string }
  /** A tool of the platform's own: the platform executes it after the words before it. */
  | { type: 'hand-off'; id: string; name: string; arguments: Record<string, unknown> }
  | { type: 'finished'; reason: 'stop' | 'tool_calls' };

export type Said = Extract<TurnEvent, { type: 'say' }>;

export interface SpeechListener {
  /** @returns whether more can be taken at once */
  said(speech: Said): boolean;
  /** Resolves when more can be taken again. */
  ready(): Promise<unknown>;
}

/** What turns are made with; the same for all. */
export interface TurnParts {
  admission: Admission;
  callLife: Pick<CallLife, 'firstTurn'>;
  turns: TurnLedger;
  model: LanguageModel;
  toolbox: Toolbox;
  languages: Languages;
  prompts: Prompts;
  systemPrompt: (parts: PromptParts) => SystemPrompt;
  liveCalls: LiveCalls;
  holdWatch: HoldWatch;
  tellCall: TellCall;
  log: Log;
}

/** A turn that has begun. */
export interface Turn {
  request: TurnRequest;
  context: ToolContext;
  live: LiveTurn;
  stop: AbortSignal;
  spans: TurnSpans;
  /** What the latest tool of this turn still writes. The next one waits for it: their order is the ledger's. */
  settled: Promise<void>;
}

/** Every spoken sentence passes here, so that it can be held against the ledger before it is heard. */
export function say(text: string, contents?: readonly string[]): Said {
  return contents === undefined ? { type: 'say', text } : { type: 'say', text, contents };
}
