import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Conversation } from '#conversation/conversation.ts';
import { answerError } from '#http/error-answer.ts';
import type { Directory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';
import type { Authenticate } from './authentication.ts';
import { readServerMessage, type ServerMessage } from './server-message.ts';
import { answerToolCalls, type ToolCallsParts } from './tool-call-answers.ts';

export interface ServerUrlParts
  extends ToolCallsParts,
    Pick<Conversation, 'callLife' | 'callerSpeech' | 'speak'> {
  authenticate: Authenticate;
  directory: Directory;
  /** The answer to "which assistant?", or nothing where there is none to name. */
  assistantFor: (organization: Organization, now: Date) => object | undefined;
}

/** Bodies echo the tools' definitions and, in a squad, every assistant; reports carry the whole call. */
const bodyLimitBytes = 5 * 1024 * 1024;

/**
 * The server-URL doors: `/vapi/events` takes every message, `/tools/booking-handler` tools alone. An authenticated
 * message is answered 200, because Vapi ignores every other status completely and its model then sees no result.
 * The one exception: a call's end that could not be noted is a 503, so that it is sent again.
 */
export function serverUrlDoors(app: FastifyInstance, parts: ServerUrlParts): void {
  app.post<{ Body: Buffer }>('/vapi/events', { bodyLimit: bodyLimitBytes }, (request, reply) =>
    receive(parts, request, reply, (message, organization) => answer(parts, message, organization)),
  );
  app.post<{ Body: Buffer }>('/tools/booking-handler', { bodyLimit: bodyLimitBytes }, (request, reply) =>
    receive(parts, request, reply, async (message, organization) =>
      message.kind === 'tool-calls' || message.kind === 'function-call'
        ? answer(parts, message, organization)
        : { results: [] },
    ),
  );
}

type Answering = (message: ServerMessage, organization: Organization | undefined) => Promise<object>;

async function receive(
  parts: ServerUrlParts,
  request: FastifyRequest<{ Body: Buffer }>,
  reply: FastifyReply,
  answering: Answering,
): Promise<FastifyReply> {
  const body = request.body ?? Buffer.alloc(0);
  const who = parts.authenticate({ headers: request.headers, body, now: new Date() });
  if (!who.allowed) return answerError(reply, 401, 'the secret is missing or wrong');
  const read = readServerMessage(body);
  if (!read.ok) return answerError(reply, 400, read.problem);
  const organization = who.organization ?? parts.directory.called(read.message.addresses);
  try {
    return reply.send(await answering(read.message, organization));
  } catch (error) {
    parts.log.error({ err: error, kind: read.message.kind }, 'a server message could not be carried out');
    return answerError(reply, 503, 'the ledger cannot be reached right now; send it again');
  }
}

async function answer(
  parts: ServerUrlParts,
  message: ServerMessage,
  organization: Organization | undefined,
): Promise<object> {
  const { callSid, caller } = message;
  const call = organization === undefined || callSid === undefined ? undefined : { organization, callSid };
  const now = new Date();
  switch (message.kind) {
    case 'tool-calls':
      return { results: await answerToolCalls(parts, message, organization) };
    case 'function-call': {
      const [one] = await answerToolCalls(parts, message, organization);
      return one === undefined || 'error' in one
        ? { error: one?.error ?? 'no call' }
        : { result: one.result };
    }
    case 'assistant-request':
      if (call !== undefined) parts.callLife.started({ ...call, caller, now });
      return (
        (organization === undefined ? undefined : parts.assistantFor(organization, now)) ?? {
          error: parts.speak('unknown-organization', organization),
        }
      );
    case 'call-started':
      if (call !== undefined) parts.callLife.started({ ...call, caller, now });
      return {};
    case 'call-ended':
      if (call !== undefined) await parts.callLife.ended({ ...call, reason: message.reason });
      return {};
    case 'caller-speech':
      if (call !== undefined) {
        await parts.callerSpeech.note(
          { tenantId: call.organization.id, callSid: call.callSid },
          message.speaking,
        );
      }
      return {};
    case 'transfer-destination-request':
      return transferDestination(parts, organization);
    case 'handoff-destination-request':
      return { error: 'there is no other assistant to hand this call to' };
    case 'knowledge-base-request':
      return { documents: [] };
    case 'endpointing-request':
      // Vapi's own default; whoever points this at us wants no other.
      return { timeoutSeconds: 0.5 };
    case 'voice-request':
      return { error: 'Holdline has no voice; choose a voice provider in the assistant' };
    case 'notice':
      return {};
  }
}

function transferDestination(parts: ServerUrlParts, organization: Organization | undefined): object {
  const number = organization?.humanNumber ?? null;
  if (number === null) return { error: parts.speak('no-human', organization) };
  return {
    destination: { type: 'number', number },
    message: { type: 'request-start', content: parts.speak('transferring', organization) },
  };
}
