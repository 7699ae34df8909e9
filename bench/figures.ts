/** Percentiles of a set of times in milliseconds. */
export interface Distribution {
  count: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export function distribution(timesMs: number[]): Distribution {
  const sorted = timesMs.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return {
    count: sorted.length,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    max: sorted.at(-1) ?? Number.NaN,
  };
}

/** Prints distributions side by side, each with its ratio to the last one, which is the reference. */
export function printComparison(title: string, rows: [name: string, figures: Distribution][]): void {
  const reference = rows.at(-1)?.[1];
  console.log(`\n${title}`);
  console.log(
    `${'target'.padEnd(34)}${'n'.padStart(7)}${'p50'.padStart(9)}${'p95'.padStart(9)}${'p99'.padStart(9)}  (ms)   p50 ratio`,
  );
  for (const [name, figures] of rows) {
    const ms = [figures.p50, figures.p95, figures.p99].map((value) => value.toFixed(2).padStart(9)).join('');
    const ratio = reference === undefined ? '' : (figures.p50 / reference.p50).toFixed(2);
    console.log(`${name.padEnd(34)}${String(figures.count).padStart(7)}${ms}         ${ratio.padStart(8)}`);
  }
}
