import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Sql, TransactionSql } from 'postgres';
import { z } from 'zod';
import type { OpenSlots } from '#availability/open-slots.ts';
import { cancelAppointment } from '#booking/appointments.ts';
import {
  askForCallBack,
  isUpcoming,
  noteTextProgress,
  oncePerReply,
  setOptedOut,
  type TextProgress,
  textedAppointment,
} from '#booking/texts.ts';
import { answerError } from '#http/error-answer.ts';
import { giveUpAfterMs, mayPass, pauseAfterUndeliveredMs } from '#jobs/text-retries.ts';
import type { Languages } from '#language/languages.ts';
import type { Directory } from '#organization/directory.ts';
import type { Prompts } from '#prompts/templates.ts';
import {
  type IncomingText,
  isTwilios,
  readIncoming,
  readStatus,
  type StatusReport,
  twiml,
} from '#sms/webhooks.ts';
import type { Log } from '#telemetry/log.ts';
import { counter } from '#telemetry/metrics.ts';

export interface TwilioHookParts {
  sql: Sql;
  directory: Directory;
  prompts: Prompts;
  languages: Languages;
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
 *
 * The signature has no time in it, so a request that was overheard once could be sent again at any time. Each status of
 * each message is therefore taken once, and forwards only: what was told before, or would go backwards, is refused with
 * 409, and one about a message we never sent with 404; both change nothing. Twilio itself repeats a status whose answer
 * it did not get, and lets two overtake each other: it is refused in the same way, which loses nothing, as what it
 * tells is noted already or overtaken, and Twilio does not repeat what was answered with a 4xx. An answer of somebody
 * is acted on once (`oncePerReply`); sent again it gets the empty answer, as a refusal would be a fault in Twilio's eyes.
 */
export function twilioHooks(http: FastifyInstance, parts: TwilioHookParts): void {
  const { sql, languages, account, publicUrl, log } = parts;
  const signedForm = (request: FastifyRequest): Record<string, string> | undefined => {
    if (account === undefined) return undefined;
    const form = Object.fromEntries(new URLSearchParams(String(request.body ?? '')));
    const header = request.headers['x-twilio-signature'];
    const signature = typeof header === 'string' ? header : undefined;
    const url = `${publicUrl ?? `${request.protocol}://${request.host}`}${request.originalUrl}`;
    return isTwilios({ url, form, signature }, account.authToken) ? form : undefined;
  };
  const refuse = (request: FastifyRequest, reply: FastifyReply, about: About) => {
    counted({ about, outcome: 'forged' });
    log.warn(
      { door: request.routeOptions.url, from: request.ip },
      'refused a request that is not signed by Twilio',
    );
    return answerError(reply, 403, 'not signed by Twilio for this address; check PUBLIC_URL or TRUST_PROXY');
  };

  http.post('/twilio/status', { bodyLimit: bodyLimitBytes }, async (request, reply) => {
    const form = signedForm(request);
    if (form === undefined || account === undefined) return refuse(request, reply, 'status');
    const key = textQuery.safeParse(request.query);
    const report = readStatus(form, account.accountSid);
    if (!key.success || report === undefined) {
      counted({ about: 'status', outcome: 'unreadable' });
      return answerError(reply, 400, 'not about a text of ours');
    }
    const { sid } = report;
    const progress = progressOf(report);
    const text = { tenantId: key.data.tenant, textId: key.data.text };
    const noted = await noteTextProgress(sql, text, sid, progress);
    counted({ about: 'status', outcome: noted });
    if (noted !== 'noted') {
      const { status, message } = refusals[noted];
      log.info({ text: text.textId, sid, status: progress.status, reason: noted }, 'refused a text’s status');
      return answerError(reply, status, message, noted);
    }
    if (progress.outcome === 'failed') {
      const { reason, code } = progress;
      log.warn({ text: text.textId, reason, code }, 'a text was not delivered');
    }
    return reply.code(204).send();
  });

  http.post('/twilio/messages', { bodyLimit: bodyLimitBytes }, async (request, reply) => {
    const form = signedForm(request);
    if (form === undefined || account === undefined) return refuse(request, reply, 'answer');
    const incoming = readIncoming(form, account.accountSid, languages.answer);
    if (incoming === undefined) {
      counted({ about: 'answer', outcome: 'unreadable' });
      return answerError(reply, 400, 'not a text to us');
    }
    const acted = await oncePerReply(sql, incoming.sid, (tx) => act(parts, tx, incoming));
    counted({ about: 'answer', outcome: acted === 'repeated' ? 'repeated' : 'noted' });
    if (acted === 'repeated') {
      log.info({ sid: incoming.sid }, 'an answer came again; nothing is done');
      return reply.type('text/xml').send(twiml());
    }
    await acted.afterwards?.();
    return reply.type('text/xml').send(twiml(acted.answer));
  });
}

/** What was not delivered is sent anew where that can help. */
function progressOf(report: StatusReport): TextProgress {
  if (report.outcome !== 'failed' || !mayPass(report.reason)) return report;
  return { ...report, outcome: 'later', againAfterMs: pauseAfterUndeliveredMs(), giveUpAfterMs };
}

const textQuery = z.object({ tenant: z.uuid(), text: z.uuid() });

const refusals = {
  repeated: { status: 409, message: 'this status of this message was told before' },
  late: { status: 409, message: 'this message has come further than that, or to its end' },
  unknown: { status: 404, message: 'no message of this id was sent for this text' },
} as const;

type About = 'status' | 'answer';

const counted = counter(
  'holdline_twilio_callbacks_total',
  'What Twilio told, by what became of it: noted, or refused as forged, unreadable, repeated, late or unknown',
  ['about', 'outcome'],
);

interface Acted {
  /** What to say back, if Twilio or a text of ours does not say it already. */
  answer?: string | undefined;
  /** What is done when all is committed. */
  afterwards?: () => Promise<unknown>;
}

/** Does what an answer asks for, in the transaction that is open. */
async function act(
  parts: TwilioHookParts,
  tx: TransactionSql,
  { meaning, from, answered }: IncomingText,
): Promise<Acted> {
  const { directory, prompts, log } = parts;
  if (meaning === 'stop' || meaning === 'start') await setOptedOut(tx, from, meaning === 'stop');
  if (answered) return {};
  const about = await textedAppointment(tx, from);
  const organization = directory.byId(about?.tenantId);
  // Somebody we never wrote to.
  if (about === undefined || organization === undefined) return {};
  const reply = (wording: 'help' | 'call-back' | 'not-cancelled') => ({
    answer: prompts.text(wording, { organization, language: about.language }, {}),
  });
  switch (meaning) {
    case 'cancel': {
      const { tenantId, appointmentId } = about;
      if (!(await isUpcoming(tx, tenantId, appointmentId))) return reply('not-cancelled');
      const outcome = await cancelAppointment(tx, { tenantId, callSid: null }, appointmentId);
      if (!outcome.cancelled) return reply('not-cancelled');
      // That it is cancelled, a text of its own tells, promised with the cancellation.
      return { afterwards: () => parts.openSlots.changed(organization, outcome.startsAt) };
    }
    case 'call-back':
      await askForCallBack(tx, { ...about, number: from });
      log.info(
        { organization: organization.key },
        'somebody wants to be called back; npm run appointments -- call-backs',
      );
      return reply('call-back');
    case 'stop':
    case 'start':
      // The provider says so itself, and lets nothing through after a stop.
      return {};
    case 'help':
    case 'other':
      return reply('help');
  }
}
