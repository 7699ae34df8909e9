import { useEffect, useRef, useState } from 'preact/hooks';
import type { HealthAnswer } from '../health-routes.ts';
import { clockTime, duration } from './format.ts';

type Latency = NonNullable<HealthAnswer['latency']>;

const plotHeight = 220;

/** Median and slow turns by the hour. The same numbers stand in a table for those who see no lines. */
export function LatencyPlot({ hours, zone }: { hours: Latency['hours']; zone: string }) {
  const place = useRef<HTMLDivElement>(null);
  const [scheme, setScheme] = useState(0);
  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const changed = () => setScheme((before) => before + 1);
    dark.addEventListener('change', changed);
    return () => dark.removeEventListener('change', changed);
  }, []);
  // A plot is drawn anew in the other scheme's colours.
  useEffect(() => {
    const parent = place.current;
    if (parent === null) return;
    let gone = false;
    let clear = () => {};
    // The plots come as a file of their own, when somebody looks at them.
    void import('./latency-plot.ts').then(({ drawLatency }) => {
      if (!gone) clear = drawLatency(parent, { hours, zone, height: plotHeight });
    });
    return () => {
      gone = true;
      clear();
    };
  }, [hours, zone, scheme]);
  return (
    <>
      <div ref={place} class="plot" aria-hidden="true" />
      <p class="hint">
        Lines: the median turn, and one that 19 of 20 turns are faster than. Measured in this server, without
        the way to the caller’s ear.
      </p>
      <details>
        <summary>As a table</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">Hour</th>
              <th scope="col" class="number">
                Turns
              </th>
              <th scope="col" class="number">
                Median
              </th>
              <th scope="col" class="number">
                19 of 20
              </th>
            </tr>
          </thead>
          <tbody>
            {hours.map((hour) => (
              <tr key={hour.at}>
                <td>{clockTime(hour.at, zone)}</td>
                <td class="number">{hour.turns}</td>
                <td class="number">{duration(hour.medianMs)}</td>
                <td class="number">{duration(hour.slowMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  );
}

/** How many turns took how long. */
export function Distribution({ rows }: { rows: Latency['distribution'] }) {
  const most = Math.max(1, ...rows.map((row) => row.turns));
  return (
    <dl class="spans">
      {rows.map((row) => (
        <div key={String(row.uptoMs)}>
          <dt>{row.uptoMs === null ? 'longer' : `up to ${duration(row.uptoMs)}`}</dt>
          <dd>
            <span class="bar" style={{ width: `${(row.turns / most) * 100}%` }} />
            <span class="ms">{row.turns}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}
