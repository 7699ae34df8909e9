import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Conversation } from '#conversation/conversation.ts';
import type { TurnEvent, TurnRequest } from '#conversation/turn-events.ts';
import { answerError } from '#http/error-answer.ts';
import type { Directory } from '#organization/directory.ts';
import type { Log } from '#telemetry/log.ts';
import type { Authenticate } from './authentication.ts';
import type { CallControl } from './call-control.ts';
import { callerLeft } from './caller-left.ts';
import { collectReply, streamReply } from './chat-reply.ts';
import { type ChatRequest, readChatRequest } from './chat-request.ts';

export interface ChatCompletionsParts extends Pick<Conversation, 'runTurn' | 'unknownOrganization'> {
  authenticate: Authenticate;
  directory: Directory;
  callControl: CallControl;
  log: Log;
}

/** Vapi appends the path to whatever was pasted, so that it may stand there twice, with or without a version. */
const paths = ['/vapi', '/vapi/v1'].flatMap((base) => [
  `${base}/chat/completions`,
  `${base}/chat/completions/chat/completions`,
]);

/** A whole call's history with tools is tens of kilobytes; bodies that embed the assistant reach a few megabytes. */
const bodyLimitBytes = 5 * 1024 * 1024;

/**
 * The custom-LLM door: one turn per POST, streamed as OpenAI chunks. Once a request is authenticated and well-formed
 * it is never answered with an HTTP error, because Vapi ends the call at one.
 */
export function chatCompletions(app: FastifyInstance, parts: ChatCompletionsParts): void {
  for (const path of paths) {
    app.get(path, async (_request, reply) => reply.code(200).send(''));
    app.post<{ Body: Buffer }>(path, { bodyLimit: bodyLimitBytes }, async (request, reply) => {
      const body = request.body ?? Buffer.alloc(0);
      const now = new Date();
      const arrivedAtMs = performance.now();
      const who = parts.authenticate({ headers: request.headers, body, now });
      if (!who.allowed)
        return answerError(
          reply,
          401,
          'the secret is missing or wrong; send it as "Authorization: Bearer …"',
        );
      const read = readChatRequest(body);
      if (!read.ok) return answerError(reply, 400, read.problem);
      const organization = who.organization ?? parts.directory.called(read.request.addresses);
      const signal = callerLeft(reply.raw);
      if (organization === undefined) {
        parts.log.warn({ addresses: read.request.addresses }, 'a call for an organization nobody knows');
        return answer(reply, read.request, oneByOne(parts.unknownOrganization()));
      }
      const line = parts.callControl.at(read.request.controlUrl) ?? null;
      const turn = { ...turnOf(read.request, organization), line, now, arrivedAtMs };
      return answer(reply, read.request, parts.runTurn(turn, signal));
    });
  }
}

function turnOf(
  request: ChatRequest,
  organization: TurnRequest['organization'],
): Omit<TurnRequest, 'line' | 'now' | 'arrivedAtMs'> {
  const { caller, history, dashboardPrompt, platformTools, requestedAt } = request;
  // Without Vapi's call object every request is a call of its own: it can be answered, but remembers nothing.
  const callSid = request.callSid ?? `unnamed-${randomUUID()}`;
  return { organization, callSid, caller, history, dashboardPrompt, platformTools, requestedAt };
}

async function answer(
  reply: FastifyReply,
  request: ChatRequest,
  events: AsyncIterable<TurnEvent>,
): Promise<unknown> {
  if (!request.stream) return reply.send(await collectReply(request.model, events));
  reply.hijack();
  await streamReply(reply.raw, request.model, events);
  return reply;
}

async function* oneByOne(events: Iterable<TurnEvent>): AsyncGenerator<TurnEvent> {
  yield* events;
}
