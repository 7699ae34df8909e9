import type { Server } from 'node:http';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import type { Sql } from 'postgres';
import type { OpenSlots } from '#availability/open-slots.ts';
import type { Claiming } from '#booking/holds.ts';
import { type Console, createConsole } from '#console/console.ts';
import type { Admission } from '#conversation/admission.ts';
import { type Conversation, createConversation } from '#conversation/conversation.ts';
import type { Spoken } from '#conversation/speech.ts';
import { googleHooks } from '#hooks/google-hooks.ts';
import { twilioHooks } from '#hooks/twilio-hooks.ts';
import { answerFaults } from '#http/error-answer.ts';
import type { CalendarAccess } from '#jobs/calendar-access.ts';
import type { Languages } from '#language/languages.ts';
import type { LanguageModel } from '#model/language-model.ts';
import type { Directory } from '#organization/directory.ts';
import type { Prompts } from '#prompts/templates.ts';
import { isTwilios } from '#sms/webhooks.ts';
import { type DoorParts, socketDoors } from '#sockets/doors.ts';
import type { Store } from '#storage/store.ts';
import type { Events } from '#telemetry/events.ts';
import type { Log } from '#telemetry/log.ts';
import { metricsPage } from '#telemetry/metrics.ts';
import { type VapiDoors, vapiDoors } from '#vapi/vapi-doors.ts';

export interface AppParts {
  sql: Sql;
  store: Store;
  /** What a rush on one slot is thinned with, if anything. */
  claimLock: Claiming['claimLock'];
  openSlots: OpenSlots;
  /** The way to organizations' Google calendars. */
  calendars: CalendarAccess | undefined;
  directory: Directory;
  prompts: Prompts;
  /** What callers are understood and spoken to in. */
  languages: Languages;
  model: LanguageModel;
  vapiSecret: string;
  /** Where Vapi reaches us; without it no assistant can be made that points at us. */
  publicUrl?: string | undefined;
  /** Domains a call's control url may be under. */
  controlHosts: string[];
  trustProxy: boolean;
  /** Whose texts and calls these are; without one, texts are recorded and not sent, and no call of Twilio's is let in. */
  twilio?: { accountSid: string; authToken: string } | undefined;
  /** Whether there is room for new calls. */
  admission: Admission;
  /** What happens, for those who watch. */
  happenings: Events;
  /** What becomes of words before they are heard; by default they are heard as they are. */
  spoken?: Spoken | undefined;
  /** Smaller for tests. */
  socketLimits?: DoorParts['socketLimits'];
  log: Log;
}

export interface App extends AsyncDisposable {
  http: FastifyInstance;
  /** The staff's pages: how to sign in once, and their being made before they are asked for. */
  staff: Console;
}

/** How long running turns may go on after the doors were closed; Vapi itself gives up on a turn after 20 s. */
const drainMs = 10_000;

/** The composition: which room gets what. Disposing closes the doors first, then lets turns and commits end. */
export function createApp(parts: AppParts): App {
  const { twilio, log } = parts;
  const conversation = createConversation({ ...parts, texting: twilio !== undefined });
  const http = bareServer(parts);
  health(http, conversation);
  providersHooks(http, parts);
  const vapi = vapiDoors(http, {
    ...parts,
    conversation,
    secret: parts.vapiSecret,
    publicUrl: parts.publicUrl,
  });
  socketDoors(http, {
    ...parts,
    ...conversation,
    authenticate: vapi.authenticate,
    isTwilios: (request) => twilio !== undefined && isTwilios(request, twilio.authToken),
  });
  const staff = staffPages(http, parts, { conversation, vapi });

  const answered = answering(http.server);
  return {
    http,
    staff,
    async [Symbol.asyncDispose]() {
      const closed = http.close();
      const late = await Promise.race([answered(), wait(drainMs).then(() => 'late' as const)]);
      if (late === 'late') log.warn({ drainMs }, 'turns are still running; their connections are closed now');
      // Idle connections, and those on which nothing was ever asked, would keep the server open.
      http.server.closeAllConnections();
      await closed;
      await Promise.race([conversation[Symbol.asyncDispose](), wait(drainMs)]);
      await vapi[Symbol.asyncDispose]();
    },
  };
}

/** Where Google and Twilio tell us what happened. */
function providersHooks(http: FastifyInstance, parts: AppParts): void {
  googleHooks(http, { ...parts, publicUrl: parts.publicUrl });
  twilioHooks(http, { ...parts, account: parts.twilio, publicUrl: parts.publicUrl });
}

/** The server without a door. Bodies are checked as bytes (signatures) and read by the doors, which know what to answer. */
function bareServer({ log, trustProxy }: AppParts): FastifyInstance {
  const http: FastifyInstance = fastify({
    // Fastify speaks up only when something is wrong; what happens is told by us.
    loggerInstance: log.child({}, { level: quieter(log.level) }) as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy,
    // A call's next turn may arrive on an open connection while we stop: it is answered, not refused.
    return503OnClosing: false,
  });
  answerFaults(http, { log, faultStatus: 500 });
  http.removeAllContentTypeParsers();
  http.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  return http;
}

/** Gives a function whose promise resolves when every request that is being answered has been. */
function answering(server: Server): () => Promise<void> {
  let running = 0;
  let whenNone = () => {};
  server.on('request', (_request, response) => {
    running += 1;
    response.once('close', () => {
      running -= 1;
      if (running === 0) whenNone();
    });
  });
  return () =>
    new Promise((resolve) => {
      whenNone = resolve;
      if (running === 0) resolve();
    });
}

/** The console, on what the doors work with; its own calls come in by those doors. */
function staffPages(
  http: FastifyInstance,
  parts: AppParts,
  { conversation, vapi }: { conversation: Conversation; vapi: VapiDoors },
): Console {
  return createConsole(http, {
    ...parts,
    ...conversation,
    secret: parts.vapiSecret,
    texting: parts.twilio !== undefined,
    doors: { url: () => ownUrl(http.server), keyFor: vapi.keyFor },
  });
}

/** Where this process itself reaches its doors, whatever address it listens on. */
function ownUrl(server: Server): string {
  const at = server.address();
  if (at === null || typeof at === 'string') throw new Error('the doors are not open yet');
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[at.address] ?? at.address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${at.port}`;
}

/** Liveness, readiness with the state of each dependency, and the process's figures. */
function health(http: FastifyInstance, conversation: Conversation): void {
  http.get('/health', async () => ({ status: 'ok' }));
  http.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metricsPage();
    return reply.type(contentType).send(text);
  });
  http.get('/ready', async (_request, reply) => {
    const states = await conversation.dependencies();
    const answer = Object.fromEntries(states.map(({ name, state }) => [name, state]));
    return reply.code(states.every(({ name, ok }) => ok || name !== 'ledger') ? 200 : 503).send(answer);
  });
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

function quieter(level: string): string {
  return level === 'info' ? 'warn' : level;
}
