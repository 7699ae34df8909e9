import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Sql } from 'postgres';
import { z } from 'zod';
import { cancelAppointment } from '#booking/appointment-changes.ts';
import { askForCallBack } from '#booking/call-backs.ts';
import type { OpenSlots } from '#booking/open-slots.ts';
import {
  isUpcoming,
  noteReply,
  noteTextProgress,
  replyIsKnown,
  setOptedOut,
  textedAppointment,
} from '#booking/texts.ts';
import type { Directory } from '#organization/directory.ts';
import type { Prompts } from '#prompts/templates.ts';
import { type IncomingText, isTwilios, readIncoming, readStatus, twiml } from '#sms/webhooks.ts';
import type { Log } from '#telemetry/log.ts';

export interface TwilioHookParts {
  sql: Sql;
  directory: Directory;
  prompts: Prompts;
  openSlots: Pick<OpenSlots, 'changed'>;
  /** Without an account everything is refused. */
  account: { accountSid: string; authToken: string } | undefined;
  /** The address Twilio was given; without it, the request's own, as the proxy tells it where one is trusted. */
  publicUrl: string | undefined;
  log: Log;
}

/** Twilio's forms are a few hundred bytes; a message is at most 1,600 characters. */
const bodyLimitBytes = 64 * 1024;

/**
 * Twilio's hooks: what became of a message (`POST /twilio/status`) and what somebody answered
 * (`POST /twilio/messages`). A request without Twilio's signature is refused with 403 and does nothing.
 */
export function twilioHooks(http: FastifyInstance, parts: TwilioHookParts): void {
  const { sql, account, publicUrl, log } = parts;
  const signedForm = (request: FastifyRequest): Record<string, string> | undefined => {
    if (account === undefined) return undefined;
    const form = Object.fromEntries(new URLSearchParams(String(request.body ?? '')));
    const header = request.headers['x-twilio-signature'];
    const signature = typeof header === 'string' ? header : undefined;
    const url = `${publicUrl ?? `${request.protocol}://${request.host}`}${request.originalUrl}`;
    return isTwilios({ url, form, signature }, account.authToken) ? form : undefined;
  };
  const refuse = (request: FastifyRequest, reply: FastifyReply) => {
    log.warn(
      { door: request.routeOptions.url, from: request.ip },
      'refused a request that is not signed by Twilio',
    );
    return reply
      .code(403)
      .send({ error: 'not signed by Twilio for this address; check PUBLIC_URL or TRUST_PROXY' });
  };

  http.post('/twilio/status', { bodyLimit: bodyLimitBytes }, async (request, reply) => {
    const form = signedForm(request);
    if (form === undefined || account === undefined) return refuse(request, reply);
    const key = textQuery.safeParse(request.query);
    const report = readStatus(form, account.accountSid);
    if (!key.success || report === undefined)
      return reply.code(400).send({ error: 'not about a text of ours' });
    const { sid, ...progress } = report;
    const changed = await noteTextProgress(
      sql,
      { tenantId: key.data.tenant, textId: key.data.text },
      sid,
      progress,
    );
    if (changed && progress.outcome === 'failed') {
      log.warn(
        { text: key.data.text, reason: progress.reason, code: progress.code },
        'a text was not delivered',
      );
    }
    return reply.code(204).send();
  });

  http.post('/twilio/messages', { bodyLimit: bodyLimitBytes }, async (request, reply) => {
    const form = signedForm(request);
    if (form === undefined || account === undefined) return refuse(request, reply);
    const incoming = readIncoming(form, account.accountSid);
    if (incoming === undefined) return reply.code(400).send({ error: 'not a text to us' });
    if (await replyIsKnown(sql, incoming.sid)) return reply.type('text/xml').send(twiml());
    const answer = await act(parts, incoming);
    await noteReply(sql, incoming.sid);
    return reply.type('text/xml').send(twiml(answer));
  });
}

const textQuery = z.object({ tenant: z.uuid(), text: z.uuid() });

/** Does what an answer asks for; gives what to say back, if Twilio or a text of ours does not say it already. */
async function act(
  parts: TwilioHookParts,
  { meaning, from, answered }: IncomingText,
): Promise<string | undefined> {
  const { sql, directory, prompts, log } = parts;
  if (meaning === 'stop' || meaning === 'start') await setOptedOut(sql, from, meaning === 'stop');
  if (answered) return undefined;
  const about = await textedAppointment(sql, from);
  const organization = directory.all().find(({ id }) => id === about?.tenantId);
  // Somebody we never wrote to.
  if (about === undefined || organization === undefined) return undefined;
  const reply = (wording: 'help' | 'call-back' | 'not-cancelled') =>
    prompts.text(wording, { organization, language: about.language }, {});
  switch (meaning) {
    case 'cancel': {
      const { tenantId, appointmentId } = about;
      if (!(await isUpcoming(sql, tenantId, appointmentId))) return reply('not-cancelled');
      const outcome = await cancelAppointment(sql, { tenantId, callSid: null }, appointmentId);
      if (!outcome.cancelled) return reply('not-cancelled');
      await parts.openSlots.changed(organization, outcome.startsAt);
      // That it is cancelled, a text of its own tells, promised with the cancellation.
      return undefined;
    }
    case 'call-back':
      await askForCallBack(sql, { ...about, number: from });
      log.info(
        { organization: organization.key },
        'somebody wants to be called back; npm run appointments -- call-backs',
      );
      return reply('call-back');
    case 'stop':
    case 'start':
      // The provider says so itself, and lets nothing through after a stop.
      return undefined;
    case 'help':
    case 'other':
      return reply('help');
  }
}
