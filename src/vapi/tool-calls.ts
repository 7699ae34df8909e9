import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { ToolRequest, ToolsRun } from '#conversation/tool-calls.ts';
import type { Directory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';
import type { Log } from '#telemetry/log.ts';
import type { createAuthentication } from './authentication.ts';
import { callerNumber, identified, lenient, numbered, text } from './wire.ts';

export interface ToolCallsParts {
  authenticate: ReturnType<typeof createAuthentication>;
  directory: Directory;
  runTools: (request: ToolRequest) => Promise<ToolsRun>;
  log: Log;
}

/** Bodies echo the tools' definitions and, in a squad, every assistant. */
const bodyLimitBytes = 5 * 1024 * 1024;

/**
 * The tool server's door: Vapi's own model called our tools and wants their results. An authenticated body is always
 * answered 200, because Vapi ignores every other status completely, and then the model sees no result at all.
 */
export function toolCalls(app: FastifyInstance, parts: ToolCallsParts): void {
  app.post<{ Body: Buffer }>(
    '/tools/booking-handler',
    { bodyLimit: bodyLimitBytes },
    async (request, reply) => {
      const who = parts.authenticate(request.headers);
      if (!who.allowed) return reply.code(401).send({ error: 'the secret is missing or wrong' });
      const read = readToolMessage(request.body ?? Buffer.alloc(0));
      if (!read.ok) return reply.code(400).send({ error: read.problem });
      const organization = who.organization ?? parts.directory.called(read.message.addresses);
      return reply.send({ results: await results(parts, read.message, organization) });
    },
  );
}

type Result = { toolCallId: string; name: string } & ({ result: string } | { error: string });

async function results(
  { runTools, log }: ToolCallsParts,
  { callSid, caller, calls }: ToolMessage,
  organization: Organization | undefined,
): Promise<Result[]> {
  const named = calls.map(({ id, name }) => ({ toolCallId: id, name }));
  if (organization === undefined || callSid === undefined) {
    const error =
      callSid === undefined ? 'the message names no call' : 'the call is for an organization nobody knows';
    log.warn({ problem: error }, 'tool calls were not run');
    return named.map((one) => ({ ...one, error }));
  }
  const run = await runTools({ organization, callSid, caller, calls, now: new Date() });
  return named.map((one, index) => {
    const result = run[index];
    return result === undefined
      ? { ...one, error: 'the calendar cannot be reached right now' }
      : // A result must be one line; JSON without indentation is.
        { ...one, result: JSON.stringify(result) };
  });
}

interface ToolMessage {
  callSid: string | undefined;
  caller: string | null;
  addresses: {
    assistantId: string | undefined;
    phoneNumberId: string | undefined;
    dialled: string | undefined;
  };
  calls: { id: string; name: string; arguments: unknown }[];
}

/** Reads a `tool-calls` message in any of the four shapes that are in circulation (reference: Vapi's documentation). */
function readToolMessage(body: Buffer): { ok: true; message: ToolMessage } | { ok: false; problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    return { ok: false, problem: 'the body is not JSON; send a Vapi server message' };
  }
  const read = envelope.safeParse(json);
  if (!read.success) return { ok: false, problem: 'the body has no "message"; send a Vapi server message' };
  const {
    toolCallList,
    toolCalls: plain,
    toolWithToolCallList,
    call,
    customer,
    phoneNumber,
    assistant,
  } = read.data.message;
  const lists = [toolCallList, plain, toolWithToolCallList?.map((one) => one?.toolCall ?? one)];
  const calls = lists.find((list) => list !== undefined && list.length > 0) ?? [];
  return {
    ok: true,
    message: {
      callSid: call?.id,
      caller: callerNumber(customer?.number ?? call?.customer?.number),
      addresses: {
        assistantId: call?.assistantId ?? assistant?.id,
        phoneNumberId: call?.phoneNumberId ?? phoneNumber?.id,
        dialled: phoneNumber?.number ?? call?.phoneNumber?.number,
      },
      calls: calls.flatMap((one) => (one === undefined ? [] : [normalised(one)])),
    },
  };
}

const wireCall = z.object({
  id: text,
  name: text,
  arguments: z.unknown().optional(),
  parameters: z.unknown().optional(),
  function: lenient(
    z.object({ name: text, arguments: z.unknown().optional(), parameters: z.unknown().optional() }),
  ),
});
const wireCalls = lenient(z.array(lenient(wireCall)));

const envelope = z.object({
  message: z.object({
    toolCallList: wireCalls,
    toolCalls: wireCalls,
    toolWithToolCallList: lenient(z.array(lenient(wireCall.extend({ toolCall: lenient(wireCall) })))),
    assistant: identified,
    customer: numbered,
    phoneNumber: numbered,
    call: lenient(
      z.object({
        id: text,
        assistantId: text,
        phoneNumberId: text,
        customer: numbered,
        phoneNumber: numbered,
      }),
    ),
  }),
});

function normalised(call: z.infer<typeof wireCall>): ToolMessage['calls'][number] {
  const given =
    call.function?.arguments ?? call.function?.parameters ?? call.arguments ?? call.parameters ?? {};
  return {
    id: call.id ?? '',
    name: call.function?.name ?? call.name ?? '',
    // Text that is no JSON stays text: the tool's schema refuses it with a reason.
    arguments: typeof given === 'string' ? parsed(given) : given,
  };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json || '{}');
  } catch {
    return json;
  }
}
