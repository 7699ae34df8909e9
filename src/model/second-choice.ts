import type { Log } from '#telemetry/log.ts';
import { type LanguageModel, type ModelDelta, ModelError, type ModelRequest } from './language-model.ts';

/** After so many failures in a row the second model is asked first, so that not every caller waits in vain. */
const failuresMax = 2;
/** For so long; then the first model gets another chance. */
const restMs = 30_000;

/**
 * A model that must begin to answer in time, with a second one behind it. A first model that is refused, unreachable
 * or silent past the deadline is left before it has said a word, and the second is asked the same; words that were
 * already given are never followed by another model's. Thinking is not answering: the deadline runs on.
 *
 * @param firstDeltaMs how long each model may take until its first word or tool call
 * @throws ModelError when neither begins: the second's, or `late`
 */
export function withSecondChoice(options: {
  first: LanguageModel;
  second?: LanguageModel;
  firstDeltaMs: number;
  log: Log;
  nowMs?: () => number;
}): LanguageModel {
  const { first, second, firstDeltaMs, log, nowMs = () => performance.now() } = options;
  const health = { failures: 0, restsUntilMs: Number.NEGATIVE_INFINITY };

  async function begin(request: ModelRequest, signal: AbortSignal): Promise<Begun> {
    if (second === undefined) return beginInTime(first, { request, signal, firstDeltaMs });
    if (health.restsUntilMs > nowMs()) {
      const begun = await beginInTime(second, { request, signal, firstDeltaMs }).catch(
        modelErrorOnly(signal),
      );
      if (!(begun instanceof ModelError)) return begun;
      log.warn({ model: second.name, kind: begun.kind }, 'the second model failed; the first is asked');
      return beginInTime(first, { request, signal, firstDeltaMs });
    }
    const begun = await beginInTime(first, { request, signal, firstDeltaMs }).catch(modelErrorOnly(signal));
    if (!(begun instanceof ModelError)) {
      health.failures = 0;
      return begun;
    }
    health.failures += 1;
    if (health.failures >= failuresMax) {
      health.failures = 0;
      health.restsUntilMs = nowMs() + restMs;
    }
    log.warn({ model: first.name, kind: begun.kind, problem: begun.message }, 'the second model is asked');
    return beginInTime(second, { request, signal, firstDeltaMs });
  }

  return {
    name: second === undefined ? first.name : `${first.name}, then ${second.name}`,
    stream: (request, signal) => new Choice(request, signal, begin),
  };
}

/** One for all, as making an error with its stack costs more than ending a request. */
const left = new DOMException('nobody listens any more', 'AbortError');

type Begin = (request: ModelRequest, signal: AbortSignal) => Promise<Begun>;

/** Gives the head of whichever model began, then hands out the rest as it comes, with nothing in between. */
class Choice implements AsyncIterator<ModelDelta>, AsyncIterable<ModelDelta> {
  readonly #begin: () => Promise<Begun>;
  readonly #own = new AbortController();
  #begun: Begun | undefined;

  constructor(request: ModelRequest, signal: AbortSignal, begin: Begin) {
    const { signal: own } = this.#own;
    if (signal.aborted) this.#own.abort(signal.reason);
    else signal.addEventListener('abort', () => this.#own.abort(signal.reason), { once: true });
    this.#begin = () => begin(request, own);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<ModelDelta>> {
    return this.#begun === undefined ? this.#head() : this.#begun.rest.next();
  }

  async return(): Promise<IteratorResult<ModelDelta, undefined>> {
    this.#own.abort(left);
    return { value: undefined, done: true };
  }

  async #head(): Promise<IteratorResult<ModelDelta, undefined>> {
    this.#begun = await this.#begin();
    return { value: this.#begun.head, done: false };
  }
}

interface Begun {
  head: ModelDelta;
  rest: AsyncIterator<ModelDelta>;
}

async function beginInTime(
  model: LanguageModel,
  { request, signal, firstDeltaMs }: { request: ModelRequest; signal: AbortSignal; firstDeltaMs: number },
): Promise<Begun> {
  const own = new AbortController();
  const stop = () => own.abort(left);
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    stop();
  }, firstDeltaMs);
  try {
    const rest = model.stream(request, own.signal)[Symbol.asyncIterator]();
    const head = await rest.next();
    if (head.done) throw new ModelError('empty', 'the model gave neither words nor a tool call');
    return { head: head.value, rest };
  } catch (error) {
    stop();
    signal.throwIfAborted();
    if (late) throw new ModelError('late', `${model.name} has not begun to answer within ${firstDeltaMs} ms`);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Faults of the model are looked at; everything else, and the caller's leaving, is thrown on. */
function modelErrorOnly(signal: AbortSignal): (error: unknown) => ModelError {
  return (error) => {
    if (error instanceof ModelError && !signal.aborted) return error;
    throw error;
  };
}
