import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * A key for one organization that is made from the installation's secret and stored nowhere: what Holdline itself
 * writes into an assistant's headers, and the secret of that organization's HMAC signatures. It says whose it is,
 * so that checking it costs one hash; it ends when the installation's secret is changed.
 *
 * @param secret the installation's, `VAPI_SECRET`
 * @returns `hl.<organization key>.<43 characters>`
 */
export function organizationKey(secret: string, organization: { id: string; key: string }): string {
  const proof = createHmac('sha256', secret).update(`organization ${organization.id}`).digest('base64url');
  return `hl.${organization.key}.${proof}`;
}

/** Which organization a key claims to be of; nothing when it has another form. Claiming proves nothing. */
export function claimedOrganization(key: string): string | undefined {
  return /^hl\.([a-z0-9-]{1,63})\.[\w-]{43}$/.exec(key)?.[1];
}

/** Whether two secrets are the same, in a time that tells nothing about where they differ. */
export function sameSecret(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
