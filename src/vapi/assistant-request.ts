import type { Organization } from '#organization/organization.ts';
import { type AssistantParts, assistantBlocks } from './assistant-blocks.ts';

/** What Vapi is told when it asks which assistant answers a call. */
export interface AssistantAnswerParts extends Omit<AssistantParts, 'publicUrl' | 'organization'> {
  organization: Organization;
  /** Where Vapi reaches us; without it only an assistant that exists at Vapi can be named. */
  publicUrl: string | undefined;
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
  const { organization, publicUrl, firstMessage, variableValues } = parts;
  const assistantId = organization.addresses.find(({ kind }) => kind === 'assistant')?.value;
  if (assistantId !== undefined) return { assistantId, assistantOverrides: { variableValues } };
  if (publicUrl === undefined) return undefined;
  // Without an assistant of its own the organization has no model at Vapi either: ours speaks.
  const ours = { ...organization, model: 'holdline' as const };
  const { model, tools, server, serverMessages, hooks } = assistantBlocks(
    { ...parts, organization: ours, publicUrl },
    [],
  );
  return {
    assistant: {
      // Vapi takes up to 40 characters.
      name: organization.name.slice(0, 40),
      firstMessage,
      firstMessageMode: 'assistant-speaks-first',
      model: { ...model, tools },
      server,
      serverMessages,
      hooks,
    },
    assistantOverrides: { variableValues },
  };
}
