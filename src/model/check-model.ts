import type { Log } from '#telemetry/log.ts';

/** A provider that takes longer to say what it has is left alone; calls do not wait for the answer anyway. */
const answerMs = 10_000;

/**
 * Asks a provider at the start whether its key opens it and whether it has the model, and says in the log what to
 * change: else the first to notice a mistyped setting would be a caller. Nobody waits for it, it never throws, and
 * what it finds decides nothing: many compatible servers have no list of models, and answer all the same.
 *
 * @param options.settings the variables to name, e.g. `OPENAI_API_KEY`
 */
export async function checkModel(options: {
  apiKey: string;
  model: string;
  baseUrl?: string;
  settings: { key: string; url: string; model: string };
  log: Log;
}): Promise<void> {
  const { apiKey, model, baseUrl, settings, log } = options;
  // Loaded here alone: on a turn's way the package costs a multiple of our own reading, see openai.ts.
  const { APIConnectionError, APIError, OpenAI } = await import('openai');
  const client = new OpenAI({ apiKey, baseURL: baseUrl, timeout: answerMs, maxRetries: 1, logLevel: 'off' });
  try {
    await client.models.retrieve(model);
    log.info({ model }, 'the model is there');
  } catch (error) {
    if (error instanceof APIConnectionError) {
      log.warn({ model }, `the model cannot be reached: check ${settings.url} and the network`);
    } else if (!(error instanceof APIError)) {
      log.warn({ model, err: error }, `what the model's server said cannot be read: check ${settings.url}`);
    } else if (error.status === 401 || error.status === 403) {
      log.error({ model, status: error.status }, `the model refuses our key: check ${settings.key}`);
    } else if (error.status === 404 || error.status === 405) {
      log.warn(
        { model },
        `the server does not know this model, or keeps no list: if calls fail, check ${settings.model}`,
      );
    } else {
      log.warn({ model, status: error.status }, 'the model answered a first question with an error');
    }
  }
}
