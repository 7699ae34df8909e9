import type { Server } from 'node:http';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import type { Sql } from 'postgres';
import type { OpenSlots } from '#availability/open-slots.ts';
import type { Claiming } from '#booking/holds.ts';
import { createTurnLedger } from '#booking/turns.ts';
import { type Console, createConsole } from '#console/console.ts';
import type { Admission } from '#conversation/admission.ts';
import { createCallLife } from '#conversation/call-life.ts';
import { createCallerSpeech } from '#conversation/caller-speech.ts';
import { createCarriedCalls } from '#conversation/carried-calls.ts';
import { dependencyStates } from '#conversation/dependency-states.ts';
import { createHoldWatch } from '#conversation/hold-watch.ts';
import { createListenAhead } from '#conversation/listen-ahead.ts';
import { createLiveCalls } from '#conversation/live-calls.ts';
import { runToolCalls, type ToolRequest } from '#conversation/platform-tool-calls.ts';
import { createSystemPrompt } from '#conversation/prompt.ts';
import {
  asTheyAre,
  createSpeakWithoutTurn,
  type SpeakWithoutTurn,
  type Spoken,
} from '#conversation/speech.ts';
import { createTellCall } from '#conversation/tell-call.ts';
import { createTemporalContexts, type TemporalContext } from '#conversation/temporal-context.ts';
import { runTurn } from '#conversation/turn.ts';
import { say, type TurnEvent, type TurnRequest } from '#conversation/turn-events.ts';
import { createTurnWatch, type TurnWatch } from '#conversation/turn-watch.ts';
import { googleHooks } from '#hooks/google-hooks.ts';
import { twilioHooks } from '#hooks/twilio-hooks.ts';
import type { CalendarAccess } from '#jobs/calendar-access.ts';
import type { Languages } from '#language/languages.ts';
import type { LanguageModel } from '#model/language-model.ts';
import type { Directory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';
import type { Prompts } from '#prompts/templates.ts';
import { isTwilios } from '#sms/webhooks.ts';
import { type DoorParts, socketDoors } from '#sockets/doors.ts';
import type { Store } from '#storage/store.ts';
import type { Events } from '#telemetry/events.ts';
import type { Log } from '#telemetry/log.ts';
import { metricsPage } from '#telemetry/metrics.ts';
import { createToolbox, type Toolbox } from '#tools/toolbox.ts';
import { assistantAnswer } from '#vapi/assistant-request.ts';
import { createAuthentication } from '#vapi/authentication.ts';
import { createCallControl } from '#vapi/call-control.ts';
import { chatCompletions } from '#vapi/chat-completions.ts';
import { organizationKey } from '#vapi/organization-key.ts';
import { serverUrlDoors } from '#vapi/server-url.ts';

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
  const { prompts, directory, log } = parts;
  const spoken = parts.spoken ?? asTheyAre;
  const speak = createSpeakWithoutTurn(prompts, spoken);
  const temporalContexts = createTemporalContexts(parts.languages);
  const conversation = conversing(parts, spoken, temporalContexts);
  const { runTurn, callLife, callerSpeech, liveCalls } = conversation;
  const callControl = createCallControl({ hosts: parts.controlHosts, log });

  const http = bareServer(parts);
  health(http, parts);
  providersHooks(http, parts);
  const authenticate = createAuthentication({ secret: parts.vapiSecret, directory });
  const assistantParts = {
    publicUrl: parts.publicUrl,
    secret: parts.vapiSecret,
    speak,
    variableValues: (organization: Organization, now: Date) =>
      variableValues(organization, temporalContexts({ organization, now })),
  };
  serverUrlDoors(http, {
    authenticate,
    directory,
    callLife,
    callerSpeech,
    runTools: conversation.runTools,
    speak,
    assistantFor: (organization, now) => assistantAnswer(assistantParts, organization, now),
    log,
  });
  const unknownOrganization = () => callOfNobody(speak);
  chatCompletions(http, { authenticate, directory, callControl, runTurn, unknownOrganization, log });
  socketDoors(http, {
    ...parts,
    authenticate,
    isTwilios: (request) => parts.twilio !== undefined && isTwilios(request, parts.twilio.authToken),
    runTurn,
    callLife,
    callerSpeech,
    carriedCalls: createCarriedCalls(parts.store),
    listenAhead: createListenAhead(parts.openSlots, parts.languages),
    speak,
  });
  const staff = staffPages(http, parts, conversation);

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
      await Promise.race([liveCalls[Symbol.asyncDispose](), wait(drainMs)]);
      await callControl[Symbol.asyncDispose]();
    },
  };
}

