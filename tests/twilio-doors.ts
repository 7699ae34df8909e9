import { randomBytes } from 'node:crypto';
import { type FastifyInstance, fastify } from 'fastify';
import twilioWebhooks from 'twilio/lib/webhooks/webhooks.js';
import { createOpenSlots } from '#availability/open-slots.ts';
import { twilioHooks } from '#hooks/twilio-hooks.ts';
import { openDirectory } from '#organization/directory.ts';
import { openPrompts } from '#prompts/templates.ts';
import { createLog, type Log } from '#telemetry/log.ts';
import { promptsFolder } from '../src/config.ts';
import { languages } from './languages.ts';
import { account } from './stand-ins/twilio.ts';
import { publicUrl, type TextClinic, type TextedIn } from './text-clinic.ts';

/** A request of Twilio's, or of somebody who would like to be Twilio. */
export interface Forgery {
  url?: string;
  token?: string;
  signature?: string | null;
  headers?: Record<string, string>;
  /** Put into the form after it was signed. */
  altered?: Record<string, string>;
}

/** A process that Twilio's hooks reach. */
export interface TwilioDoors extends AsyncDisposable {
  /** Posts a form as Twilio does, signed, unless something is said to be wrong with it. */
  post(
    path: string,
    form: Record<string, string>,
    forgery?: Forgery,
  ): Promise<Awaited<ReturnType<FastifyInstance['inject']>>>;
}

interface DoorSettings {
  publicUrl?: string | undefined;
  trustProxy?: boolean;
  configured?: boolean;
  log?: Log;
}

export async function openTwilioDoors(
  { clinic }: TextClinic,
  settings: DoorSettings & Partial<Pick<TextedIn, 'languages' | 'folder'>> = {
    publicUrl,
  },
): Promise<TwilioDoors> {
  await using opening = new AsyncDisposableStack();
  const { sql, store } = clinic;
  const log = settings.log ?? createLog({ level: 'silent', pretty: false });
  const directory = opening.use(await openDirectory({ sql, log }));
  const prompts = opening.use(await openPrompts({ folder: settings.folder ?? promptsFolder, log }));
  const http = fastify({ trustProxy: settings.trustProxy ?? false });
  http.removeAllContentTypeParsers();
  http.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  twilioHooks(http, {
    sql,
    directory,
    prompts,
    languages: settings.languages ?? languages,
    openSlots: createOpenSlots({ sql, store }),
    account: settings.configured === false ? undefined : account,
    publicUrl: settings.publicUrl,
    log,
  });
  opening.defer(() => http.close());
  const opened = opening.move();
  return {
    post(path, form, forgery = {}) {
      const whole = { AccountSid: account.accountSid, ...form };
      const url = forgery.url ?? `${publicUrl}${path}`;
      const signature =
        forgery.signature === undefined
          ? twilioWebhooks.getExpectedTwilioSignature(forgery.token ?? account.authToken, url, whole)
          : forgery.signature;
      return http.inject({
        method: 'POST',
        url: path,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          ...(signature === null ? {} : { 'x-twilio-signature': signature }),
          ...forgery.headers,
        },
        payload: new URLSearchParams({ ...whole, ...forgery.altered }).toString(),
      });
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** A text that Twilio has, and the path its status comes to. */
export async function sentText(place: TextClinic, number: string) {
  const booked = await place.book(number);
  await using _ = await place.startWorker();
  await place.untilQuiet();
  const text = (await place.texts()).findLast(
    (one) => one.appointmentId === booked.appointmentId && one.wording === 'confirmation',
  );
  if (text?.sid === null || text === undefined) throw new Error('the text was not sent');
  const { id, sid, tenantId } = text;
  return { ...booked, number, id, tenantId, sid, path: statusPath(text) };
}

/** Where a text's status is told. */
export function statusPath({ id, tenantId }: { id: string; tenantId: string }): string {
  return `/twilio/status?tenant=${tenantId}&text=${id}`;
}

/** What somebody answers, as Twilio hands it on. */
export function replyForm(
  from: string,
  body: string,
  more: Record<string, string> = {},
): Record<string, string> {
  return {
    MessageSid: `SM${randomBytes(16).toString('hex')}`,
    From: from,
    To: account.from,
    Body: body,
    ...more,
  };
}
