import type { IncomingHttpHeaders } from 'node:http';
import type { Directory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';
import { isSigned, type Signed, signatureFits } from './hmac-signature.ts';
import { claimedOrganization, organizationKey, sameSecret } from './organization-key.ts';

export type Authenticated =
  /** The installation's secret: which organization, the call says. */
  | { allowed: true; organization: undefined }
  /** An organization's own key: it opens that organization alone, whatever the call says. */
  | { allowed: true; organization: Organization }
  | { allowed: false };

export type Authenticate = (request: Signed) => Authenticated;

/** Which organization's secret a signature was made with; it only chooses what is checked. */
const organizationHeader = 'x-holdline-organization';

/**
 * Who is calling us: `Authorization: Bearer <secret>` or the bare secret (Vapi's documentation leaves both open),
 * `x-holdline-key`, or `x-vapi-secret`, with the installation's secret or an organization's key; or Vapi's HMAC over
 * the raw body, with the installation's secret, or with an organization's when `x-holdline-organization` names it.
 * Compared in constant time; no secret configured means refused.
 */
export function createAuthentication({
  secret,
  directory,
}: {
  secret: string;
  directory: Directory;
}): Authenticate {
  return (request) => {
    for (const given of presented(request.headers)) {
      if (secret !== '' && sameSecret(given, secret)) return { allowed: true, organization: undefined };
      const organization = directory.ofKey(given) ?? ofMadeKey(given);
      if (organization !== undefined) return { allowed: true, organization };
    }
    return secret !== '' && isSigned(request.headers) ? bySignature(request) : { allowed: false };
  };

  function ofMadeKey(given: string): Organization | undefined {
    const organization = directory.named(claimedOrganization(given) ?? '');
    const fits =
      secret !== '' && organization !== undefined && sameSecret(given, organizationKey(secret, organization));
    return fits ? organization : undefined;
  }

  function bySignature(request: Signed): Authenticated {
    const named = request.headers[organizationHeader];
    const organization = directory.named(typeof named === 'string' ? named : '');
    if (organization !== undefined && signatureFits(request, organizationKey(secret, organization))) {
      return { allowed: true, organization };
    }
    return signatureFits(request, secret) ? { allowed: true, organization: undefined } : { allowed: false };
  }
}

function presented(headers: IncomingHttpHeaders): string[] {
  const authorization = headers.authorization?.replace(/^bearer\s+/i, '');
  return [authorization, headers['x-holdline-key'], headers['x-vapi-secret']]
    .flatMap((value) => (typeof value === 'string' ? [value.trim()] : []))
    .filter((value) => value !== '');
}
