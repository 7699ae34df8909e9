import type { ModelTool } from '#model/language-model.ts';
import type { CallState } from './call-state.ts';

/** What the rehearsal model hears: the call's state beside the words of the caller and the tools it was given. */
export interface Hearing extends CallState {
  /** The caller's last words, and all before them, oldest first. */
  words: string;
  earlierWords: string[];
  callerSpokeLast: boolean;
  /** What the assistant said last, as it was heard. */
  assistantWords: string;
  /** Content of a tool message at the end of the history: a second pass. */
  toolResult: string | undefined;
  tools: ModelTool[];
}

/** Words to speak, a tool to call, or first the one and then the other. */
export interface RehearsedAnswer {
  say?: string;
  call?: { name: string; arguments: Record<string, unknown> };
}

/** A day, and what else was said about it, in the caller's words. */
export interface Wish {
  date: string;
  time?: string;
  practitioner?: string;
}
