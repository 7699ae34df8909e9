/**
 * What Holdline asks of a language model, whichever one it is: one stream of deltas for one pass.
 * The shapes of messages and tools are OpenAI's chat-completions ones, because that is what Vapi sends us.
 */
export interface LanguageModel {
  /** Shown in the log at start, e.g. `gpt-4.1 at api.openai.com` or `rehearsal`. */
  readonly name: string;
  /**
   * One pass over the conversation. Leaving the loop, or aborting `signal`, ends the request at the provider.
   * A fault (refused, cut off, unreadable, empty) throws a {@link ModelError}; deltas already given stay valid.
   */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelDelta>;
}

export interface ModelRequest {
  messages: ModelMessage[];
  tools: ModelTool[];
  temperature?: number;
  maxTokens?: number;
}

export type ModelMessage =
  | { role: 'system'; content: string }
  | { role: 'user'; content: string }
  | { role: 'assistant'; content: string | null; tool_calls?: ModelToolCall[] }
  | { role: 'tool'; tool_call_id: string; content: string };

export interface ModelToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

export interface ModelTool {
  type: 'function';
  function: { name: string; description?: string; parameters?: Record<string, unknown>; strict?: boolean };
}

/**
 * `text`: words to be spoken; what came together is one delta. `tool-call`: a call that is closed (the next call, a
 * finish or the end followed) and whose arguments parse as a JSON object. `finish`: the last delta of a pass that went
 * well.
 */
export type ModelDelta =
  | { type: 'text'; text: string }
  | { type: 'tool-call'; id: string; name: string; arguments: Record<string, unknown> }
  | { type: 'finish'; reason: 'stop' | 'tool_calls' | 'length' };

/** The model did not give an answer that can be used. `kind` says why, without any of the caller's words. */
export class ModelError extends Error {
  override name = 'ModelError';
  readonly kind: 'refused' | 'unreachable' | 'late' | 'cut-off' | 'unreadable' | 'empty';

  constructor(kind: ModelError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
