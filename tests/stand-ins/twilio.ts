import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { twilioProblems } from './twilio-schema.ts';

export const account = {
  accountSid: `AC${'0123456789abcdef'.repeat(2)}`,
  authToken: 'a-token-only-for-tests',
  from: '+15550100001',
};

/** A message the stand-in accepted. */
export interface AcceptedText {
  sid: string;
  to: string;
  from: string | null;
  body: string;
  statusCallback: string | undefined;
  createdAt: Date;
}

/** How the next request that asks to send is met; `accept` when nothing is said. */
export type Mood =
  | { type: 'accept' }
  /** Refused with that status and Twilio's code. */
  | { type: 'refuse'; status: number; code: number; message?: string }
  /** Accepted, and never answered. */
  | { type: 'lie' }
  /** Accepted, and the connection cut. */
  | { type: 'accept-and-cut' }
  /** Not accepted, and never answered. */
  | { type: 'silent' }
  /** Not accepted, and the connection cut. */
  | { type: 'cut' }
  /** A server error in HTML, as a proxy on the way would make it; `accepted` tells whether it got through. */
  | { type: 'broken'; accepted: boolean };

/**
 * Twilio's Messages API, as far as texts need it: keeps what it accepted, checks every request against a schema and
 * the account's password, and can be slow, failing, rate limiting, lying and gone.
 */
export interface TwilioStandIn extends AsyncDisposable {
  readonly url: string;
  readonly accepted: AcceptedText[];
  /** Requests that did not fit the schema; a test that leaves some has found a mistake. */
  readonly misfits: string[];
  readonly requests: { create: number; list: number };
  /** Decides how a request to send is met, by the number it is for and how often that was asked for. */
  mood: (to: string, attempt: number) => Mood;
  delayMs: number;
  /** How long it takes to accept what it then lists at once. */
  acceptDelayMs: number;
  /** Stops answering the telephone at all, until told to come back to the same address. */
  leave(): Promise<void>;
  comeBack(): Promise<void>;
}

export async function startTwilio(): Promise<TwilioStandIn> {
  const accepted: AcceptedText[] = [];
  const misfits: string[] = [];
  const requests = { create: 0, list: 0 };
  const asked = new Map<string, number>();
  const path = `/2010-04-01/Accounts/${account.accountSid}/Messages.json`;
  const password = `Basic ${Buffer.from(`${account.accountSid}:${account.authToken}`).toString('base64')}`;

  const accept = (form: Record<string, string>): AcceptedText => {
    const message = {
      sid: `SM${randomBytes(16).toString('hex')}`,
      to: form['To'] ?? '',
      from: form['From'] ?? null,
      body: form['Body'] ?? '',
      statusCallback: form['StatusCallback'],
      createdAt: new Date(),
    };
    accepted.push(message);
    return message;
  };

  const create = async (form: Record<string, string>, response: ServerResponse) => {
    requests.create += 1;
    const problems = twilioProblems('create', form);
    if (problems.length > 0) {
      misfits.push(`create: ${problems.join(', ')}`);
      return refuse(response, 400, 21211, problems.join(', '));
    }
    const to = form['To'] ?? '';
    const attempt = (asked.get(to) ?? 0) + 1;
    asked.set(to, attempt);
    if (standIn.acceptDelayMs > 0) await setTimeout(standIn.acceptDelayMs);
    const mood = standIn.mood(to, attempt);
    switch (mood.type) {
      case 'accept':
        return answer(response, 201, described(accept(form)));
      case 'refuse':
        return refuse(response, mood.status, mood.code, mood.message ?? 'refused');
      case 'lie':
        accept(form);
        return undefined;
      case 'accept-and-cut':
        accept(form);
        response.destroy();
        return undefined;
      case 'silent':
        return undefined;
      case 'cut':
        response.destroy();
        return undefined;
      case 'broken':
        if (mood.accepted) accept(form);
        response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>');
        return undefined;
    }
  };

  const list = (query: URLSearchParams, response: ServerResponse) => {
    requests.list += 1;
    const fields = Object.fromEntries(query);
    const problems = twilioProblems('list', fields);
    if (problems.length > 0) {
      misfits.push(`list: ${problems.join(', ')}`);
      return refuse(response, 400, 20001, problems.join(', '));
    }
    const found = accepted
      .filter(({ to, from }) => (fields['To'] ?? to) === to && (fields['From'] ?? from) === from)
      .toReversed()
      .slice(0, Number(fields['PageSize'] ?? 50));
    answer(response, 200, {
      page: 0,
      page_size: found.length,
      start: 0,
      end: found.length,
      uri: path,
      first_page_uri: path,
      next_page_uri: null,
      previous_page_uri: null,
      messages: found.map(described),
    });
  };

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://stand-in');
    const body = await read(request);
    if (standIn.delayMs > 0) await setTimeout(standIn.delayMs);
    if (request.headers.authorization !== password) return refuse(response, 401, 20003, 'Authenticate');
    if (pathname !== path) return refuse(response, 404, 20404, 'not found');
    if (request.method === 'GET') return list(searchParams, response);
    return create(Object.fromEntries(new URLSearchParams(body)), response);
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const leave = async () => {
    if (!server.listening) return;
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  const standIn: TwilioStandIn = {
    url: `http://127.0.0.1:${port}`,
    accepted,
    misfits,
    requests,
    mood: () => ({ type: 'accept' }),
    delayMs: 0,
    acceptDelayMs: 0,
    leave,
    async comeBack() {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    [Symbol.asyncDispose]: leave,
  };
  return standIn;
}

function described({ sid, to, from, body, createdAt }: AcceptedText): object {
  return {
    sid,
    to,
    from,
    body,
    account_sid: account.accountSid,
    api_version: '2010-04-01',
    date_created: createdAt.toUTCString(),
    date_updated: createdAt.toUTCString(),
    date_sent: null,
    direction: 'outbound-api',
    error_code: null,
    error_message: null,
    messaging_service_sid: null,
    num_media: '0',
    num_segments: '1',
    price: null,
    price_unit: null,
    status: 'queued',
    subresource_uris: {},
    uri: `/2010-04-01/Accounts/${account.accountSid}/Messages/${sid}.json`,
  };
}

function refuse(response: ServerResponse, status: number, code: number, message: string): void {
  answer(response, status, {
    code,
    message,
    more_info: `https://www.twilio.com/docs/errors/${code}`,
    status,
  });
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function read(request: IncomingMessage): Promise<string> {
  request.setEncoding('utf8');
  let text = '';
  for await (const piece of request) text += piece;
  return text;
}
