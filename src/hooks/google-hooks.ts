import { createHash, randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Sql } from 'postgres';
import { z } from 'zod';
import { askForReading } from '#booking/calendar-readings.ts';
import { answerError } from '#http/error-answer.ts';
import type { CalendarAccess } from '#jobs/calendar-access.ts';
import { readChannelToken } from '#jobs/calendar-channel.ts';
import { connectCalendars } from '#organization/calendar-credentials.ts';
import type { Directory } from '#organization/directory.ts';
import type { Sealer } from '#storage/sealing.ts';
import type { Log } from '#telemetry/log.ts';

export interface GoogleHookParts {
  sql: Sql;
  directory: Directory;
  /** Without it nothing is connected and nothing is notified. */
  calendars: CalendarAccess | undefined;
  publicUrl: string | undefined;
  log: Log;
}

/** Long enough to find the right Google account; whoever finds the link later finds it useless. */
const linkLifetimeMs = 15 * 60_000;
/** How long somebody may take at Google. */
const consentLifetimeMs = 10 * 60_000;
const cookie = 'holdline_google';
const callback = '/google/connect/callback';

/**
 * Google's hooks: what tells us that a calendar changed (`POST /google/notifications`), and the two pages that let us
 * into an organization's calendars (`GET /google/connect` and where Google sends the browser back to).
 */
export function googleHooks(http: FastifyInstance, parts: GoogleHookParts): void {
  const { calendars } = parts;
  if (calendars === undefined) {
    const refuse = (_request: FastifyRequest, reply: FastifyReply) =>
      answerError(reply, 404, 'no calendars are connected here; set ENCRYPTION_KEY to connect some');
    http.post('/google/notifications', refuse);
    http.get('/google/connect', refuse);
    return;
  }
  notifications(http, parts, calendars);
  http.get('/google/connect', (request, reply) => beginConsent(parts, calendars, request, reply));
  http.get(callback, (request, reply) => endConsent(parts, calendars, request, reply));
}

/** The path of a link that lets whoever opens it connect a Google account to an organization. */
export function connectPath(sealer: Sealer, tenantId: string, nowMs: number): string {
  const ticket = JSON.stringify({ tenantId, untilMs: nowMs + linkLifetimeMs });
  return `/google/connect?ticket=${sealer.seal(ticket, 'link').toString('base64url')}`;
}

/** A notification has no content: it says that something changed, and the reading finds out what. */
function notifications(
  http: FastifyInstance,
  { sql, log }: GoogleHookParts,
  { sealer }: CalendarAccess,
): void {
  http.post('/google/notifications', { bodyLimit: 1024 }, async (request, reply) => {
    const channelId = header(request, 'x-goog-channel-id');
    const key = readChannelToken(sealer, header(request, 'x-goog-channel-token'), channelId);
    if (key === undefined) {
      log.warn({ from: request.ip }, 'refused a notification whose token is not of this installation');
      return answerError(reply, 403, 'the channel token is not one of this installation’s');
    }
    try {
      await askForReading(sql, key);
    } catch (error) {
      // Google tries again.
      log.warn({ err: error }, 'a notification could not be taken');
      return answerError(reply, 503, 'the ledger cannot be reached; try again');
    }
    return reply.code(204).send();
  });
}

const ticket = z.object({ tenantId: z.string(), untilMs: z.number() });
const consent = z.object({
  tenantId: z.string(),
  state: z.string(),
  codeVerifier: z.string(),
  untilMs: z.number(),
});

function beginConsent(
  { publicUrl, directory }: GoogleHookParts,
  { google, sealer, consent: possible }: CalendarAccess,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (!possible || publicUrl === undefined) {
    return page(
      reply,
      503,
      'Connecting needs GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET and PUBLIC_URL to be set.',
    );
  }
  const given = opened(sealer, 'link', query(request)['ticket'] ?? '', ticket);
  const organization = directory.byId(given?.tenantId);
  if (given === undefined || organization === undefined || given.untilMs < Date.now()) {
    return page(reply, 403, 'This link is not valid any more. Make a new one: npm run calendar -- connect');
  }
  const [state, codeVerifier] = [
    randomBytes(24).toString('base64url'),
    randomBytes(48).toString('base64url'),
  ];
  const kept = JSON.stringify({
    tenantId: organization.id,
    state,
    codeVerifier,
    untilMs: Date.now() + consentLifetimeMs,
  });
  const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
  const redirectUri = `${publicUrl}${callback}`;
  return reply
    .header(
      'set-cookie',
      cookieOf(sealer.seal(kept, 'consent').toString('base64url'), publicUrl, consentLifetimeMs),
    )
    .redirect(google.consentUrl({ state, codeChallenge, redirectUri }));
}

/** Only the browser that was sent to Google, and has come back with what it was sent with, connects anything. */
async function endConsent(
  { sql, publicUrl, directory, log }: GoogleHookParts,
  { google, sealer }: CalendarAccess,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { code, state, error } = query(request);
  const sealed = new RegExp(`(?:^|; )${cookie}=([^;]+)`).exec(request.headers.cookie ?? '')?.[1] ?? '';
  const kept = opened(sealer, 'consent', sealed, consent);
  reply.header('set-cookie', cookieOf('', publicUrl ?? '', 0));
  if (kept === undefined || kept.state !== state || kept.untilMs < Date.now()) {
    return page(reply, 403, 'This browser did not begin here, or too long ago. Open the link again.');
  }
  if (code === undefined) return page(reply, 400, `Google did not let us in (${error ?? 'no code'}).`);
  const redirectUri = `${publicUrl}${callback}`;
  const answer = await google.exchange({ code, codeVerifier: kept.codeVerifier, redirectUri });
  if (!answer.ok)
    return page(reply, 502, `Google did not let us in (${answer.message}). Open the link again.`);
  const secret = JSON.stringify(answer.value);
  const account = 'a Google account';
  const { calendars } = await connectCalendars(sql, sealer, kept.tenantId, {
    kind: 'oauth',
    account,
    secret,
  });
  const organization = directory.byId(kept.tenantId);
  log.info({ organization: organization?.key, calendars }, 'a Google account was connected');
  return page(
    reply,
    200,
    `${organization?.name ?? 'The organization'} is connected. You may close this page.`,
  );
}

function opened<T>(sealer: Sealer, about: string, text: string, schema: z.ZodType<T>): T | undefined {
  const json = sealer.open(Buffer.from(text, 'base64url'), about);
  return json === undefined ? undefined : schema.safeParse(JSON.parse(json)).data;
}

function cookieOf(value: string, publicUrl: string, lifetimeMs: number): string {
  const secure = publicUrl.startsWith('https:') ? '; Secure' : '';
  return `${cookie}=${value}; Path=/google; HttpOnly; SameSite=Lax; Max-Age=${lifetimeMs / 1_000}${secure}`;
}

function page(reply: FastifyReply, code: number, text: string): FastifyReply {
  return reply.code(code).type('text/plain; charset=utf-8').send(`${text}\n`);
}

function query(request: FastifyRequest): Record<string, string | undefined> {
  return request.query as Record<string, string | undefined>;
}

function header(request: FastifyRequest, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}
