import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Directory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';

export type Authenticated =
  /** The installation's secret: which organization, the call says. */
  | { allowed: true; organization: undefined }
  /** An organization's own key: it opens that organization alone, whatever the call says. */
  | { allowed: true; organization: Organization }
  | { allowed: false };

/**
 * Who is calling us: `Authorization: Bearer <secret>` or the bare secret (Vapi's documentation leaves both open),
 * `x-holdline-key`, or `x-vapi-secret`. Compared in constant time; no secret configured means refused.
 */
export function createAuthentication({ secret, directory }: { secret: string; directory: Directory }) {
  const expected = digest(secret);
  return (headers: IncomingHttpHeaders): Authenticated => {
    for (const given of presented(headers)) {
      if (secret !== '' && timingSafeEqual(digest(given), expected))
        return { allowed: true, organization: undefined };
      const organization = directory.ofKey(given);
      if (organization !== undefined) return { allowed: true, organization };
    }
    return { allowed: false };
  };
}

function presented(headers: IncomingHttpHeaders): string[] {
  const authorization = headers.authorization?.replace(/^bearer\s+/i, '');
  return [authorization, headers['x-holdline-key'], headers['x-vapi-secret']]
    .flatMap((value) => (typeof value === 'string' ? [value.trim()] : []))
    .filter((value) => value !== '');
}

/** Digests have one length, so that comparing them tells nothing about the secret's. */
function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}
