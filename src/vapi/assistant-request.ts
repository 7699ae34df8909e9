import type { Organization } from '#organization/organization.ts';
import { organizationKey } from './organization-key.ts';

/** What Vapi is told when it asks which assistant answers a call. */
export interface AssistantAnswerParts {
  organization: Organization;
  /** Where Vapi reaches us; without it only an assistant that exists at Vapi can be named. */
  publicUrl: string | undefined;
  /** The installation's secret, which the organization's key is made from. */
  secret: string;
  /** Spoken first; Vapi says it without asking us. */
  firstMessage: string;
  /** What prompts written at Vapi may use. */
  variableValues: Record<string, string>;
}

/**
 * The organization's own assistant with this call's values, or one made for this call that points at us. Made from
 * memory: Vapi gives the whole exchange 7.5 seconds.
 *
 * @returns nothing when there is neither an assistant id nor a public url
 */
export function assistantAnswer(parts: AssistantAnswerParts): object | undefined {
  const { organization, publicUrl, secret, firstMessage, variableValues } = parts;
  const assistantId = organization.addresses.find(({ kind }) => kind === 'assistant')?.value;
  if (assistantId !== undefined) return { assistantId, assistantOverrides: { variableValues } };
  if (publicUrl === undefined) return undefined;
  const headers = { 'x-holdline-key': organizationKey(secret, organization) };
  const human = organization.humanNumber;
  return {
    assistant: {
      // Vapi takes up to 40 characters.
      name: organization.name.slice(0, 40),
      firstMessage,
      firstMessageMode: 'assistant-speaks-first',
      model: {
        provider: 'custom-llm',
        model: 'holdline',
        url: `${publicUrl}/vapi`,
        headers,
        metadataSendMode: 'variable',
        tools: [
          { type: 'endCall' },
          ...(human === null
            ? []
            : [{ type: 'transferCall', destinations: [{ type: 'number', number: human }] }]),
        ],
      },
      server: {
        url: `${publicUrl}/vapi/events`,
        timeoutSeconds: 20,
        headers: { ...headers, 'x-holdline-organization': organization.key },
      },
      serverMessages: wantedMessages,
    },
    assistantOverrides: { variableValues },
  };
}

/** What we do something with; everything else Vapi would only send in vain. */
export const wantedMessages = [
  'tool-calls',
  'status-update',
  'end-of-call-report',
  'transfer-destination-request',
  'user-interrupted',
  'speech-update',
];
