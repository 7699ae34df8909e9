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
  stream(request: ModelRequest, signal: AbortSignal): DeltaStream;
}

/** Deltas, one after another; or, as long as nothing but words comes, poured out as they come. */
export interface DeltaStream extends AsyncIterable<ModelDelta> {
  [Symbol.asyncIterator](): DeltaIterator;
}

export interface DeltaIterator extends AsyncIterator<ModelDelta> {
  /**
   * Gives the words that come to `listener` without a step of the reader for each, and those that came together as one.
   * Resolves when something else comes, or the stream ends or breaks off: then `next` says what. Absent where a model
   * has nothing to gain by it.
   */
  pour?(listener: WordListener): Promise<void>;
}

export interface WordListener {
  /** @returns whether more is wanted at once */
  words(delta: Words): boolean;
  /** Resolves when more is wanted again. */
  ready(): Promise<unknown>;
}

export type Words = Extract<ModelDelta, { type: 'text' }>;

export interface ModelRequest {
  messages: ModelMessage[];
  tools: ModelTool[];
  temperature?: number;
  maxTokens?: number;
}

export type ModelMessage =
  /** `parts`, where they are given, make the content, an empty line between them; some come in every request. */
  | { role: 'system'; content: string; parts?: readonly string[] }
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
 * `text`: words to be spoken, those that came together as one; `contents`, where it is given, are the same words as
 * the bytes (held as latin1) that stand between the quotation marks of JSON strings, one for each chunk. `tool-call`: a call that is closed (the next call, a finish or the
 * end followed) and whose arguments parse as a JSON object. `finish`: last delta of a pass that went well.
 */
export type ModelDelta =
  | { type: 'text'; text: string; contents?: readonly string[] }
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
