import OpenAI, { APIConnectionError, APIError } from 'openai';
import type { Log } from '#telemetry/log.ts';
import { type LanguageModel, type ModelDelta, ModelError, type ModelRequest } from './language-model.ts';
import { readStream } from './stream-reader.ts';

/** Before the first byte only, and quickly: the caller is waiting, and Vapi gives up after 20 s. */
const retriesMax = 1;
const timeoutMs = 15_000;

/**
 * Any OpenAI-compatible model. The client builds the request, authenticates and retries; the stream is read by us,
 * because its own helpers lose tool calls of several providers and cost a multiple per chunk.
 *
 * @param options.baseUrl e.g. `http://127.0.0.1:11434/v1`; OpenAI's own if absent
 */
export function createOpenAiModel(options: {
  apiKey: string;
  model: string;
  baseUrl?: string;
  log: Log;
}): LanguageModel {
  const { apiKey, model, baseUrl } = options;
  const client = new OpenAI({
    apiKey,
    maxRetries: retriesMax,
    timeout: timeoutMs,
    ...(baseUrl === undefined ? {} : { baseURL: baseUrl }),
  });
  return {
    name: `${model} at ${new URL(client.baseURL).host}`,
    async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelDelta> {
      const response = await open(client, model, request, signal);
      if (response.body === null) throw new ModelError('empty', 'the provider answered without a body');
      try {
        yield* readStream(response.body);
      } catch (error) {
        if (error instanceof ModelError || signal.aborted) throw error;
        throw new ModelError('cut-off', 'the connection to the model was lost', { cause: error });
      }
    },
  };
}

async function open(
  client: OpenAI,
  model: string,
  request: ModelRequest,
  signal: AbortSignal,
): Promise<Response> {
  const { messages, tools, temperature, maxTokens } = request;
  try {
    return await client.chat.completions
      .create(
        {
          model,
          stream: true,
          messages,
          ...(tools.length > 0 ? { tools } : {}),
          ...(temperature === undefined ? {} : { temperature }),
          ...(maxTokens === undefined ? {} : { max_completion_tokens: maxTokens }),
        },
        { signal },
      )
      .asResponse();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof APIConnectionError) {
      throw new ModelError(
        'unreachable',
        `nothing answers at ${client.baseURL}; check OPENAI_BASE_URL and the network`,
        {
          cause: error,
        },
      );
    }
    if (error instanceof APIError) {
      const hint =
        error.status === 401 ? '; check OPENAI_API_KEY' : error.status === 404 ? '; check LLM_MODEL' : '';
      // The provider's own message may quote the request, so only the status is told.
      throw new ModelError('refused', `the provider answered ${error.status}${hint}`);
    }
    throw error;
  }
}
