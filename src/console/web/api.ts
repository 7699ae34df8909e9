import type { ErrorAnswer } from '#http/error-answer.ts';
import type { SessionAnswer } from '../sign-in.ts';

/** Somebody who is signed in. */
export type SignedIn = Extract<SessionAnswer, { signedIn: true }>;
export type OrganizationAnswer = SignedIn['organizations'][number];

/** The server's no, with its reason in a sentence. */
class Problem extends Error {
  override name = 'Problem';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const base = '/console/api';
/** What a change has to carry beside the cookie; known to this page only. */
let proof = '';
let signedOut: () => void = () => {};

/** Called whenever an answer says that nobody is signed in any more. */
export function onSignedOut(handle: () => void): void {
  signedOut = handle;
}

export async function currentSession(): Promise<SessionAnswer> {
  return remember(await ask<SessionAnswer>('GET', '/session'));
}

export async function signInWith(body: { secret: string } | { code: string }): Promise<SessionAnswer> {
  return remember(await ask<SessionAnswer>('POST', '/session', { body }));
}

export async function signOut(): Promise<void> {
  await ask('DELETE', '/session');
  proof = '';
}

function remember(session: SessionAnswer): SessionAnswer {
  if (session.signedIn) proof = session.proof;
  return session;
}

interface Options {
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** One organization's part of the API. */
export interface Api {
  organization: string;
  get<T>(path: string, signal?: AbortSignal): Promise<T>;
  send<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<T>;
  /** Reads an answer event by event, until it ends or the signal ends it. */
  events(
    method: 'GET' | 'POST',
    path: string,
    options: Options,
  ): AsyncGenerator<{ type: string } & Record<string, unknown>>;
}

export function apiOf(organization: string): Api {
  const at = (path: string) => `/organizations/${encodeURIComponent(organization)}${path}`;
  return {
    organization,
    get: (path, signal) => ask('GET', at(path), { signal }),
    send: (method, path, body) => ask(method, at(path), { body }),
    events: (method, path, options) => readEvents(method, at(path), options),
  };
}

async function ask<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const response = await request(method, path, options);
  return (await response.json()) as T;
}

async function request(method: string, path: string, { body, signal }: Options): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(base + path, {
      method,
      headers: {
        ...(method === 'GET' ? {} : { 'x-holdline-proof': proof }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, 'The server does not answer. It is tried again when you go on.');
  }
  if (response.ok) return response;
  const { error } = (await response.json().catch(() => ({}))) as Partial<ErrorAnswer>;
  if (response.status === 401 && path !== '/session') signedOut();
  throw new Problem(response.status, sentence(error?.message ?? `The server answered ${response.status}.`));
}

async function* readEvents(method: string, path: string, options: Options) {
  const response = await request(method, path, options);
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) {
      if (event.startsWith('data: '))
        yield JSON.parse(event.slice('data: '.length)) as { type: string } & Record<string, unknown>;
    }
  }
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

/** What went wrong, as a sentence for whoever reads the page. */
export function problemText(error: unknown): string {
  return error instanceof Problem ? error.message : 'Something in this page went wrong. Reload it.';
}
