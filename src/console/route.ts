import type {} from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { answerError } from '#http/error-answer.ts';
import type { Directory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';
import type { Session, Sessions } from './session.ts';

/** Where the console's API is; a route's path stands behind it. */
export const apiPrefix = '/console/api';
export const cookieName = 'holdline_session';
/** The header that carries a session's proof on every request that changes something. */
export const proofHeader = 'x-holdline-proof';

/** An instant: ISO 8601 on the wire, a `Date` in here. */
export const instant = z.codec(z.iso.datetime({ offset: true }), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});

/** A route of one organization: `path` stands behind `/organizations/:organization`. */
export interface OrganizationRoute<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Answer extends z.ZodType,
> {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  summary: string;
  /** What the session must be allowed: `see` to read, `edit` to change something. */
  role: 'see' | 'edit';
  params?: Params;
  query?: Query;
  body?: Body;
  /** What is answered; the fields named here and no others. `null`: the handler writes the answer itself. */
  answer: Answer | null;
  handle(asked: {
    organization: Organization;
    session: Session;
    /** Whether the session is still good, for an answer that goes on and on. */
    stillOpen: () => boolean;
    params: z.output<Params>;
    query: z.output<Query>;
    body: z.output<Body>;
    reply: FastifyReply;
  }): Promise<z.output<Answer> | Refusal | Written>;
}

/** An expected no: a status of the 4xx kind and a sentence that says what to do. */
export class Refusal {
  readonly status: number;
  readonly message: string;

  constructor(status: number, message: string) {
    this.status = status;
    this.message = message;
  }
}

/** The handler has written the answer by itself. */
export const written = Symbol('written');
export type Written = typeof written;

/** What the API's description is made from. */
export interface DescribedRoute {
  method: string;
  path: string;
  summary: string;
  role: 'see' | 'edit' | 'nobody';
  params: z.ZodObject;
  query: z.ZodObject;
  body: z.ZodType | undefined;
  answer: z.ZodType | null;
}

/** Adds routes of an organization to the API. */
export type AddRoute = <
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
>(
  route: OrganizationRoute<Params, Query, Body, Answer>,
) => void;

/**
 * Every route of an organization passes here: a session is needed, it must be that organization's or the
 * installation's, its role must reach, and a change must carry the session's proof. Another organization looks like
 * one that does not exist. Arguments are parsed once; the answer is written through its schema.
 */
export function routeAdder(
  api: FastifyInstance,
  {
    directory,
    sessions,
    described,
  }: { directory: Directory; sessions: Sessions; described: DescribedRoute[] },
): AddRoute {
  return (route) => {
    const { params = z.object({}), query = z.object({}), body, answer } = route;
    const path = `/organizations/:organization${route.path}`;
    described.push({ ...route, path, params, query, body, answer });
    api.route({
      method: route.method,
      url: path,
      handler: async (request, reply) => {
        const allowed = admit(request, { directory, sessions, role: route.role });
        if (allowed instanceof Refusal) return refuse(reply, allowed);
        const read = z
          .object({ params, query, body: body ?? z.unknown() })
          .safeParse({ params: request.params, query: request.query, body: request.body });
        if (!read.success) return refuse(reply, new Refusal(400, z.prettifyError(read.error)));
        const { params: givenParams, query: givenQuery, body: givenBody } = read.data as never;
        const stillOpen = () => sessionOf(request, sessions) !== undefined;
        const asked = {
          ...allowed,
          stillOpen,
          params: givenParams,
          query: givenQuery,
          body: givenBody,
          reply,
        };
        const answered = await route.handle(asked);
        if (answered instanceof Refusal) return refuse(reply, answered);
        if (answer === null || answered === written) return reply;
        return reply.send(z.encode(answer, answered));
      },
    });
  };
}

export function refuse(reply: FastifyReply, { status, message }: Refusal): FastifyReply {
  return answerError(reply, status, message);
}

/** The session of a request's cookie, if there is one and it has not ended. */
export function sessionOf(request: FastifyRequest, sessions: Sessions): Session | undefined {
  const cookie = request.cookies[cookieName];
  return cookie === undefined ? undefined : sessions.of(cookie);
}

/** Whether a browser says that another site's page sent this. Those that do not say are held to the proof. */
export function isForeign(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

/** Whether a change is proven to be the session's own wish. */
export function isProven(request: FastifyRequest, session: Session, sessions: Sessions): boolean {
  const proof = request.headers[proofHeader];
  return typeof proof === 'string' && sessions.proves(session, proof);
}

function admit(
  request: FastifyRequest,
  { directory, sessions, role }: { directory: Directory; sessions: Sessions; role: 'see' | 'edit' },
): { organization: Organization; session: Session } | Refusal {
  if (isForeign(request)) return new Refusal(403, 'this request comes from another site');
  const session = sessionOf(request, sessions);
  if (session === undefined) return new Refusal(401, 'nobody is signed in; sign in at /');
  if (request.method !== 'GET' && !isProven(request, session, sessions)) {
    return new Refusal(403, `the header ${proofHeader} is missing or wrong; reload the page`);
  }
  const { organization: name } = request.params as { organization: string };
  const organization = directory.named(name);
  const own = session.organization === null || session.organization.id === organization?.id;
  if (organization === undefined || !own) return new Refusal(404, `there is no organization ${name}`);
  if (role === 'edit' && session.role !== 'edit') {
    return new Refusal(403, 'this key may only see; sign in with one that may edit');
  }
  return { organization, session };
}
