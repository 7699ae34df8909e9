import type { SpeakWithoutTurn } from '#conversation/speech.ts';
import type { Organization } from '#organization/organization.ts';
import { blocksFor, sentencesFor } from './assistant-blocks.ts';

/** What answers to "which assistant?" are made from. */
export interface AssistantAnswerParts {
  /** Where Vapi reaches us; without it only an assistant that exists at Vapi can be named. */
  publicUrl: string | undefined;
  /** The installation's secret, which the organization's key is made from. */
  secret: string;
  speak: SpeakWithoutTurn;
  /** What prompts written at Vapi may use. */
  variableValues: (organization: Organization, now: Date) => Record<string, string>;
}

/**
 * The organization's own assistant with this call's values, or one made for this call that points at us. Made from
 * memory: Vapi gives the whole exchange 7.5 seconds.
 *
 * @returns nothing when there is neither an assistant id nor a public url
 */
export function assistantAnswer(
  parts: AssistantAnswerParts,
  organization: Organization,
  now: Date,
): object | undefined {
  const { publicUrl, secret, speak } = parts;
  const variableValues = parts.variableValues(organization, now);
  const assistantId = organization.addresses.find(({ kind }) => kind === 'assistant')?.value;
  if (assistantId !== undefined) return { assistantId, assistantOverrides: { variableValues } };
  if (publicUrl === undefined) return undefined;
  // Without an assistant of its own the organization has no model at Vapi either: ours speaks.
  const ours = { ...organization, model: 'holdline' as const };
  const { model, tools, server, serverMessages, hooks } = blocksFor(
    { organization: ours, publicUrl, secret, sentences: sentencesFor(organization, speak) },
    [],
  );
  return {
    assistant: {
      // Vapi takes up to 40 characters.
      name: organization.name.slice(0, 40),
      // Spoken by Vapi without asking us.
      firstMessage: speak('opening', organization),
      firstMessageMode: 'assistant-speaks-first',
      model: { ...model, tools },
      server,
      serverMessages,
      hooks,
    },
    assistantOverrides: { variableValues },
  };
}