/** Turns and tool calls, and what the doors need beside them of the call's life. */
function conversing(
  parts: AppParts,
  spoken: Spoken,
  temporalContexts: ReturnType<typeof createTemporalContexts>,
) {
  const { sql, store, prompts, languages, happenings, model, log } = parts;
  const speaking = speakingBy(prompts, parts, temporalContexts);
  const liveCalls = createLiveCalls(store);
  const callerSpeech = createCallerSpeech(store);
  const callLife = createCallLife({ ...parts, ...speaking, liveCalls, events: happenings });
  const holdWatch = createHoldWatch({ sql, prompts, spoken, callerSpeech, events: happenings, log });
  const tellCall = createTellCall({ sql, events: happenings, log });
  const turnWatch = createTurnWatch();
  const begun = { turns: createTurnLedger(parts), admission: parts.admission, callLife, liveCalls };
  const turnParts = { ...speaking, ...begun, spoken, languages, model, holdWatch, tellCall, log };
  return {
    callLife,
    callerSpeech,
    liveCalls,
    turnWatch,
    toolbox: speaking.toolbox,
    runTools: (request: ToolRequest) => runToolCalls(turnParts, request),
    runTurn: (request: TurnRequest, signal: AbortSignal) =>
      turnWatch.turn(request, (drafts) => {
        const own =
          drafts.length === 0 ? {} : speakingBy(prompts.withDrafts(drafts), parts, temporalContexts);
        return runTurn({ ...turnParts, ...own }, request, signal);
      }),
  };
}

/** Where Google and Twilio tell us what happened. */
function providersHooks(http: FastifyInstance, parts: AppParts): void {
  googleHooks(http, { ...parts, publicUrl: parts.publicUrl });
  twilioHooks(http, { ...parts, account: parts.twilio, publicUrl: parts.publicUrl });
}

/** What speaks by these templates: the shared ones, or those of somebody who tries a text that is not saved. */
function speakingBy(
  prompts: Prompts,
  { sql, claimLock, openSlots, languages, twilio }: AppParts,
  contexts: ReturnType<typeof createTemporalContexts>,
) {
  return {
    prompts,
    toolbox: createToolbox({ sql, claimLock, openSlots, prompts, texting: twilio !== undefined }),
    systemPrompt: createSystemPrompt(prompts, languages, contexts),
  };
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
  { turnWatch, toolbox }: { turnWatch: TurnWatch; toolbox: Toolbox },
): Console {
  const secret = parts.vapiSecret;
  return createConsole(http, {
    ...parts,
    turnWatch,
    secret,
    toolsFor: (organization) => toolbox.definitionsFor(organization),
    texting: parts.twilio !== undefined,
    dependencies: () => dependencyStates(parts),
    doors: {
      url: () => ownUrl(http.server),
      keyFor: (organization) => organizationKey(secret, organization),
    },
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
function health(http: FastifyInstance, parts: AppParts): void {
  http.get('/health', async () => ({ status: 'ok' }));
  http.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metricsPage();
    return reply.type(contentType).send(text);
  });
  http.get('/ready', async (_request, reply) => {
    const states = await dependencyStates(parts);
    const answer = Object.fromEntries(states.map(({ name, state }) => [name, state]));
    return reply.code(states.every(({ name, ok }) => ok || name !== 'ledger') ? 200 : 503).send(answer);
  });
}

/** What a prompt written at Vapi may use, under the names our own templates have. */
function variableValues(organization: Organization, time: TemporalContext): Record<string, string> {
  const { currentDate, currentTime, tenantTimezone, businessHours, nextBusinessDay } = time;
  return {
    clinic: organization.name,
    receptionist: organization.receptionistName,
    currentDate,
    currentTime,
    tenantTimezone,
    businessHours,
    nextBusinessDay,
  };
}

function* callOfNobody(speak: SpeakWithoutTurn): Generator<TurnEvent> {
  yield say(speak('unknown-organization'));
  yield { type: 'finished', reason: 'stop' };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

function quieter(level: string): string {
  return level === 'info' ? 'warn' : level;
}
