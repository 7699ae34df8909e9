import uPlot from 'uplot';
import type { HealthAnswer } from '../health-routes.ts';
import { clockTime } from './format.ts';

type Hours = NonNullable<HealthAnswer['latency']>['hours'];

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Draws the latency of a day into an element and follows its width; gives what clears it away. */
export function drawLatency(
  parent: HTMLElement,
  { hours, zone, height }: { hours: Hours; zone: string; height: number },
): () => void {
  const last = Math.ceil(Date.now() / hourMs) * (hourMs / 1000);
  const style = getComputedStyle(parent);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const hourOf = (seconds: number) => clockTime(new Date(seconds * 1000).toISOString(), zone);
  const axis = {
    stroke: colour('--muted-plain'),
    grid: { stroke: colour('--line-plain'), width: 1 },
    ticks: { stroke: colour('--line-plain'), width: 1 },
    font: '12px system-ui',
  };
  const line = (label: string, stroke: string) => ({
    label,
    stroke,
    width: 2,
    points: { show: true, size: 6, fill: stroke },
    value: (_plot: uPlot, ms: number | null) => (ms === null ? '–' : `${ms.toFixed(1)} ms`),
  });
  const plot = new uPlot(
    {
      width: parent.clientWidth,
      height,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
      scales: {
        x: { range: () => [last - dayMs / 1000, last] },
        y: { range: (_plot, _low, high) => [0, Math.max(1, (high ?? 1) * 1.1)] },
      },
      axes: [
        { ...axis, values: (_plot, ticks) => ticks.map(hourOf) },
        { ...axis, size: 64, values: (_plot, ticks) => ticks.map((ms) => `${ms} ms`) },
      ],
      series: [
        { label: 'Hour' },
        line('median', colour('--accent-plain')),
        line('19 of 20', colour('--held-plain')),
      ],
    },
    [
      hours.map((hour) => Date.parse(hour.at) / 1000),
      hours.map((hour) => hour.medianMs),
      hours.map((hour) => hour.slowMs),
    ],
    parent,
  );
  const width = new ResizeObserver(() => plot.setSize({ width: parent.clientWidth, height }));
  width.observe(parent);
  return () => {
    width.disconnect();
    plot.destroy();
  };
}
