import { createHash, createPublicKey, createVerify, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { current, list, newCalendar, type StoredCalendar, write } from './google-calendars.ts';
import type { GoogleEvent } from './google-recurrence.ts';
import { problemOf } from './google-schema.ts';

/** Google Calendar with its sign-in and its notifications, as far as this project speaks with it. */
export interface GoogleStandIn extends AsyncDisposable {
  /** For `GOOGLE_BASE_URL`. */
  baseUrl: string;
  /** Every request that arrived, in order; `items` is how many events a list sent. */
  requests: { operation: string; status: number; items?: number }[];
  /** How many requests have arrived, those included that are not answered yet. */
  readonly arrived: number;
  /** Requests that are not what Google's description allows. */
  complaints: string[];
  /** How the coming requests are answered. */
  mood: Mood;
  /** Refresh tokens that open anything; a service account's key does always. */
  refreshTokens: Set<string>;
  /** What the calendar's owner does. */
  put(calendarId: string, event: Partial<GoogleEvent>): string;
  remove(calendarId: string, eventId: string): void;
  /** Events that are there now. */
  events(calendarId: string): GoogleEvent[];
  forgetSyncTokens(): void;
  /** Open channels. */
  channels: Map<string, Channel>;
  /** Goes away as a machine does: connections are refused, until `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export type Mood =
  | { kind: 'working' }
  | { kind: 'slow'; ms: number }
  | { kind: 'failing'; status: number }
  | { kind: 'rate-limiting' }
  /** Takes the connection and never answers. */
  | { kind: 'silent' }
  /** Does what it is asked and breaks the connection before it answers. */
  | { kind: 'breaking-off' };

interface Channel {
  id: string;
  resourceId: string;
  calendarId: string;
  address: string;
  token: string | undefined;
  expiresAtMs: number;
}

interface Asked {
  method: string;
  url: URL;
  text: string;
  headers: IncomingMessage['headers'];
}

type Reply = { status: number; body?: unknown; headers?: Record<string, string> };

const clientSecret = 'the-client-secret';
/** What a browser comes back with from Google, and what it was for. */
const codes = new Map<string, { challenge: string; redirectUri: string }>();

export async function startGoogle({ publicKey }: { publicKey?: string } = {}): Promise<GoogleStandIn> {
  const calendars = new Map<string, StoredCalendar>();
  const tokens = new Set<string>();
  let arrived = 0;
  const calendarOf = (id: string) => {
    const found = calendars.get(id) ?? newCalendar(id);
    calendars.set(id, found);
    return found;
  };
  const change = (calendarId: string, event: GoogleEvent) => {
    write(calendarOf(calendarId), event);
    for (const channel of standIn.channels.values()) {
      if (channel.calendarId === calendarId) void notify(channel, 'exists');
    }
  };

  const server = createServer((request, response) => void answer(request, response));
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked: Asked = {
      method: request.method ?? '',
      url: new URL(request.url ?? '/', 'http://google'),
      text: await read(request),
      headers: request.headers,
    };
    arrived += 1;
    const { mood } = standIn;
    if (mood.kind === 'silent') return;
    if (mood.kind === 'slow') await delay(mood.ms);
    const { operation, reply, items } = doWhatIsAsked(asked, mood);
    standIn.requests.push({ operation, status: reply.status, ...(items === undefined ? {} : { items }) });
    if (mood.kind === 'breaking-off') {
      request.socket.destroy();
      return;
    }
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    response.end(reply.body === undefined ? '' : JSON.stringify(reply.body));
  }

  function doWhatIsAsked(asked: Asked, mood: Mood): { operation: string; reply: Reply; items?: number } {
    if (mood.kind === 'failing') return { operation: 'refused', reply: fault(mood.status, 'backendError') };
    if (mood.kind === 'rate-limiting') {
      const reply = { ...fault(403, 'rateLimitExceeded'), headers: { 'retry-after': '1' } };
      return { operation: 'refused', reply };
    }
    if (asked.url.pathname === '/o/oauth2/v2/auth') return { operation: 'consent', reply: consent(asked) };
    if (asked.url.pathname === '/token') {
      return { operation: 'token', reply: token(asked, standIn, tokens, publicKey) };
    }
    const operation = operationOf(asked);
    const query = queryOf(asked.url);
    const body = asked.text === '' ? null : JSON.parse(asked.text);
    const problem = problemOf(operation.name, query, body);
    if (problem !== undefined) {
      standIn.complaints.push(`${operation.name}: ${problem}`);
      return { operation: operation.name, reply: fault(400, 'badRequest', problem) };
    }
    const bearer = /^Bearer (.+)$/.exec(asked.headers.authorization ?? '')?.[1] ?? '';
    if (!tokens.has(bearer)) return { operation: operation.name, reply: fault(401, 'authError') };
    const reply = act(operation, query, body);
    const items = (reply.body as { items?: unknown[] } | undefined)?.items?.length;
    return { operation: operation.name, reply, ...(items === undefined ? {} : { items }) };
  }

  function act({ name, calendarId, eventId }: Operation, query: object, body: unknown): Reply {
    const calendar = calendarOf(calendarId);
    const known = current(calendar, eventId);
    switch (name) {
      case 'events.list': {
        const page = list(calendar, query);
        return page === 'gone' ? fault(410, 'fullSyncRequired') : { status: 200, body: page };
      }
      case 'events.get':
        return known === undefined ? fault(404, 'notFound') : { status: 200, body: known };
      case 'events.insert': {
        const event = { id: randomUUID().replaceAll('-', ''), ...(body as object) } as GoogleEvent;
        // An id stays taken after its event was removed.
        if (current(calendar, event.id) !== undefined) return fault(409, 'duplicate');
        change(calendarId, { ...event, status: 'confirmed' });
        return { status: 200, body: current(calendar, event.id) };
      }
      case 'events.patch':
        if (known === undefined) return fault(404, 'notFound');
        change(calendarId, { ...known, ...(body as object) });
        return { status: 200, body: current(calendar, eventId) };
      case 'events.delete':
        if (known === undefined) return fault(404, 'notFound');
        if (known.status === 'cancelled') return fault(410, 'deleted');
        change(calendarId, { ...known, status: 'cancelled' });
        return { status: 204 };
      case 'events.watch':
        return watch(calendarId, body as { id: string; address: string; token?: string });
      case 'channels.stop': {
        const { id } = body as { id: string };
        return standIn.channels.delete(id) ? { status: 204 } : fault(404, 'notFound');
      }
      default:
        return fault(404, 'notFound');
    }
  }

  function watch(
    calendarId: string,
    { id, address, token }: { id: string; address: string; token?: string },
  ): Reply {
    if (standIn.channels.has(id)) return fault(400, 'channelIdNotUnique');
    const expiresAtMs = Date.now() + 7 * 86_400_000;
    const channel = { id, resourceId: `resource-of-${calendarId}`, calendarId, address, token, expiresAtMs };
    standIn.channels.set(id, channel);
    void notify(channel, 'sync');
    return {
      status: 200,
      body: {
        kind: 'api#channel',
        id,
        resourceId: channel.resourceId,
        token,
        expiration: String(expiresAtMs),
      },
    };
  }

  async function listen(port: number): Promise<number> {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }
  async function stop(): Promise<void> {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }
  const port = await listen(0);
  const standIn: GoogleStandIn = {
    baseUrl: `http://127.0.0.1:${port}`,
    requests: [],
    complaints: [],
    get arrived() {
      return arrived;
    },
    mood: { kind: 'working' },
    refreshTokens: new Set(),
    channels: new Map(),
    put(calendarId, event) {
      const id = event.id ?? randomUUID().replaceAll('-', '');
      const before = current(calendarOf(calendarId), id);
      change(calendarId, { status: 'confirmed', ...before, ...event, id });
      return id;
    },
    remove(calendarId, eventId) {
      change(calendarId, { ...current(calendarOf(calendarId), eventId), id: eventId, status: 'cancelled' });
    },
    events: (calendarId) =>
      [...calendarOf(calendarId).versions.values()]
        .flatMap((versions) => versions.at(-1)?.event ?? [])
        .filter(({ status }) => status !== 'cancelled'),
    forgetSyncTokens() {
      for (const calendar of calendars.values()) calendar.forgottenBefore = calendar.sequence + 1;
    },
    stop,
    start: async () => {
      if (!server.listening) await listen(port);
    },
    [Symbol.asyncDispose]: stop,
  };
  return standIn;
}

/** Tells a channel's address that something changed, as Google does: headers only, and nobody waits for the answer. */
async function notify(channel: Channel, state: 'sync' | 'exists'): Promise<void> {
  await fetch(channel.address, {
    method: 'POST',
    headers: {
      'x-goog-channel-id': channel.id,
      'x-goog-resource-id': channel.resourceId,
      'x-goog-resource-state': state,
      'x-goog-message-number': '1',
      ...(channel.token === undefined ? {} : { 'x-goog-channel-token': channel.token }),
    },
  }).catch(() => {});
}

/** Somebody who always agrees: sends the browser back with a code. */
function consent({ url }: Asked): Reply {
  const code = randomUUID();
  const redirectUri = url.searchParams.get('redirect_uri') ?? '';
  codes.set(code, { challenge: url.searchParams.get('code_challenge') ?? '', redirectUri });
  const back = new URL(redirectUri);
  back.searchParams.set('code', code);
  back.searchParams.set('state', url.searchParams.get('state') ?? '');
  return { status: 302, headers: { location: back.href } };
}

function token({ text }: Asked, standIn: GoogleStandIn, tokens: Set<string>, publicKey?: string): Reply {
  const form = new URLSearchParams(text);
  const bearer = `access-${randomUUID()}`;
  const granted = (extra: object = {}): Reply => {
    tokens.add(bearer);
    return { status: 200, body: { access_token: bearer, expires_in: 3_600, token_type: 'Bearer', ...extra } };
  };
  const refused: Reply = { status: 400, body: { error: 'invalid_grant', error_description: 'Bad Request' } };
  switch (form.get('grant_type')) {
    case 'authorization_code': {
      const asked = codes.get(form.get('code') ?? '');
      codes.delete(form.get('code') ?? '');
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url');
      const same = asked?.challenge === challenge && asked.redirectUri === form.get('redirect_uri');
      if (!same || form.get('client_secret') !== clientSecret) return refused;
      const refreshToken = `refresh-${randomUUID()}`;
      standIn.refreshTokens.add(refreshToken);
      return granted({ refresh_token: refreshToken });
    }
    case 'refresh_token':
      return standIn.refreshTokens.has(form.get('refresh_token') ?? '') ? granted() : refused;
    case 'urn:ietf:params:oauth:grant-type:jwt-bearer': {
      const [head, claims, signature = ''] = (form.get('assertion') ?? '').split('.');
      if (publicKey === undefined) return refused;
      const signed = createVerify('RSA-SHA256').update(`${head}.${claims}`);
      const key = createPublicKey(publicKey);
      return signed.verify(key, Buffer.from(signature, 'base64url')) ? granted() : refused;
    }
    default:
      return { status: 400, body: { error: 'unsupported_grant_type' } };
  }
}

interface Operation {
  name: string;
  calendarId: string;
  eventId: string;
}

function operationOf({ method, url }: Asked): Operation {
  const path = url.pathname;
  if (path === '/calendar/v3/channels/stop') return { name: 'channels.stop', calendarId: '', eventId: '' };
  const [, calendar = '', event = ''] =
    /^\/calendar\/v3\/calendars\/([^/]+)\/events(?:\/([^/]+))?$/.exec(path) ?? [];
  const byMethod =
    event === '' ? { GET: 'list', POST: 'insert' } : { GET: 'get', PATCH: 'patch', DELETE: 'delete' };
  const name = event === 'watch' ? 'watch' : (byMethod as Record<string, string>)[method];
  return {
    name: `events.${name}`,
    calendarId: decodeURIComponent(calendar),
    eventId: decodeURIComponent(event),
  };
}

function queryOf(url: URL): Record<string, string> {
  return Object.fromEntries(url.searchParams);
}

function fault(status: number, reason: string, message = reason): Reply {
  return {
    status,
    body: { error: { code: status, message, errors: [{ domain: 'global', reason, message }] } },
  };
}

async function read(request: IncomingMessage): Promise<string> {
  request.setEncoding('utf8');
  let text = '';
  for await (const piece of request) text += piece;
  return text;
}
