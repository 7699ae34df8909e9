import type { LanguageModel, ModelDelta, ModelRequest } from '#model/language-model.ts';

/** The answer to a question that is on its way to the model from the moment this is made. */
export class PendingAnswer implements AsyncIterable<ModelDelta> {
  readonly #deltas: AsyncIterator<ModelDelta>;
  #head: Promise<IteratorResult<ModelDelta>> | undefined;
  /** From asking to the first delta, when it has come. */
  firstDeltaMs: number | undefined;

  constructor(model: LanguageModel, request: ModelRequest, signal: AbortSignal) {
    const askedAtMs = performance.now();
    this.#deltas = model.stream(request, signal)[Symbol.asyncIterator]();
    this.#head = this.#deltas.next();
    const came = () => {
      this.firstDeltaMs = performance.now() - askedAtMs;
    };
    // A fault is told to whoever reads; until then nobody else waits for it.
    this.#head.then(came, came);
  }

  [Symbol.asyncIterator](): AsyncIterator<ModelDelta> {
    return {
      next: () => {
        const head = this.#head;
        this.#head = undefined;
        return head ?? this.#deltas.next();
      },
      return: async () => {
        this.leave();
        return { value: undefined, done: true };
      },
    };
  }

  /** Nobody wants the answer any more: the request ends at the provider. */
  leave(): void {
    void this.#deltas.return?.();
  }
}
