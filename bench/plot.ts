import { writeFile } from 'node:fs/promises';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

/** Shares of the streams that are drawn: enough to see the tail. */
const shares = Array.from({ length: 100 }, (_, n) => (n + 0.5) / 100);

/**
 * Draws how many streams had their first words by when, one line for each relay.
 *
 * @param firstMs times to the first content byte, by relay
 */
export async function plotFirstWords(firstMs: Record<string, number[]>, file: string): Promise<void> {
  const values = Object.entries(firstMs).flatMap(([relay, times]) => {
    const sorted = times.toSorted((a, b) => a - b);
    return shares.map((share) => ({ relay, share, ms: sorted[Math.floor(sorted.length * share)] ?? 0 }));
  });
  const spec: TopLevelSpec = {
    title: 'First words of 100 paced streams (the model takes 20 ms by itself)',
    width: 640,
    height: 300,
    background: 'white',
    data: { values },
    mark: { type: 'line', interpolate: 'step-after' },
    encoding: {
      x: {
        field: 'ms',
        type: 'quantitative',
        scale: { type: 'log' },
        title: 'milliseconds to the first content byte',
      },
      y: { field: 'share', type: 'quantitative', axis: { format: '.0%' }, title: 'streams that have it' },
      color: { field: 'relay', type: 'nominal', sort: Object.keys(firstMs), title: null },
    },
  };
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  await writeFile(file, `${await view.toSVG()}\n`);
}
