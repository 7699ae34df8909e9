import cookie from '@fastify/cookie';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Sql } from 'postgres';
import type { OpenSlots } from '#availability/open-slots.ts';
import type { Conversation } from '#conversation/conversation.ts';
import { answerFaults } from '#http/error-answer.ts';
import type { Languages } from '#language/languages.ts';
import type { Directory } from '#organization/directory.ts';
import type { Prompts } from '#prompts/templates.ts';
import type { Events } from '#telemetry/events.ts';
import type { Log } from '#telemetry/log.ts';
import { callsRoutes } from './calls-routes.ts';
import { healthRoutes } from './health-routes.ts';
import type { Doors } from './line.ts';
import { lineRoutes } from './line-routes.ts';
import { liveRoutes } from './live-routes.ts';
import { openApi } from './openapi.ts';
import { pages, securityHeaders } from './pages.ts';
import { promptsRoutes } from './prompts-routes.ts';
import { apiPrefix, type DescribedRoute, routeAdder } from './route.ts';
import { createOneTimeCodes, createSessions } from './session.ts';
import { signIn } from './sign-in.ts';
import { slotsRoutes } from './slots-routes.ts';

export interface ConsoleParts extends Pick<Conversation, 'turnWatch' | 'toolsFor' | 'dependencies'> {
  sql: Sql;
  directory: Directory;
  openSlots: OpenSlots;
  prompts: Prompts;
  languages: Languages;
  /** The voice platform's doors, for a call that a browser makes. */
  doors: Doors;
  /** The installation's secret: signs in, and signs the cookies. */
  secret: string;
  /** The address that others were given; where it is https, nobody's cookie is sent in the clear. */
  publicUrl?: string | undefined;
  /** Whether text messages are really sent. */
  texting: boolean;
  happenings: Events;
  log: Log;
}

export interface Console {
  /** The path of a link that signs in once, whoever opens it first within a quarter of an hour. */
  signInPath(): string;
  /** Makes the pages before somebody asks for them. */
  prepare(): Promise<void>;
}

/** Prompts and whole histories are tens of kilobytes; nothing the pages send is larger than this. */
const bodyLimitBytes = 512 * 1024;

/** The staff's pages at `/` and their API at `/console/api`, behind a sign-in of its own. */
export function createConsole(http: FastifyInstance, parts: ConsoleParts): Console {
  const { directory, secret, log } = parts;
  const sessions = createSessions({ secret, directory });
  const codes = createOneTimeCodes();
  const described: DescribedRoute[] = [];
  const { prepare } = pages(http);

  // Pages that watch would keep a server that stops open.
  const stopping = new AbortController();
  http.addHook('preClose', async () => stopping.abort());

  const api: FastifyPluginAsync = async (api) => {
    await api.register(cookie);
    await api.register(rateLimit, { global: false });
    readJson(api);
    api.addHook('onRequest', async (_request, reply) => {
      reply.headers({ ...securityHeaders, 'cache-control': 'no-store' });
    });
    answerFaults(api, { log, faultStatus: 503 });
    api.get('/openapi.json', async () => openApi(described));
    signIn(api, { secret, directory, sessions, codes, described, publicUrl: parts.publicUrl });
    const add = routeAdder(api, { directory, sessions, described });
    slotsRoutes(add, parts);
    callsRoutes(add, parts);
    lineRoutes(add, parts);
    promptsRoutes(add, parts);
    healthRoutes(add, parts);
    liveRoutes(add, { ...parts, stopping: stopping.signal });
  };
  http.register(api, { prefix: apiPrefix });
  return { signInPath: () => `/#sign-in=${codes.make()}`, prepare };
}

/** The doors of voice platforms take bytes; here it is JSON or nothing, and no other site can send that unasked. */
function readJson(api: FastifyInstance): void {
  api.removeAllContentTypeParsers();
  const json = api.getDefaultJsonParser('error', 'error');
  api.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: bodyLimitBytes }, json);
}
