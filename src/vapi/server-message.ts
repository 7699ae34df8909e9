import { z } from 'zod';
import { aboutCall, type CallReference, jsonOf, lenient, readCallReference, text } from './wire.ts';

/** What a message to Vapi's server URL asks of us, whatever Vapi calls it. */
export type ServerMessage = CallReference &
  (
    | { kind: 'tool-calls'; calls: WireToolCall[] }
    /** The older form with one call and another answer. */
    | { kind: 'function-call'; calls: WireToolCall[] }
    | { kind: 'assistant-request' }
    | { kind: 'call-started' }
    | { kind: 'call-ended'; reason: string | null }
    | { kind: 'caller-speech'; speaking: boolean }
    | { kind: 'transfer-destination-request' }
    | { kind: 'handoff-destination-request' }
    | { kind: 'knowledge-base-request' }
    | { kind: 'endpointing-request' }
    | { kind: 'voice-request' }
    /** Nothing to do. */
    | { kind: 'notice' }
  );

export interface WireToolCall {
  id: string;
  name: string;
  /** As it came; text that is no JSON stays text, and the tool's schema refuses it with a reason. */
  arguments: unknown;
}

export type ServerMessageOrProblem = { ok: true; message: ServerMessage } | { ok: false; problem: string };

/** Reads a body sent to the server URL. Refused only when it is no JSON object with a `message` in it. */
export function readServerMessage(body: Buffer): ServerMessageOrProblem {
  const json = jsonOf(body);
  if (json === undefined)
    return { ok: false, problem: 'the body is not JSON, or nested too deeply; send a Vapi server message' };
  const read = envelope.safeParse(json);
  if (!read.success) return { ok: false, problem: 'the body has no "message"; send a Vapi server message' };
  const { message } = read.data;
  return { ok: true, message: { ...readCallReference(message), ...kindOf(message) } };
}

type Kind = ServerMessage extends infer M
  ? M extends CallReference
    ? Omit<M, keyof CallReference>
    : never
  : never;

function kindOf(message: z.infer<typeof wireMessage>): Kind {
  const calls = toolCallsOf(message);
  switch (message.type) {
    case 'tool-calls':
      return { kind: 'tool-calls', calls };
    case 'function-call': {
      const { name, parameters } = message.functionCall ?? {};
      return {
        kind: 'function-call',
        calls: [{ id: '', name: name ?? '', arguments: readable(parameters) }],
      };
    }
    case 'assistant-request':
    case 'transfer-destination-request':
    case 'handoff-destination-request':
    case 'knowledge-base-request':
    case 'voice-request':
      return { kind: message.type };
    case 'call.endpointing.request':
      return { kind: 'endpointing-request' };
    case 'assistant.started':
      return { kind: 'call-started' };
    case 'end-of-call-report':
      return { kind: 'call-ended', reason: message.endedReason ?? null };
    case 'status-update':
      if (message.status === 'ended') return { kind: 'call-ended', reason: message.endedReason ?? null };
      return { kind: startingStatuses.has(message.status ?? '') ? 'call-started' : 'notice' };
    case 'speech-update':
      if (message.role !== 'user') return { kind: 'notice' };
      return { kind: 'caller-speech', speaking: message.status === 'started' };
    default:
      // Some documentation shows tool calls without any type.
      return message.type === undefined && calls.length > 0
        ? { kind: 'tool-calls', calls }
        : { kind: 'notice' };
  }
}

const startingStatuses = new Set(['queued', 'ringing', 'in-progress']);

const callFields = {
  id: text,
  name: text,
  arguments: z.unknown().optional(),
  parameters: z.unknown().optional(),
  function: lenient(
    z.object({ name: text, arguments: z.unknown().optional(), parameters: z.unknown().optional() }),
  ),
};
const wireCall = z.object(callFields);
const wireCalls = lenient(z.array(lenient(wireCall)));
const wrapped = z.object({ ...callFields, toolCall: lenient(wireCall) });

const wireMessage = z.object({
  ...aboutCall,
  type: text,
  status: text,
  role: text,
  /** A word of Vapi's own list; anything longer is not one. */
  endedReason: lenient(z.string().min(1).max(200)),
  functionCall: lenient(z.object({ name: text, parameters: z.unknown().optional() })),
  toolCallList: wireCalls,
  toolCalls: wireCalls,
  toolWithToolCallList: lenient(z.array(lenient(wrapped))),
});

const envelope = z.object({ message: wireMessage });

/** The calls of a message, in any of the four shapes that are in circulation; the first list that is not empty. */
function toolCallsOf({
  toolCallList,
  toolCalls,
  toolWithToolCallList,
}: z.infer<typeof wireMessage>): WireToolCall[] {
  const unwrapped = toolWithToolCallList?.map((one) => {
    if (one === undefined) return undefined;
    const { toolCall, ...wrapper } = one;
    return toolCall === undefined ? wrapper : { ...toolCall, name: nameOf(toolCall) || nameOf(wrapper) };
  });
  const lists = [toolCallList, toolCalls, unwrapped];
  const calls = lists.find((list) => list !== undefined && list.length > 0) ?? [];
  return calls.flatMap((call) => (call === undefined ? [] : [normalised(call)]));
}

function normalised(call: z.infer<typeof wireCall>): WireToolCall {
  const { function: inner } = call;
  const given = inner?.arguments ?? inner?.parameters ?? call.arguments ?? call.parameters ?? {};
  return { id: call.id ?? '', name: nameOf(call), arguments: readable(given) };
}

function nameOf({
  name,
  function: inner,
}: {
  name?: string | undefined;
  function?: { name?: string | undefined } | undefined;
}): string {
  return inner?.name ?? name ?? '';
}

function readable(given: unknown): unknown {
  if (typeof given !== 'string') return given ?? {};
  try {
    return JSON.parse(given || '{}');
  } catch {
    return given;
  }
}
