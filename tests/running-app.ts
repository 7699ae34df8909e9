import { randomUUID } from 'node:crypto';
import type { Sql } from 'postgres';
import { createOpenSlots, type OpenSlots } from '#availability/open-slots.ts';
import { fillSlots } from '#availability/slot-upkeep.ts';
import type { CalendarAccess } from '#jobs/calendar-access.ts';
import { openRunner } from '#jobs/runner.ts';
import { createHandlers } from '#jobs/tasks.ts';
import type { Languages } from '#language/languages.ts';
import type { LanguageModel } from '#model/language-model.ts';
import { createRehearsalModel } from '#model/rehearsal/rehearsal.ts';
import { demoClinic, seedDemoClinic } from '#organization/demo-clinic.ts';
import { type Directory, openDirectory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';
import { openPrompts } from '#prompts/templates.ts';
import { createMemoryStore } from '#storage/memory-store.ts';
import { openPostgres } from '#storage/postgres.ts';
import { openRedis } from '#storage/redis.ts';
import type { Store } from '#storage/store.ts';
import { createEvents, type Events } from '#telemetry/events.ts';
import { createLog, type Log } from '#telemetry/log.ts';
import { type AppParts, createApp } from '../src/app.ts';
import { promptsFolder } from '../src/config.ts';
import { languages as shipped } from './languages.ts';
import { openLedgerDatabase } from './ledger-database.ts';

export const vapiSecret = 'a-secret-only-for-tests';
/** Whose calls are let in by their signature; its texts are sent, where there is a worker. */
export const twilioAccount = {
  accountSid: `AC${'0'.repeat(32)}`,
  authToken: 'a-token-only-for-tests',
};
export const demoKey = 'a-demo-key-only-for-tests';

/** The whole server on a port of its own, on a ledger of its own with the demo clinic in it. */
export interface RunningApp extends AsyncDisposable {
  url: string;
  sql: Sql;
  organization: Organization;
  directory: Directory;
  happenings: Events;
  store: Store;
  openSlots: OpenSlots;
  /** The path of a link that signs in to the console once. */
  signInPath: () => string;
  /** Every HTTP door there is, e.g. `POST /vapi/events`. */
  doors: () => string[];
}

/** Room for whoever calls: a test's machine may be busy with other tests. */
const openDoors: AppParts['admission'] = {
  open: true,
  take: () => true,
  turn: () => ({ waited() {}, [Symbol.dispose]() {} }),
  [Symbol.dispose]() {},
};

/** @param redisUrl a real Redis; without one, the in-process store */
export async function startApp({
  model = createRehearsalModel(),
  redisUrl,
  ledgerUrl,
  folder = promptsFolder,
  languages = shipped,
  calendars,
  push = true,
  publicUrl = 'https://holdline.example',
  socketLimits,
  twilio,
  admission = openDoors,
  spoken,
  log = createLog({ level: process.env['LOG_LEVEL'] ?? 'silent', pretty: true }),
}: {
  model?: LanguageModel;
  redisUrl?: string;
  /** Shares another app's ledger: a second process, as far as the ledger can tell. */
  ledgerUrl?: string;
  /** Where the templates are. */
  folder?: string;
  /** What is understood and spoken. */
  languages?: Languages;
  /** The way to Google; with it, a worker does the jobs. */
  calendars?: CalendarAccess;
  /** Whether Google may tell of changes. */
  push?: boolean;
  /** The address that platforms and browsers were given; it is asked at 127.0.0.1 all the same. */
  publicUrl?: string;
  socketLimits?: AppParts['socketLimits'];
  twilio?: AppParts['twilio'];
  /** Whether there is room for new calls. */
  admission?: AppParts['admission'];
  /** What becomes of words before they are heard. */
  spoken?: AppParts['spoken'];
  log?: Log;
} = {}): Promise<RunningApp & { ledgerUrl: string }> {
  await using opening = new AsyncDisposableStack();
  const appUrl = ledgerUrl ?? opening.use(await openLedgerDatabase()).appUrl;
  const { sql } = opening.use(await openPostgres({ url: appUrl, poolSize: 8, log }));
  const store = opening.use(
    redisUrl === undefined ? createMemoryStore() : await openRedis({ url: redisUrl, log }),
  );
  const prompts = opening.use(await openPrompts({ folder, sql, log }));
  await seedDemoClinic({ sql, key: demoKey });
  const directory = opening.use(await openDirectory({ sql, log }));
  const organization = directory.named(demoClinic.key);
  if (organization === undefined) throw new Error('the demo clinic is missing');
  await fillSlots(sql, organization, new Date());
  const openSlots = opening.use(createOpenSlots({ sql, store }));
  const happenings = opening.use(createEvents({ wire: store }));
  const { http, staff } = opening.use(
    createApp({
      sql,
      store,
      claimLock: store,
      openSlots,
      calendars,
      directory,
      prompts,
      languages,
      model,
      vapiSecret,
      publicUrl,
      controlHosts: ['127.0.0.1'],
      trustProxy: false,
      twilio,
      socketLimits,
      admission,
      happenings,
      spoken,
      log,
    }),
  );
  const url = await http.listen({ host: '127.0.0.1', port: 0 });
  if (calendars !== undefined) {
    const publicUrl = push ? url : undefined;
    const parts = {
      sql,
      openSlots,
      calendars,
      directory,
      prompts,
      languages,
      sender: undefined,
      publicUrl,
      log,
    };
    const handlers = createHandlers(parts);
    const runner = { url: appUrl, sql, handlers, schedules: [], log, pollIntervalMs: 50 };
    opening.use(await openRunner(runner));
  }
  const opened = opening.move();
  return {
    url,
    sql,
    organization,
    directory,
    happenings,
    store,
    openSlots,
    signInPath: staff.signInPath,
    doors: () => doorsIn(http.printRoutes({ commonPrefix: false })),
    ledgerUrl: appUrl,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Reads Fastify's tree of routes, in which a path stands below the path it begins with. */
function doorsIn(tree: string): string[] {
  const above: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', path, methods = ''] = /^([│ ]*)[├└]── (\S+) \(([^)]+)\)/.exec(line) ?? [];
    if (path === undefined) return [];
    const level = indent.length / 4;
    const whole = `${above[level - 1] ?? ''}${path}`;
    above[level] = whole === '/' ? '/' : whole;
    return methods.split(', ').map((method) => `${method} ${whole}`);
  });
}

/** Says that a call started, as Vapi does while it greets the caller. */
export async function announce(url: string, callSid: string): Promise<void> {
  await fetch(`${url}/vapi/events`, {
    method: 'POST',
    headers: { 'x-vapi-secret': vapiSecret },
    body: JSON.stringify({
      message: {
        type: 'status-update',
        status: 'in-progress',
        call: { id: callSid, assistantId: demoClinic.assistantId },
      },
    }),
  });
}

/** A caller on the line: sends what Vapi would and keeps the history as it was spoken. */
export class Caller {
  readonly callSid = randomUUID();
  readonly history: { role: string; content: string }[];
  /** Tools of the platform that the assistant has. */
  tools = ['endCall'];
  readonly #app: { url: string };
  readonly #number: string | undefined;

  constructor(app: { url: string }, number: string | undefined = '+12125550142') {
    this.#app = app;
    this.#number = number;
    this.history = [
      { role: 'system', content: 'You answer the phone.' },
      { role: 'assistant', content: 'Thank you for calling. How can I help?' },
    ];
  }

  /** Says something and hears the answer to its end. */
  async say(words: string): Promise<string> {
    this.history.push({ role: 'user', content: words });
    const response = await this.post();
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    const heard = spoken(await response.text());
    this.history.push({ role: 'assistant', content: heard });
    return heard;
  }

  post(signal?: AbortSignal): Promise<Response> {
    return fetch(`${this.#app.url}/vapi/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${vapiSecret}`, 'content-type': 'application/json' },
      body: JSON.stringify(this.body()),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  body(): object {
    const userTurns = this.history.filter((message) => message.role === 'user').length;
    return {
      model: 'receptionist',
      stream: true,
      messages: this.history,
      call: { id: this.callSid, type: 'inboundPhoneCall', assistantId: demoClinic.assistantId },
      ...(this.#number === undefined ? {} : { customer: { number: this.#number } }),
      metadata: { numUserTurns: userTurns, numAssistantTurns: userTurns },
      tools: this.tools.map((name) => ({ type: 'function', function: { name, parameters: {} } })),
    };
  }
}

/** The frames of an SSE answer, `[DONE]` left out. */
export function frames(sse: string): Frame[] {
  return sse
    .split('\n\n')
    .filter((event) => event.startsWith('data: ') && event !== 'data: [DONE]')
    .map((event) => JSON.parse(event.slice('data: '.length)) as Frame);
}

export interface Frame {
  id: string;
  object: string;
  choices: {
    index: number;
    delta: {
      role?: string;
      content?: string;
      tool_calls?: { index: number; function: { name: string; arguments: string } }[];
    };
    finish_reason: string | null;
  }[];
}

/** The words of an SSE answer. */
export function spoken(sse: string): string {
  return frames(sse)
    .map((frame) => frame.choices[0]?.delta.content ?? '')
    .join('');
}
