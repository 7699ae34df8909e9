import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Directory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';

/** Somebody who has signed in, as it is at this request. */
export interface Session {
  id: string;
  endsAt: Date;
  /** The label of the key that was signed in with, or `installation`. */
  who: string;
  role: 'see' | 'edit';
  /** The one whose key it is; `null` for the installation's secret, which opens all. */
  organization: Organization | null;
}

/** Who signed in: by which key, or with the installation's secret. */
export type SignedInBy = { keyId: string } | 'installation';

export interface Sessions {
  /** A session from now on: what the cookie holds, and the session itself. Nothing for a key that is not there. */
  begin(by: SignedInBy): { cookie: string; session: Session } | undefined;
  /** What a cookie's session is now; nothing when it ended, was forged, or its key was revoked. */
  of(cookie: string): Session | undefined;
  /** What a request that changes something has to carry beside the cookie: another site cannot know it. */
  proofOf(session: Session): string;
  /** Whether a request's proof is the session's, in constant time. */
  proves(session: Session, proof: string): boolean;
}

/** A working day: signed in in the morning, out by night. It is not prolonged. */
const lifetimeMs = 12 * 3_600_000;

const sealed = z.object({
  id: z.string(),
  by: z.union([z.literal('installation'), z.object({ keyId: z.string() })]),
  endsAtMs: z.number(),
});

/**
 * Sessions that are kept nowhere but in the visitor's cookie, signed: the health page has to open on the day Postgres
 * does not, and every process knows every session. Whose it is, is looked up anew for each request, so that a revoked
 * key's sessions end with it; changing the installation's secret ends all.
 *
 * @param secret the installation's, from which the keys of cookies and proofs are made
 */
export function createSessions({
  secret,
  directory,
  nowMs = Date.now,
}: {
  secret: string;
  directory: Directory;
  nowMs?: () => number;
}): Sessions {
  const sign = (purpose: string, text: string) =>
    createHmac('sha256', secret).update(`console ${purpose} ${text}`).digest('base64url');

  function resolve({ id, by, endsAtMs }: z.infer<typeof sealed>): Session | undefined {
    const endsAt = new Date(endsAtMs);
    if (by === 'installation') return { id, endsAt, who: 'installation', role: 'edit', organization: null };
    const key = directory.staffKeyById(by.keyId);
    if (key === undefined) return undefined;
    return { id, endsAt, who: key.label, role: key.role, organization: key.organization };
  }

  const proofOf = (session: Session) => sign('proof', session.id);
  return {
    begin(by) {
      const content = { id: randomBytes(18).toString('base64url'), by, endsAtMs: nowMs() + lifetimeMs };
      const session = resolve(content);
      if (session === undefined) return undefined;
      const text = Buffer.from(JSON.stringify(content)).toString('base64url');
      return { cookie: `${text}.${sign('session', text)}`, session };
    },
    of(cookie) {
      const [text = '', signature = ''] = cookie.split('.');
      if (!same(signature, sign('session', text))) return undefined;
      const content = sealed.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
      return content.endsAtMs > nowMs() ? resolve(content) : undefined;
    },
    proofOf,
    proves: (session, proof) => same(proof, proofOf(session)),
  };
}

/** Codes that sign in once, for the link a first start shows in its terminal. */
export interface OneTimeCodes {
  make(): string;
  /** Whether a code is good; it is not a second time. */
  use(code: string): boolean;
}

/** Time to find the terminal's link again, and no more: the page it opens lasts a working day. */
const codeLifetimeMs = 15 * 60_000;

/** In this process only, and gone with it. */
export function createOneTimeCodes(nowMs: () => number = Date.now): OneTimeCodes {
  const codes = new Map<string, number>();
  return {
    make() {
      const code = randomBytes(32).toString('base64url');
      codes.set(code, nowMs() + codeLifetimeMs);
      return code;
    },
    use(code) {
      const untilMs = codes.get(code);
      codes.delete(code);
      return untilMs !== undefined && nowMs() < untilMs;
    },
  };
}

/** Whether two secrets are the same, in a time that tells nothing about where they differ. */
export function same(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
