import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** The process's figures, whoever adds to them. Asking for a name again gives the same figure. */
const registry = new Registry();

/**
 * Labels with as many values as there are clinics, calls or people make a monitoring system unusable, and put what is
 * nobody's business into it. Per organization, the live feed tells the same.
 */
const refusedLabels = new Set(['organization', 'tenant', 'tenant_id', 'call', 'call_sid', 'caller', 'phone']);

/** From a tenth of a millisecond, which is a cached read, to what a platform waits for a turn. */
const durationBucketsSeconds = [
  0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20,
];

type Labels<L extends string> = [L] extends [never] ? Record<string, never> : Record<L, string>;

/**
 * Something that is counted.
 *
 * @param name as Prometheus wants it, e.g. `holdline_holds_total`
 * @param labelNames each with a handful of values; never an organization's, a call's or a person's
 * @returns adds to it: `add({ outcome: 'taken' })`, `add({ outcome: 'taken' }, 3)`
 */
export function counter<L extends string = never>(
  name: string,
  help: string,
  labelNames: L[] = [],
): (labels: Labels<L>, by?: number) => void {
  const known = registry.getSingleMetric(name) as Counter<string> | undefined;
  const made =
    known ?? new Counter({ name, help, labelNames: checked(name, labelNames), registers: [registry] });
  return (labels, by = 1) => made.inc(labels, by);
}

/**
 * How long something takes; kept in seconds, as Prometheus wants it, and given in milliseconds, as we measure it.
 *
 * @param name ends in `_seconds`
 * @param bucketsSeconds where it counts apart; up to what a platform waits for a turn unless said otherwise
 */
export function durations<L extends string = never>(
  name: string,
  help: string,
  labelNames: L[] = [],
  bucketsSeconds: number[] = durationBucketsSeconds,
): (ms: number, labels: Labels<L>) => void {
  const known = registry.getSingleMetric(name) as Histogram<string> | undefined;
  const made =
    known ??
    new Histogram({
      name,
      help,
      labelNames: checked(name, labelNames),
      buckets: bucketsSeconds,
      registers: [registry],
    });
  return (ms, labels) => made.observe(labels, ms / 1000);
}

/**
 * Something that has a value at any moment.
 *
 * @param read asked whenever somebody looks; may be slow, as nobody's turn waits for it. The latest given one counts.
 */
export function gauge(name: string, help: string, read: () => number | Promise<number>): void {
  registry.removeSingleMetric(name);
  new Gauge({
    name,
    help,
    registers: [registry],
    async collect() {
      this.set(await read());
    },
  });
}

/** Everything as Prometheus reads it. */
export async function metricsPage(): Promise<{ contentType: string; text: string }> {
  return { contentType: registry.contentType, text: await registry.metrics() };
}

/** Adds what Node knows about its own process: memory, collections, delays of the event loop. Once per process. */
export function watchProcess(): void {
  collectDefaultMetrics({ register: registry });
}

function checked<L extends string>(name: string, labelNames: L[]): L[] {
  for (const label of labelNames) {
    if (refusedLabels.has(label))
      throw new Error(`${name}: a label ${label} would have a value for each one`);
  }
  return labelNames;
}

/** A figure with its values as they are now; of a duration, the sum and the count. */
export interface Figure {
  name: string;
  help: string;
  values: { labels: Record<string, string>; value: number }[];
}

/** Our own figures, without the buckets and without what Node tells of itself: for a page somebody looks at. */
export async function figures(): Promise<Figure[]> {
  const all = await registry.getMetricsAsJSON();
  return all
    .filter(({ name }) => name.startsWith('holdline_'))
    .map(({ name, help, values }) => ({
      name,
      help,
      values: values
        .filter((one) => !('metricName' in one && String(one.metricName).endsWith('_bucket')))
        .map((one) => ({
          labels: {
            ...(Object.fromEntries(
              Object.entries(one.labels).map(([label, value]) => [label, String(value)]),
            ) as Record<string, string>),
            ...('metricName' in one && String(one.metricName) !== name
              ? { of: String(one.metricName).slice(name.length + 1) }
              : {}),
          },
          value: one.value,
        })),
    }));
}
