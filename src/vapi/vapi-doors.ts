import type { FastifyInstance } from 'fastify';
import type { Conversation } from '#conversation/conversation.ts';
import type { Directory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';
import type { Log } from '#telemetry/log.ts';
import { assistantAnswer } from './assistant-request.ts';
import { type Authenticate, createAuthentication } from './authentication.ts';
import { createCallControl } from './call-control.ts';
import { chatCompletions } from './chat-completions.ts';
import { organizationKey } from './organization-key.ts';
import { serverUrlDoors } from './server-url.ts';

/** Vapi's doors, and the keys that open them. Disposing ends the connections to Vapi's call control. */
export interface VapiDoors extends AsyncDisposable {
  /** Who is calling us, by the secret or an organization's key; the other platforms' doors ask the same way. */
  authenticate: Authenticate;
  /** A key that opens the doors for one organization. */
  keyFor(organization: Organization): string;
}

/** Opens the custom-LLM door and the server-URL doors. */
export function vapiDoors(
  http: FastifyInstance,
  parts: {
    conversation: Conversation;
    directory: Directory;
    /** The installation's, `VAPI_SECRET`. */
    secret: string;
    /** Where Vapi reaches us; without it no assistant can be made that points at us. */
    publicUrl: string | undefined;
    /** Domains a call's control url may be under. */
    controlHosts: string[];
    log: Log;
  },
): VapiDoors {
  const { conversation, directory, secret, log } = parts;
  const authenticate = createAuthentication({ secret, directory });
  const callControl = createCallControl({ hosts: parts.controlHosts, log });
  serverUrlDoors(http, {
    ...conversation,
    authenticate,
    directory,
    assistantFor: (organization, now) => assistantAnswer({ ...parts, ...conversation }, organization, now),
    log,
  });
  chatCompletions(http, { ...conversation, authenticate, directory, callControl, log });
  return {
    authenticate,
    keyFor: (organization) => organizationKey(secret, organization),
    [Symbol.asyncDispose]: () => callControl[Symbol.asyncDispose](),
  };
}
