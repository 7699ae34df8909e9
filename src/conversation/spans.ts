import type { Log } from '#telemetry/log.ts';
import { counter, durations } from '#telemetry/metrics.ts';

/** The stretches a turn's time goes to. `firstByteOut` is the whole way from the request to the first words. */
export type SpanName =
  | 'authenticate'
  | 'callLookup'
  | 'prompt'
  | 'modelFirstToken'
  | 'tool'
  | 'firstByteOut'
  | 'total';

/** What we may take of a caller's patience by ourselves, whatever the model takes: a pause between people is as long. */
const ownBudgetMs = 200;
/** What the caller may wait in all; with the platform's own second, more than this is felt as a break. */
const wholeBudgetMs = 1_500;

const spanSeconds = durations('holdline_turn_span_seconds', 'Where the time of a turn goes.', ['span']);
const overBudget = counter('holdline_turns_over_budget_total', 'Turns that took longer than they may.', [
  'slowest',
]);

/** Takes the times of one turn. */
export class TurnSpans {
  readonly #startedMs: number;
  readonly ms: Partial<Record<SpanName, number>> = {};
  readonly tools: string[] = [];

  /** @param arrivedAtMs when the request came, by `performance.now()` */
  constructor(arrivedAtMs: number) {
    this.#startedMs = arrivedAtMs;
    this.ms.authenticate = performance.now() - arrivedAtMs;
  }

  /** The first one of a kind counts. */
  note(span: Exclude<SpanName, 'tool' | 'authenticate' | 'total'>, ms: number): void {
    this.ms[span] ??= ms;
  }

  /** Words are on their way to the caller. */
  spoke(): void {
    this.ms.firstByteOut ??= performance.now() - this.#startedMs;
  }

  tool(name: string, ms: number): void {
    this.ms.tool = (this.ms.tool ?? 0) + ms;
    this.tools.push(name);
  }

  /** The turn is over: its times go to the figures, and to the log when it took longer than it may. */
  end(log: Log, about: { organization: string; call: string }): Record<string, number> {
    this.ms.total = performance.now() - this.#startedMs;
    const spans = Object.entries(this.ms) as [SpanName, number][];
    for (const [span, ms] of spans) spanSeconds(ms, { span });
    const { firstByteOut = 0, modelFirstToken = 0 } = this.ms;
    if (firstByteOut > wholeBudgetMs || firstByteOut - modelFirstToken > ownBudgetMs) {
      const slowest = this.#slowest(spans);
      overBudget({ slowest });
      log.warn({ ...about, slowest, spans: rounded(spans) }, 'a turn was over its budget');
    }
    return this.ms;
  }

  /** Of what lies between the request and the first words; `elsewhere` when none of it explains half of the time. */
  #slowest(spans: [SpanName, number][]): string {
    const parts = spans.filter(([span]) => span !== 'firstByteOut' && span !== 'total');
    const [span, ms] = parts.reduce((one, other) => (other[1] > one[1] ? other : one), ['authenticate', 0]);
    return ms * 2 < (this.ms.firstByteOut ?? 0) ? 'elsewhere' : span;
  }
}

function rounded(spans: [SpanName, number][]): Record<string, number> {
  return Object.fromEntries(spans.map(([span, ms]) => [span, Math.round(ms)]));
}
