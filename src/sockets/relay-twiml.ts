import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import VoiceResponse from 'twilio/lib/twiml/VoiceResponse.js';
import type { SpokenWords } from '#conversation/speech.ts';
import { answerError } from '#http/error-answer.ts';
import { defaultLanguage, type Organization } from '#organization/organization.ts';
import type { Log } from '#telemetry/log.ts';
import { handOffReason } from './relay.ts';
import { greetedParameter } from './relay-wire.ts';
import { spokenLocale } from './spoken-locale.ts';
import type { Who } from './who.ts';

export interface TwimlParts {
  who: Pick<Who, 'isTwilios' | 'publicUrl'>;
  dialled: (number: string) => Organization | undefined;
  greeting: (organization: Organization) => SpokenWords;
  unknownOrganization: () => SpokenWords;
  /** Said where the caller was to be connected to a person and there is none. */
  noHuman: (organization: Organization | undefined) => SpokenWords;
  log: Log;
}

/** A voice request has some forty fields, a hand-off one more. */
const bodyLimitBytes = 64 * 1024;
/** A socket that cannot be opened for the second time will not be the third. */
const reconnectsMax = 2;

/**
 * The two requests around a relay session: `POST /twilio/voice` when a call comes in, answered with the TwiML that opens
 * the socket, and `POST /twilio/after` when the session is over, answered with what happens to the call then.
 */
export function relayTwiml(app: FastifyInstance, parts: TwimlParts): void {
  app.post<{ Body: Buffer }>('/twilio/voice', { bodyLimit: bodyLimitBytes }, async (request, reply) => {
    const fields = fieldsOf(request.body);
    if (!parts.who.isTwilios(request, fields)) return refuse(reply);
    const organization = parts.dialled(numberOf(fields));
    const answer = new VoiceResponse();
    if (organization === undefined) {
      parts.log.warn({ dialled: numberOf(fields) }, 'a call for an organization nobody knows');
      answer.say(parts.unknownOrganization());
      answer.hangup();
    } else connect(answer, parts, { request, organization, reconnects: 0 });
    return send(reply, answer);
  });

  app.post<{ Body: Buffer; Querystring: { reconnects?: string } }>(
    '/twilio/after',
    { bodyLimit: bodyLimitBytes },
    async (request, reply) => {
      const fields = fieldsOf(request.body);
      if (!parts.who.isTwilios(request, fields)) return refuse(reply);
      const organization = parts.dialled(numberOf(fields));
      const reconnects = Number(request.query.reconnects ?? 0) + 1;
      const answer = new VoiceResponse();
      if (reasonOf(fields['HandoffData']) === handOffReason) transfer(answer, parts, organization);
      else if (
        fields['SessionStatus'] === 'failed' &&
        organization !== undefined &&
        reconnects <= reconnectsMax
      ) {
        // The caller is still there, and their call goes on where it stood.
        connect(answer, parts, { request, organization, reconnects });
      } else answer.hangup();
      return send(reply, answer);
    },
  );
}

function connect(
  answer: VoiceResponse,
  parts: TwimlParts,
  about: { request: FastifyRequest; organization: Organization; reconnects: number },
): void {
  const { request, organization, reconnects } = about;
  const url = parts.who.publicUrl(request);
  const after = new URL(`${url}/twilio/after`);
  if (reconnects > 0) after.searchParams.set('reconnects', String(reconnects));
  const isNew = reconnects === 0;
  const relay = answer.connect({ action: after.href }).conversationRelay({
    url: `${url.replace(/^http/, 'ws')}/twilio/relay`,
    ...(isNew ? { welcomeGreeting: parts.greeting(organization) } : {}),
    language: spokenLocale(defaultLanguage(organization)),
    partialPrompts: true,
    dtmfDetection: true,
    interruptible: 'any',
    applicationReconnect: true,
    events: 'speaker-events tokens-played',
  });
  relay.parameter({ name: greetedParameter, value: 'yes' });
}

function transfer(answer: VoiceResponse, parts: TwimlParts, organization: Organization | undefined): void {
  const number = organization?.humanNumber ?? null;
  if (number === null) {
    answer.say(parts.noHuman(organization));
    answer.hangup();
  } else answer.dial(number);
}

/** The organization's number: the one that was called, or the one we call from. */
function numberOf(fields: Record<string, string>): string {
  const number = fields['Direction']?.startsWith('outbound') ? fields['From'] : fields['To'];
  return number ?? '';
}

function reasonOf(handoffData: string | undefined): unknown {
  try {
    return (JSON.parse(handoffData ?? '{}') as { reasonCode?: unknown } | null)?.reasonCode;
  } catch {
    return undefined;
  }
}

function fieldsOf(body: Buffer | undefined): Record<string, string> {
  return Object.fromEntries(new URLSearchParams((body ?? Buffer.alloc(0)).toString()));
}

function send(reply: FastifyReply, answer: VoiceResponse): FastifyReply {
  return reply.type('text/xml; charset=utf-8').send(answer.toString());
}

function refuse(reply: FastifyReply): FastifyReply {
  return answerError(reply, 403, 'the request is not signed by Twilio for this url');
}
