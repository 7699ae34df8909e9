import type {} from '@fastify/cookie';
import type {} from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Directory } from '#organization/directory.ts';
import {
  cookieName,
  type DescribedRoute,
  instant,
  isForeign,
  isProven,
  Refusal,
  refuse,
  sessionOf,
} from './route.ts';
import { type OneTimeCodes, type Session, type Sessions, type SignedInBy, same } from './session.ts';

/**
 * Wrong ones from one address. Nobody mistypes ten times a minute; a machine that guesses would need ages at this pace.
 */
const attemptsPerMinuteMax = 10;

const signInBody = z.union([
  z.object({ secret: z.string().min(1).max(1_000) }),
  /** From the link in the terminal. */
  z.object({ code: z.string().min(1).max(1_000) }),
]);

const sessionAnswer = z.discriminatedUnion('signedIn', [
  z.object({ signedIn: z.literal(false) }),
  z.object({
    signedIn: z.literal(true),
    who: z.string(),
    role: z.enum(['see', 'edit']),
    endsAt: instant,
    /** To be sent back in `x-holdline-proof` with everything that changes something. */
    proof: z.string(),
    organizations: z.array(
      z.object({
        key: z.string(),
        name: z.string(),
        zone: z.string(),
        languages: z.array(z.string()),
        practitioners: z.array(z.object({ key: z.string(), name: z.string() })),
      }),
    ),
  }),
]);

export type SessionAnswer = z.input<typeof sessionAnswer>;

export interface SignInParts {
  secret: string;
  directory: Directory;
  sessions: Sessions;
  codes: OneTimeCodes;
  described: DescribedRoute[];
  /** Where others reach the pages. */
  publicUrl: string | undefined;
}

/** Signing in with a key, the installation's secret or a one-time code; who is signed in; signing out. */
export function signIn(api: FastifyInstance, parts: SignInParts): void {
  const { sessions, directory } = parts;
  describe(parts.described);

  api.get('/session', async (request, reply) => {
    return reply.send(z.encode(sessionAnswer, answerFor(sessionOf(request, sessions), parts)));
  });

  const attempts = api.createRateLimit({ max: attemptsPerMinuteMax, timeWindow: '1 minute' });
  api.post('/session', async (request, reply) => {
    if (isForeign(request)) return refuse(reply, new Refusal(403, 'this request comes from another site'));
    const before = await attempts(request, { increment: false });
    if (!before.isAllowed && before.remaining === 0) {
      reply.header('retry-after', before.ttlInSeconds);
      return refuse(reply, new Refusal(429, 'too many wrong keys; wait a minute'));
    }
    const body = signInBody.safeParse(request.body);
    if (!body.success) return refuse(reply, new Refusal(400, 'send {"secret": "…"} as JSON'));
    const begun = sessions.begin(whoSignsIn(body.data, parts) ?? { keyId: '' });
    if (begun === undefined) {
      await attempts(request);
      return refuse(
        reply,
        new Refusal(
          401,
          'code' in body.data
            ? 'this link was used already or is too old; sign in with a key'
            : 'no key or secret is this one; check for missing characters',
        ),
      );
    }
    // A tunnel that ends TLS asks us in the clear. On the machine itself there is no certificate: where the address
    // that others use is https, Chrome and Firefox keep such a cookie on loopback too.
    const isSecure = request.protocol === 'https' || parts.publicUrl?.startsWith('https:') === true;
    setCookie(reply, { ...begun, isSecure });
    return reply.send(z.encode(sessionAnswer, answerFor(begun.session, { ...parts, directory })));
  });

  api.delete('/session', async (request, reply) => {
    const session = sessionOf(request, sessions);
    if (session !== undefined && !isProven(request, session, sessions)) {
      return refuse(reply, new Refusal(403, 'the proof of this session is missing; reload the page'));
    }
    reply.clearCookie(cookieName, { path: '/' });
    return reply.send({ signedIn: false });
  });
}

function whoSignsIn(
  given: z.infer<typeof signInBody>,
  { secret, directory, codes }: SignInParts,
): SignedInBy | undefined {
  if ('code' in given) return codes.use(given.code) ? 'installation' : undefined;
  const presented = given.secret.trim();
  if (secret !== '' && same(presented, secret)) return 'installation';
  const key = directory.staffKey(presented);
  return key === undefined ? undefined : { keyId: key.id };
}

function setCookie(
  reply: FastifyReply,
  { cookie, session, isSecure }: { cookie: string; session: Session; isSecure: boolean },
): void {
  reply.setCookie(cookieName, cookie, {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure: isSecure,
    expires: session.endsAt,
  });
}

function answerFor(
  session: Session | undefined,
  { sessions, directory }: { sessions: Sessions; directory: Directory },
): z.output<typeof sessionAnswer> {
  if (session === undefined) return { signedIn: false };
  const organizations = session.organization === null ? directory.all() : [session.organization];
  return {
    signedIn: true,
    who: session.who,
    role: session.role,
    endsAt: session.endsAt,
    proof: sessions.proofOf(session),
    organizations: organizations.sort((one, other) => one.name.localeCompare(other.name)),
  };
}

function describe(described: DescribedRoute[]): void {
  const none = { params: z.object({}), query: z.object({}), path: '/session', role: 'nobody' } as const;
  described.push(
    { ...none, method: 'GET', summary: 'Who is signed in', body: undefined, answer: sessionAnswer },
    {
      ...none,
      method: 'POST',
      summary: 'Signs in: with an organization’s key, the installation’s secret, or a one-time code',
      body: signInBody,
      answer: sessionAnswer,
    },
    { ...none, method: 'DELETE', summary: 'Signs out', body: undefined, answer: sessionAnswer },
  );
}
