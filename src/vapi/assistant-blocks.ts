import type { SpeakWithoutTurn, SpokenWords } from '#conversation/speech.ts';
import type { Organization } from '#organization/organization.ts';
import { organizationKey } from './organization-key.ts';

/** What an organization's assistant at Vapi must say about us; whatever else it says is its owner's. */
export interface AssistantBlocks {
  /** Only where our model speaks; the platform's own model keeps everything but its tools. */
  model: { provider: 'custom-llm'; model: string; url: string } & Record<string, unknown>;
  tools: AssistantTool[];
  server: Record<string, unknown>;
  serverMessages: string[];
  hooks: AssistantHook[];
  chunkPlan: Record<string, unknown>;
}

export type AssistantTool = { type: string } & Record<string, unknown>;
export type AssistantHook = { on: string } & Record<string, unknown>;

/** What an assistant is made from. */
export interface AssistantParts {
  organization: Pick<Organization, 'id' | 'key' | 'humanNumber' | 'model'>;
  /** Where Vapi reaches us. */
  publicUrl: string;
  /** The installation's secret, which the organization's key is made from. */
  secret: string;
  /** Spoken by Vapi itself, in the organization's language. */
  sentences: Sentences;
}

export interface Sentences {
  /** While a caller is put through. */
  transferring: SpokenWords;
  /** While one of our tools runs for a model that is not ours. */
  looking: SpokenWords;
  /** When our tools could not be reached by a model that is not ours. */
  unreachable: SpokenWords;
}

export function sentencesFor(organization: Organization, speak: SpeakWithoutTurn): Sentences {
  return {
    transferring: speak('transferring', organization),
    looking: speak('looking', organization),
    unreachable: speak('tools-unreachable', organization),
  };
}

/** A tool of ours as a model is shown it. */
export interface FunctionTool {
  type: 'function';
  function: { name: string; description: string; parameters: Record<string, unknown> };
}

/** What we do something with; everything else Vapi would only send in vain. */
const wantedMessages = [
  'tool-calls',
  'status-update',
  'end-of-call-report',
  'transfer-destination-request',
  'user-interrupted',
  'speech-update',
];

/** Vapi's words for a custom model that is not there, refuses or fails, before and during a call (its API description). */
const modelFaults = [
  '400-bad-request-validation-failed',
  '401-unauthorized',
  '403-model-access-denied',
  '429-exceeded-quota',
  '500-server-error',
  '503-server-overloaded-error',
  'llm-failed',
];
const faultsOfUs = modelFaults.flatMap((fault) => [
  `pipeline-error-custom-llm-${fault}`,
  `call.in-progress.error-${/^4/.test(fault) ? 'vapifault' : 'providerfault'}-custom-llm-${fault}`,
]);

/** As long as Vapi itself waits for a first token, and for a server message's answer. */
const timeoutSeconds = 20;

/**
 * What Vapi must know of us for one organization's assistant.
 *
 * @param ourTools given to a model of the platform's own; ours has them without Vapi
 */
export function blocksFor(parts: AssistantParts, ourTools: FunctionTool[]): AssistantBlocks {
  const { organization, publicUrl, secret } = parts;
  const key = { 'x-holdline-key': organizationKey(secret, organization) };
  const ours = organization.model === 'holdline';
  return {
    model: {
      provider: 'custom-llm',
      model: 'holdline',
      url: `${publicUrl}/vapi`,
      headers: key,
      // Without it a turn does not say which call it belongs to.
      metadataSendMode: 'variable',
      timeoutSeconds,
    },
    tools: [
      ...(ours ? [] : ourTools.map((tool) => functionTool(tool, parts, key))),
      // The goodbye has been said by whoever calls it; without a start message Vapi would say another "one moment".
      { type: 'endCall', messages: [{ type: 'request-start', content: '', blocking: false }] },
      ...transferCall(parts),
    ],
    server: {
      url: `${publicUrl}/vapi/events`,
      timeoutSeconds,
      headers: { ...key, 'x-holdline-organization': organization.key },
      // A call's end that could not be noted is answered 503 and wants to be told again.
      backoffPlan: {
        type: 'exponential',
        maxRetries: 3,
        baseDelaySeconds: 1,
        excludedStatusCodes: [400, 401, 404],
      },
    },
    serverMessages: wantedMessages,
    hooks: ours ? toHumanWhenWeAreDown(parts) : [],
    // Vapi speaks at punctuation once this many characters have come. Ours are whole short sentences, so that its
    // usual 30 would hold "Certainly." back until the next one.
    chunkPlan: { enabled: true, minCharacters: 10 },
  };
}

/** Whether a hook of an assistant is the one that stands for us when we are down. */
export function isOurHook(hook: unknown): boolean {
  return JSON.stringify(hook)?.includes('-custom-llm-') ?? false;
}

/** The call is about to end because we gave no answer: Vapi puts the caller through instead. */
function toHumanWhenWeAreDown(parts: AssistantParts): AssistantHook[] {
  const tools = transferCall(parts);
  return tools.length === 0
    ? []
    : [
        {
          on: 'call.ending',
          filters: [{ type: 'oneOf', key: 'call.endedReason', oneOf: faultsOfUs }],
          do: tools.map((tool) => ({ type: 'tool', tool })),
        },
      ];
}

function transferCall({ organization, sentences }: AssistantParts): AssistantTool[] {
  const number = organization.humanNumber;
  if (number === null) return [];
  return [
    {
      type: 'transferCall',
      // Said once, by the start message; an empty one here keeps Vapi from announcing the transfer a second time.
      destinations: [{ type: 'number', number, message: '', description: 'A person at the clinic' }],
      messages: [{ type: 'request-start', content: sentences.transferring, blocking: false }],
    },
  ];
}

function functionTool(
  { function: { name, description, parameters } }: FunctionTool,
  { publicUrl, sentences }: AssistantParts,
  key: Record<string, string>,
): AssistantTool {
  return {
    type: 'function',
    async: false,
    function: {
      name,
      description,
      parameters: withoutChoices(parameters) as FunctionTool['function']['parameters'],
    },
    server: { url: `${publicUrl}/tools/booking-handler`, timeoutSeconds, headers: key },
    messages: [
      { type: 'request-start', content: sentences.looking, blocking: false },
      { type: 'request-failed', content: sentences.unreachable },
    ],
  };
}

/**
 * A JSON schema as Vapi takes it: every value has one `type`. Where a tool takes several forms (`anyOf`), the one that
 * says most is asked for, an object before a text; the tool itself still takes all of them.
 */
function withoutChoices(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutChoices);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { anyOf, ...rest } = schema as { anyOf?: { type?: string }[] };
  const chosen = anyOf?.find(({ type }) => type === 'object') ?? anyOf?.find(({ type }) => type !== 'null');
  return Object.fromEntries(
    Object.entries({ ...chosen, ...rest }).map(([name, value]) => [name, withoutChoices(value)]),
  );
}
