import { type Distribution, distribution } from './figures.ts';

/** Rounds of everything; ROUNDS makes a quick look quicker and its medians worth less. */
export const rounds = Number(process.env['ROUNDS'] ?? 5);

/** What one benchmark found out: figures by contender, and what became of the goals. */
export interface Finding {
  question: string;
  rows: Row[];
  goals: Goal[];
  /** What a reader must know to read the rows. */
  notes: string[];
}

/** What a run leaves behind. */
export interface Results {
  at: string;
  commit: string;
  machine: { cpu: string; cpus: number; memoryGb: number; node: string };
  full: boolean;
  tookSeconds: number;
  findings: Record<string, Finding>;
  /** Benchmarks that print for themselves. */
  printed: Record<string, string>;
}

export interface Row {
  about: string;
  target: string;
  figures: Record<string, number>;
}

export interface Goal {
  what: string;
  /** Compared with what; nothing where the figure stands for itself. */
  reference: string | undefined;
  atMost?: number;
  atLeast?: number;
  /** Median of the rounds, and the least and the most of them. */
  measured: number;
  spread: [least: number, most: number];
  passed: boolean;
}

/** A goal for a figure of each round: its median counts. */
export function goal(
  what: string,
  {
    reference,
    atMost,
    atLeast,
    rounds,
  }: {
    reference?: string;
    atMost?: number;
    atLeast?: number;
    rounds: number[];
  },
): Goal {
  const measured = median(rounds);
  const passed =
    (atMost === undefined || measured <= atMost) && (atLeast === undefined || measured >= atLeast);
  return {
    what,
    reference,
    ...(atMost === undefined ? {} : { atMost }),
    ...(atLeast === undefined ? {} : { atLeast }),
    measured,
    spread: [Math.min(...rounds), Math.max(...rounds)],
    passed: passed && rounds.length > 0,
  };
}

/** One round's figures against another's, round by round. */
export function ratios(ours: number[], theirs: number[]): number[] {
  return ours.map((value, index) => value / (theirs[index] ?? Number.NaN));
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = low] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}

/** Percentiles under their names, with a unit behind them. */
export function percentiles(timesMs: number[]): Record<string, number> {
  const { p50, p95, p99, max }: Distribution = distribution(timesMs);
  return { p50Ms: p50, p95Ms: p95, p99Ms: p99, maxMs: max };
}

/**
 * Runs contenders in turns within each round, so that whatever else the machine does meets all of them; the one that
 * goes first changes with the round. A round that has been run before the first is not counted.
 */
export async function interleaved<Contender, Round>(
  contenders: Contender[],
  rounds: number,
  run: (contender: Contender, round: number) => Promise<Round>,
): Promise<Map<Contender, Round[]>> {
  const measured = new Map<Contender, Round[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round += 1) {
    const first = round % contenders.length;
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      measured.get(contender)?.push(await run(contender, round));
    }
  }
  return measured;
}

export function print({ question, rows, goals, notes }: Finding): void {
  console.log(`\n# ${question}`);
  for (const about of new Set(rows.map((row) => row.about))) {
    const ofThis = rows.filter((row) => row.about === about);
    const names = [...new Set(ofThis.flatMap(({ figures }) => Object.keys(figures)))];
    console.log(`\n${about}`);
    console.log(`${''.padEnd(34)}${names.map((name) => name.padStart(12)).join('')}`);
    for (const { target, figures } of ofThis) {
      const cells = names.map((name) =>
        (name in figures ? short(figures[name] ?? Number.NaN) : '').padStart(12),
      );
      console.log(`${target.padEnd(34)}${cells.join('')}`);
    }
  }
  for (const note of notes) console.log(`note: ${note}`);
  if (goals.length > 0) console.log('');
  for (const one of goals) console.log(goalLine(one));
}

export function goalLine({ what, reference, atMost, atLeast, measured, spread, passed }: Goal): string {
  const wanted = atMost === undefined ? `≥ ${atLeast}` : `≤ ${atMost}`;
  const of = reference === undefined ? '' : ` of ${reference}`;
  return `${passed ? 'PASS' : 'FAIL'}  ${what}${of}: ${short(measured)} (${short(spread[0])} to ${short(spread[1])}), goal ${wanted}`;
}

export function short(value: number): string {
  if (Number.isNaN(value)) return '–';
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 4);
}
