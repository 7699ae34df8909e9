import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Directory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';
import type { Viewer } from './live-feed.ts';

/** What is known about who opens these doors; the doors of the other rooms know it by the same means. */
export interface WhoParts {
  directory: Directory;
  /** Whose key stands in a request's headers; without an organization, the installation's own. */
  authenticate: (request: {
    headers: IncomingHttpHeaders;
    body: Buffer;
    now: Date;
  }) => { allowed: true; organization: Organization | undefined } | { allowed: false };
  /** Whether a request is Twilio's, by its signature over url and form. */
  isTwilios: (request: {
    url: string;
    form: Record<string, string>;
    signature: string | undefined;
  }) => boolean;
  /** The address that platforms were given; without it, a request's own. */
  publicUrl?: string | undefined;
}

export interface Who {
  /** The organization whose key this is; nothing for the installation's secret, and for keys that may only see. */
  organizationOf(key: string): Organization | undefined;
  /** Who presents a key to the live feed. A key that may only see is shown no numbers and names. */
  viewerOf(request: FastifyRequest): Viewer | undefined;
  /** A socket's handshake is signed like any request, for its url as it stands in the TwiML. */
  isTwilios(request: FastifyRequest, form: Record<string, string>): boolean;
  /** Where this server is reached, `https://…` without a slash at the end. */
  publicUrl(request: FastifyRequest): string;
}

export function createWho(parts: WhoParts): Who {
  const owner = (headers: IncomingHttpHeaders) =>
    parts.authenticate({ headers, body: Buffer.alloc(0), now: new Date() });
  const publicUrl = (request: FastifyRequest) => parts.publicUrl ?? `${request.protocol}://${request.host}`;
  return {
    organizationOf(key) {
      const who = owner({ 'x-holdline-key': key });
      return who.allowed ? who.organization : undefined;
    },
    viewerOf({ headers }) {
      const who = owner(headers);
      if (who.allowed) return { organizationId: who.organization?.id, seesPersons: true };
      const key = headers.authorization?.replace(/^bearer\s+/i, '') ?? headers['x-holdline-key'];
      const staff = typeof key === 'string' ? parts.directory.staffKey(key.trim()) : undefined;
      return staff && { organizationId: staff.organization.id, seesPersons: staff.role === 'edit' };
    },
    isTwilios(request, form) {
      const header = request.headers['x-twilio-signature'];
      const signature = typeof header === 'string' ? header : undefined;
      const url = `${publicUrl(request)}${request.url}`;
      // A socket's url is written with ws at Twilio; both stand for the same address.
      return [url, url.replace(/^http/, 'ws')].some((one) => parts.isTwilios({ url: one, form, signature }));
    },
    publicUrl,
  };
}
