import type { Log } from '#telemetry/log.ts';
import { createCarelessModel } from './careless/careless.ts';
import { checkModel } from './check-model.ts';
import type { LanguageModel } from './language-model.ts';
import { createOpenAiModel } from './openai.ts';
import { createRehearsalModel } from './rehearsal/rehearsal.ts';
import { withSecondChoice } from './second-choice.ts';

/** A model behind an API of OpenAI's shape. */
interface ModelPlace {
  /** Servers of one's own often want none. */
  apiKey: string | undefined;
  /** OpenAI's own when it is left out. */
  baseUrl: string | undefined;
  model: string;
  /** The variables it was set by, for what the log says when it does not answer. */
  settings: { key: string; url: string; model: string };
}

export interface ModelPlaces {
  /** Nothing where nobody has named a model: then the rehearsal model answers. */
  first: ModelPlace | undefined;
  second: ModelPlace | undefined;
  /** Who answers where nobody has named a model: the one that understands, or the one that makes the slips of cheap ones. */
  rehearsal: { model: 'careful' | 'careless'; seed: number };
}

/**
 * The model that answers callers: the first, and the second where the first cannot; without any the rehearsal model.
 * Whether they can be reached is told to the log, and decides nothing.
 *
 * @param firstDeltaMs how long each may take until its first word or tool call
 */
export function openModel(
  { first, second, rehearsal }: ModelPlaces,
  { firstDeltaMs, log }: { firstDeltaMs: number; log: Log },
): LanguageModel {
  if (first === undefined && rehearsal.model === 'careless') {
    log.warn('the careless model answers: what it says of its own is often not so');
    return createCarelessModel({ seed: rehearsal.seed });
  }
  if (first === undefined) {
    log.warn('no OPENAI_API_KEY: the rehearsal model answers, a small stand-in that books in English only');
    return createRehearsalModel();
  }
  return withSecondChoice({
    first: openOne(first, log),
    ...(second === undefined ? {} : { second: openOne(second, log) }),
    firstDeltaMs,
    log,
  });
}

function openOne({ apiKey, baseUrl, model, settings }: ModelPlace, log: Log): LanguageModel {
  // The client insists on a key.
  const options = { apiKey: apiKey ?? 'none', model, log, ...(baseUrl === undefined ? {} : { baseUrl }) };
  void checkModel({ ...options, settings });
  return createOpenAiModel(options);
}
