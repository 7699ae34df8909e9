import { z } from 'zod';
import type { HistoryMessage, PlatformTool } from '#conversation/turn-events.ts';
import { aboutCall, type CallReference, jsonOf, lenient, readCallReference, text } from './wire.ts';

/** A custom-LLM request, read leniently: every field but `messages` may be missing, odd, or new. */
export interface ChatRequest extends CallReference {
  history: HistoryMessage[];
  dashboardPrompt: string | null;
  platformTools: PlatformTool[];
  /** When Vapi sent it, by Vapi's clock. */
  requestedAt: Date | null;
  /** Echoed in the answer. */
  model: string;
  stream: boolean;
}

export type ChatRequestOrProblem = { ok: true; request: ChatRequest } | { ok: false; problem: string };

/**
 * Reads a custom-LLM body. Refused only when it is no JSON object or has no list of messages; whatever else does
 * not fit is treated as absent, because a caller is waiting.
 */
export function readChatRequest(body: Buffer): ChatRequestOrProblem {
  const json = jsonOf(body);
  if (json === undefined) {
    return {
      ok: false,
      problem: 'the body is not JSON, or nested too deeply; send an OpenAI chat-completions request',
    };
  }
  const read = chatBody.safeParse(json);
  if (!read.success) {
    return {
      ok: false,
      problem: 'the body has no "messages" array; send an OpenAI chat-completions request',
    };
  }
  const { messages, tools, model, stream, timestamp } = read.data;
  const system = messages.find((message) => message.role === 'system');
  return {
    ok: true,
    request: {
      ...readCallReference(read.data),
      history: historyOf(messages),
      dashboardPrompt: system === undefined ? null : textOf(system.content) || null,
      platformTools: (tools ?? []).flatMap((tool) => (tool === undefined ? [] : [tool as PlatformTool])),
      requestedAt: instantOf(timestamp),
      model: model ?? 'holdline',
      stream: stream !== false,
    },
  };
}

const toolCall = z.object({
  id: z.string(),
  function: z.object({ name: z.string(), arguments: z.unknown().optional() }),
});

const message = z.object({
  role: z.string(),
  content: z.unknown().optional(),
  tool_call_id: text,
  tool_calls: lenient(z.array(lenient(toolCall))),
});

const tool = z.object({
  type: z.literal('function'),
  function: z.object({
    name: z.string(),
    description: text,
    parameters: lenient(z.record(z.string(), z.unknown())),
  }),
});

const chatBody = z.object({
  ...aboutCall,
  messages: z
    .array(message.or(z.unknown().transform(() => undefined)))
    .transform((list) => list.flatMap((one) => (one === undefined ? [] : [one]))),
  model: text,
  stream: z.unknown().optional(),
  timestamp: z.unknown().optional(),
  tools: lenient(z.array(lenient(tool))),
});

type WireMessage = z.infer<typeof message>;

/**
 * What was said, in a form every provider accepts: tool calls without an answer and answers without a call, which
 * some refuse, are left out. So is the second of two equal keypad entries in a row: the platform doubles them, and
 * one press is one turn of the caller.
 */
function historyOf(messages: WireMessage[]): HistoryMessage[] {
  const asked = new Set(messages.flatMap((one) => callsOf(one).map((call) => call.id)));
  const answered = new Set(messages.flatMap((one) => (one.role === 'tool' ? [one.tool_call_id] : [])));
  const history: HistoryMessage[] = [];
  for (const one of messages) {
    const content = textOf(one.content);
    if (one.role === 'user' && content !== '' && !doublesKeypad(history.at(-1), content)) {
      history.push({ role: 'user', content });
    }
    if (one.role === 'assistant') {
      const calls = callsOf(one).filter((call) => answered.has(call.id));
      if (calls.length > 0) history.push({ role: 'assistant', content: content || null, tool_calls: calls });
      else if (content !== '') history.push({ role: 'assistant', content });
    }
    if (one.role === 'tool' && one.tool_call_id !== undefined && asked.has(one.tool_call_id)) {
      history.push({ role: 'tool', tool_call_id: one.tool_call_id, content });
    }
  }
  return history;
}

function doublesKeypad(last: HistoryMessage | undefined, content: string): boolean {
  return last?.role === 'user' && last.content === content && /^user['’]s keypad entry:/i.test(content);
}

function callsOf({ tool_calls }: WireMessage) {
  return (tool_calls ?? []).flatMap((call) => {
    if (call === undefined) return [];
    const { name, arguments: given } = call.function;
    const args = typeof given === 'string' ? given : JSON.stringify(given ?? {});
    return [{ id: call.id, type: 'function' as const, function: { name, arguments: args } }];
  });
}

/** Content comes as a string, as null, or as parts of which only text is words. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content.trim();
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) => textPart.safeParse(part))
    .flatMap((part) => (part.success ? [part.data.text] : []))
    .join(' ')
    .trim();
}

const textPart = z.object({ type: z.literal('text'), text: z.string() });

/** Milliseconds since 1970, also broken ones, or ISO 8601; anything that is no time of our days is nothing. */
function instantOf(timestamp: unknown): Date | null {
  if (typeof timestamp !== 'number' && typeof timestamp !== 'string') return null;
  const at = new Date(timestamp);
  const year = at.getUTCFullYear();
  return year >= 2020 && year < 2200 ? at : null;
}
