import type { ChatCompletionCreateParamsStreaming } from 'openai/resources';
import type { ModelMessage, ModelRequest, ModelTool } from './language-model.ts';

/**
 * Writes requests in the form of the `openai` package's types. What is the same from request to request, the long parts
 * of the system message and our own tools, is written once and copied from then on.
 *
 * @returns the body's bytes
 */
export function createRequestBodies(model: string): (request: ModelRequest) => Buffer {
  const kept = new KeptLiterals();
  const head = `{"model":${bytesOf(JSON.stringify(model))},"stream":true,"messages":[`;
  return ({ messages, tools, temperature, maxTokens }) => {
    const rest: Partial<ChatCompletionCreateParamsStreaming> = {
      ...(temperature === undefined ? {} : { temperature }),
      ...(maxTokens === undefined ? {} : { max_completion_tokens: maxTokens }),
    };
    const said = messages.map((message) => messageJson(message, kept)).join(',');
    const called = tools.length === 0 ? '' : `,"tools":[${tools.map((tool) => kept.tool(tool)).join(',')}]`;
    const more = JSON.stringify(rest).slice(1, -1);
    return Buffer.from(`${head}${said}]${called}${more === '' ? '' : `,${more}`}}`, 'latin1');
  };
}

function messageJson(message: ModelMessage, kept: KeptLiterals): string {
  if (message.role !== 'system' || message.parts === undefined) {
    const wire: ChatCompletionCreateParamsStreaming['messages'][number] = message;
    return bytesOf(JSON.stringify(wire));
  }
  // The last part is the call's own and hardly comes again: kept, it would only push out what does.
  const own = message.parts.length - 1;
  const written = message.parts.map((part, at) => (at < own ? kept.inside(part) : insideOf(part)));
  return `{"role":"system","content":"${written.join('\\n\\n')}"}`;
}

/** Shorter texts are written faster than they are found. */
const keptCharsMin = 200;
/** In each of two generations: an organization has a few, and those that are asked for stay. */
const keptMax = 500;

/** JSON of texts and tools that come again, as bytes held as latin1. */
class KeptLiterals {
  #recent = new Map<string, string>();
  #older = new Map<string, string>();
  readonly #tools = new WeakMap<ModelTool, string>();

  /** What stands between the quotation marks of a text's JSON. */
  inside(text: string): string {
    if (text.length < keptCharsMin) return insideOf(text);
    const recent = this.#recent.get(text);
    if (recent !== undefined) return recent;
    const literal = this.#older.get(text) ?? insideOf(text);
    this.#recent.set(text, literal);
    if (this.#recent.size >= keptMax) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    return literal;
  }

  /** A tool that cannot change any more is written once. */
  tool(tool: ModelTool): string {
    if (!Object.isFrozen(tool)) return bytesOf(JSON.stringify(tool));
    const known = this.#tools.get(tool) ?? bytesOf(JSON.stringify(tool));
    this.#tools.set(tool, known);
    return known;
  }
}

function insideOf(text: string): string {
  return bytesOf(JSON.stringify(text).slice(1, -1));
}

/** A text's bytes, one character for each. */
function bytesOf(text: string): string {
  return /[\u0080-\uffff]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}
