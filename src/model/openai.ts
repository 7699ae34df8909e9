import type { ChatCompletionCreateParamsStreaming } from 'openai/resources';
import { Pool } from 'undici';
import type { Log } from '#telemetry/log.ts';
import type { LanguageModel, ModelRequest } from './language-model.ts';
import { type Provider, ProviderStream } from './provider-stream.ts';

/** How long a provider may be silent; the platform gives up on a turn after 20 s. */
const silentMsMax = 15_000;
/** A new connection costs a turn up to 0.4 s; calls last minutes, and so do the pauses between them. */
const keepAliveMs = 60_000;
const keepAliveMsMax = 10 * 60_000;

/**
 * Any OpenAI-compatible model. Requests have the form of the `openai` package's types; they are sent over kept
 * connections and their streams are read by us, because the package's own way costs a multiple per chunk and loses
 * tool calls of several providers.
 *
 * @param options.baseUrl e.g. `http://127.0.0.1:11434/v1`; OpenAI's own if absent
 */
export function createOpenAiModel(options: {
  apiKey: string;
  model: string;
  baseUrl?: string;
  log: Log;
}): LanguageModel {
  const { apiKey, model, log, baseUrl = 'https://api.openai.com/v1' } = options;
  const url = new URL(baseUrl);
  const provider: Provider = {
    pool: new Pool(url.origin, {
      headersTimeout: silentMsMax,
      bodyTimeout: silentMsMax,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMsMax,
      connect: { timeout: silentMsMax },
    }),
    origin: url.origin,
    path: `${url.pathname.replace(/\/+$/, '')}/chat/completions${url.search}`,
    headers: {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'user-agent': 'holdline',
    },
    baseUrl,
    log,
  };
  return {
    name: `${model} at ${url.host}`,
    stream: (request, signal) => new ProviderStream(provider, requestBody(model, request), signal),
  };
}

/** The request's bytes, in the form of the `openai` package's types. */
function requestBody(model: string, { messages, tools, temperature, maxTokens }: ModelRequest): Buffer {
  const body: ChatCompletionCreateParamsStreaming = {
    model,
    stream: true,
    messages,
    ...(tools.length === 0 ? {} : { tools }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { max_completion_tokens: maxTokens }),
  };
  return Buffer.from(JSON.stringify(body));
}
