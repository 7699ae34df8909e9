import type { Dispatcher } from 'undici';
import type { Log } from '#telemetry/log.ts';
import { type ModelDelta, ModelError } from './language-model.ts';
import { StreamReader } from './stream-reader.ts';

/** Where and how a provider is asked; the same for every request to it. */
export interface Provider {
  pool: Dispatcher;
  origin: string;
  path: string;
  headers: Record<string, string>;
  /** Shown where it cannot be reached. */
  baseUrl: string;
  log: Log;
}

/** Before the first byte only, and quickly: the caller is waiting. */
const retriesMax = 1;
/** Refusals that are over soon; a provider that asks for more patience than this is left to the second choice. */
const passing = new Set([408, 409, 425, 429]);
const retryAfterMs = 200;
const retryAfterMsMax = 1_000;
/** More than a paragraph of speech that nobody has taken: the provider waits until somebody does. */
const untakenBytesMax = 64 * 1024;
/** After `[DONE]` the connection is free within this, or is given up: the end of the body is on its way already. */
const lastBytesMs = 500;

/**
 * One pass: asks a provider and reads its answer. Chunks are read as they come. What came in one read of the socket, or
 * while nobody asked for more, is one delta, and a slow listener makes the provider wait.
 */
export class ProviderStream implements AsyncIterator<ModelDelta>, AsyncIterable<ModelDelta> {
  readonly #provider: Provider;
  readonly #body: Buffer;
  readonly #signal: AbortSignal;
  readonly #reader = new StreamReader();
  /** What was read since somebody last took everything. */
  #untakenBytes = 0;
  /** The provider's answer has ended. */
  #ended = false;
  /** Nothing more is read. */
  #over = false;
  #problem: ModelError | undefined;
  #attempt: Attempt | undefined;
  #attempts = 0;
  #wake = () => {};

  /** @param body the request as JSON; it is sent at once */
  constructor(provider: Provider, body: Buffer, signal: AbortSignal) {
    this.#provider = provider;
    this.#body = body;
    this.#signal = signal;
    if (signal.aborted) return;
    signal.addEventListener('abort', () => this.#leave(), { once: true });
    this.#ask();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @throws ModelError, or the signal's reason */
  async next(): Promise<IteratorResult<ModelDelta, undefined>> {
    for (;;) {
      const delta = this.#take();
      if (delta !== undefined) return { value: delta, done: false };
      this.#signal.throwIfAborted();
      if (this.#reader.failure !== undefined) {
        this.#leave();
        throw this.#reader.failure;
      }
      if (this.#over) return { value: undefined, done: true };
      if (this.#reader.done || this.#ended) this.#end();
      else if (this.#problem !== undefined) throw this.#problem;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  async return(): Promise<IteratorResult<ModelDelta, undefined>> {
    this.#leave();
    return { value: undefined, done: true };
  }

  #take(): ModelDelta | undefined {
    const delta = this.#reader.take();
    if (this.#reader.taken) {
      this.#untakenBytes = 0;
      this.#attempt?.resume();
    }
    return delta;
  }

  #end(): void {
    this.#reader.end();
    this.#over = true;
    if (!this.#ended) setTimeout(() => this.#leave(), lastBytesMs).unref();
  }

  #ask(): void {
    this.#attempts += 1;
    const { pool, origin, path, headers } = this.#provider;
    this.#attempt = new Attempt({
      bytes: (bytes) => {
        // After the end nothing counts, but the connection is free only when everything was read.
        if (this.#over) return true;
        this.#reader.read(bytes);
        this.#untakenBytes += bytes.length;
        this.#wake();
        return this.#untakenBytes < untakenBytesMax;
      },
      ended: () => {
        this.#ended = true;
        this.#wake();
      },
      refused: (status, retryAfter) => {
        const again = passing.has(status) || status >= 500;
        this.#fail(refusal(status), again ? waitBefore(retryAfter) : undefined);
      },
      lost: (error, begun) => {
        if (begun) {
          this.#fail(new ModelError('cut-off', 'the connection to the model was lost', { cause: error }));
        } else {
          const problem = `nothing answers at ${this.#provider.baseUrl}; check OPENAI_BASE_URL and the network`;
          // A kept connection may have been closed by the other side just now; one that was silent for long is no such.
          const again = !/TIMEOUT/.test(String((error as { code?: unknown }).code));
          this.#fail(new ModelError('unreachable', problem, { cause: error }), again ? 0 : undefined);
        }
      },
    });
    pool.dispatch({ origin, path, method: 'POST', headers, body: this.#body }, this.#attempt);
  }

  #fail(problem: ModelError, againAfterMs?: number): void {
    if (this.#signal.aborted || this.#over) return;
    if (againAfterMs !== undefined && this.#attempts <= retriesMax) {
      this.#provider.log.info({ problem: problem.message, againAfterMs }, 'the model is asked again');
      setTimeout(() => {
        if (!this.#signal.aborted && !this.#over) this.#ask();
      }, againAfterMs);
    } else {
      this.#problem = problem;
      this.#wake();
    }
  }

  /** Ends the request at the provider, if it is still going on. */
  #leave(): void {
    this.#over = true;
    this.#attempt?.leave();
    this.#wake();
  }
}

interface Heard {
  /** Whether more is wanted at once. */
  bytes(bytes: Buffer): boolean;
  ended(): void;
  refused(status: number, retryAfter: string | undefined): void;
  lost(error: Error, begun: boolean): void;
}

/** One request on one connection. */
class Attempt implements Dispatcher.DispatchHandler {
  readonly #heard: Heard;
  #controller: Dispatcher.DispatchController | undefined;
  #state: 'asked' | 'answered' | 'over' = 'asked';

  constructor(heard: Heard) {
    this.#heard = heard;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#state === 'over') controller.abort(left);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    if (status < 300) {
      this.#state = 'answered';
      return;
    }
    // Its text is not wanted, as it may quote the request; reading past it keeps the connection.
    this.#state = 'over';
    const after = headers['retry-after'];
    this.#heard.refused(status, typeof after === 'string' ? after : undefined);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state !== 'answered') return;
    if (!this.#heard.bytes(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#state === 'answered') this.#heard.ended();
    this.#state = 'over';
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#state !== 'over') this.#heard.lost(error, this.#state === 'answered');
    this.#state = 'over';
  }

  resume(): void {
    if (this.#controller?.paused) this.#controller.resume();
  }

  leave(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#controller?.abort(left);
  }
}

const left = new Error('nobody listens any more');

/** The provider's own message may quote the request, so only the status is told. */
function refusal(status: number): ModelError {
  const hint = status === 401 ? '; check OPENAI_API_KEY' : status === 404 ? '; check LLM_MODEL' : '';
  return new ModelError('refused', `the provider answered ${status}${hint}`);
}

/** How long to wait before the same is asked again; nothing when the provider wants more time than a caller has. */
function waitBefore(retryAfter: string | undefined): number | undefined {
  const seconds = Number(retryAfter ?? Number.NaN);
  if (Number.isNaN(seconds)) return retryAfterMs;
  return seconds * 1_000 <= retryAfterMsMax ? Math.max(seconds * 1_000, retryAfterMs) : undefined;
}
