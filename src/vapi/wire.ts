import { z } from 'zod';
import type { HistoryMessage, PlatformTool } from '#conversation/turn.ts';
import type { Addresses } from '#organization/directory.ts';

/** A custom-LLM request, read leniently: every field but `messages` may be missing, odd, or new. */
export interface ChatRequest {
  callSid: string | undefined;
  caller: string | null;
  addresses: Addresses;
  history: HistoryMessage[];
  dashboardPrompt: string | null;
  platformTools: PlatformTool[];
  /** Echoed in the answer. */
  model: string;
  stream: boolean;
}

export type ReadChatRequest = { ok: true; request: ChatRequest } | { ok: false; problem: string };

/**
 * Reads a custom-LLM body. Refused only when it is no JSON object or has no list of messages; whatever else does
 * not fit is treated as absent, because a caller is waiting.
 */
export function readChatRequest(body: Buffer): ReadChatRequest {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    return { ok: false, problem: 'the body is not JSON; send an OpenAI chat-completions request' };
  }
  const read = chatBody.safeParse(json);
  if (!read.success) {
    return {
      ok: false,
      problem: 'the body has no "messages" array; send an OpenAI chat-completions request',
    };
  }
  const { messages, call, assistant, phoneNumber, customer, tools, model, stream } = read.data;
  const system = messages.find((message) => message.role === 'system');
  return {
    ok: true,
    request: {
      callSid: call?.id ?? call?.callId,
      caller: callerNumber(customer?.number ?? call?.customer?.number),
      addresses: {
        assistantId: call?.assistantId ?? call?.assistant?.id ?? assistant?.id,
        phoneNumberId: call?.phoneNumberId ?? phoneNumber?.id ?? call?.phoneNumber?.id,
        dialled: phoneNumber?.number ?? call?.phoneNumber?.number,
      },
      history: historyOf(messages),
      dashboardPrompt: system === undefined ? null : textOf(system.content) || null,
      platformTools: (tools ?? []).flatMap((tool) => (tool === undefined ? [] : [tool as PlatformTool])),
      model: model ?? 'holdline',
      stream: stream !== false,
    },
  };
}

/** Anything that does not fit is absent, not wrong. */
export const lenient = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined);

export const text = lenient(z.string().min(1));
export const numbered = lenient(z.object({ id: text, number: text }));
export const identified = lenient(z.object({ id: text }));

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
  messages: z
    .array(message.or(z.unknown().transform(() => undefined)))
    .transform((list) => list.flatMap((one) => (one === undefined ? [] : [one]))),
  model: text,
  stream: z.unknown().optional(),
  tools: lenient(z.array(lenient(tool))),
  assistant: identified,
  phoneNumber: numbered,
  customer: numbered,
  call: lenient(
    z.object({
      id: text,
      callId: text,
      assistantId: text,
      phoneNumberId: text,
      assistant: identified,
      phoneNumber: numbered,
      customer: numbered,
    }),
  ),
});

type WireMessage = z.infer<typeof message>;

/**
 * What was said, in a form every provider accepts: tool calls without an answer and answers without a call, which
 * some refuse, are left out.
 */
function historyOf(messages: WireMessage[]): HistoryMessage[] {
  const asked = new Set(messages.flatMap((one) => callsOf(one).map((call) => call.id)));
  const answered = new Set(messages.flatMap((one) => (one.role === 'tool' ? [one.tool_call_id] : [])));
  const history: HistoryMessage[] = [];
  for (const one of messages) {
    const content = textOf(one.content);
    if (one.role === 'user' && content !== '') history.push({ role: 'user', content });
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

/** Withheld numbers come as words ("anonymous"), as nothing, or as SIP names. */
export function callerNumber(given: string | undefined): string | null {
  return given !== undefined && /^\+\d{5,15}$/.test(given) ? given : null;
}
