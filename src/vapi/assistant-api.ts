import { type Vapi, VapiClient, VapiError, VapiTimeoutError } from '@vapi-ai/server-sdk';
import type { VapiAssistant } from './assistant-sync.ts';

/** Vapi's assistants, by id. What goes wrong is told in words, with what to do. */
export interface AssistantApi {
  read(id: string): Promise<ApiAnswer>;
  /** Replaces the blocks that are named, whole. */
  change(id: string, patch: VapiAssistant): Promise<ApiAnswer>;
}

export type ApiAnswer = { ok: true; assistant: VapiAssistant } | { ok: false; problem: string };

/** Far above what Vapi takes; a person is waiting. */
const usualTimeoutSeconds = 15;
/** The client waits a second, then two; it repeats on 408, 429 and 5xx, which is harmless for what we send. */
const usualRetries = 2;

export function openAssistantApi({
  apiKey,
  baseUrl,
  timeoutSeconds = usualTimeoutSeconds,
  retries = usualRetries,
}: {
  apiKey: string;
  baseUrl: string;
  timeoutSeconds?: number;
  retries?: number;
}): AssistantApi {
  const { assistants } = new VapiClient({ token: apiKey, baseUrl });
  const options = { timeoutInSeconds: timeoutSeconds, maxRetries: retries };
  const answer = async (asking: Promise<Vapi.Assistant>, id: string): Promise<ApiAnswer> => {
    try {
      const assistant = (await asking) as unknown;
      if (typeof assistant === 'object' && assistant !== null && 'id' in assistant)
        return { ok: true, assistant: assistant as VapiAssistant };
      return { ok: false, problem: `what answers at ${baseUrl} is not Vapi; check VAPI_BASE_URL` };
    } catch (error) {
      return { ok: false, problem: problemOf(error, { id, baseUrl, timeoutSeconds }) };
    }
  };
  return {
    read: (id) => answer(assistants.get({ id }, options), id),
    // The client's types lag behind what Vapi takes; it sends what it is given.
    change: (id, patch) =>
      answer(assistants.update({ id, ...patch } as Vapi.UpdateAssistantDto, options), id),
  };
}

function problemOf(
  error: unknown,
  { id, baseUrl, timeoutSeconds }: { id: string; baseUrl: string; timeoutSeconds: number },
): string {
  if (isTimeout(error))
    return `Vapi did not answer within ${timeoutSeconds} s (${baseUrl}); repeat the command, it only does what is missing`;
  if (!(error instanceof VapiError)) throw error;
  const { statusCode, body } = error;
  if (statusCode === undefined) return `Vapi cannot be reached at ${baseUrl}: ${causeOf(error)}`;
  if (statusCode === 401 || statusCode === 403)
    return 'Vapi refuses VAPI_API_KEY; take the private key of the organization the assistant is in';
  if (statusCode === 404)
    return `Vapi knows no assistant ${id} under this VAPI_API_KEY; its dashboard shows the id`;
  if (statusCode === 429) return 'Vapi has had too many requests; wait a minute and repeat the command';
  if (statusCode >= 500)
    return `Vapi fails (${statusCode}); repeat the command later, it only does what is missing`;
  return `Vapi refuses the change (${statusCode}): ${reasonIn(body)}`;
}

/** The client has an error of its own for this, but its timer ends a request with the mere word. */
function isTimeout(error: unknown): boolean {
  return error instanceof VapiTimeoutError || (error instanceof VapiError && error.message === '"timeout"');
}

/** Vapi says why in `message`, one sentence or a list of them. */
function reasonIn(body: unknown): string {
  const message = (body as { message?: unknown } | undefined)?.message;
  return [message ?? body ?? 'no reason given'].flat().map(String).join('; ');
}

function causeOf(error: Error): string {
  const { cause } = error;
  const deeper = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return deeper instanceof Error ? deeper.message : error.message;
}
