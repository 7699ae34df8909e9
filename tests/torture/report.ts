import { findViolations } from './check.ts';
import type { Operation } from './operations.ts';
import type { Violation } from './replay.ts';
import type { Outcome, Plan } from './run.ts';

export interface Report {
  seed: number;
  minutes: number;
  servers: number;
  callers: Plan['callers'];
  redis: boolean;
  ranSeconds: number;
  operations: Record<string, Record<Operation['outcome'], number>>;
  /** Claims and confirmations, whatever their outcome. */
  claimsAndConfirms: number;
  refusals: Record<string, number>;
  unknowns: Record<string, number>;
  faults: Record<string, number>;
  faultCount: number;
  historyRows: number;
  appointments: number;
  verdict: 'clean' | 'violated';
  violations: Violation[];
}

/** What a run came to; the checker decides here. */
export function reportOf(plan: Plan, outcome: Outcome): Report {
  const violations = [...outcome.seen, ...findViolations(outcome)];
  const { operations, faults, rows } = outcome;
  const counted: Report['operations'] = {};
  const refusals: Record<string, number> = {};
  const unknowns: Record<string, number> = {};
  for (const { by, kind, outcome: ended, reason } of operations) {
    const name = `${kind} by ${by}`;
    counted[name] ??= { ok: 0, refused: 0, unknown: 0 };
    counted[name][ended] += 1;
    if (ended === 'refused') count(refusals, `${kind}: ${reason}`);
    if (ended === 'unknown') count(unknowns, reason ?? 'no reason');
  }
  return {
    seed: plan.seed,
    minutes: plan.minutes,
    servers: plan.servers,
    callers: plan.callers,
    redis: outcome.redis,
    ranSeconds: Math.round(outcome.ranMs / 1000),
    operations: counted,
    claimsAndConfirms: operations.filter(({ kind }) => kind === 'claim' || kind === 'confirm').length,
    refusals,
    unknowns,
    faults,
    faultCount: Object.values(faults).reduce((sum, n) => sum + n, 0),
    historyRows: rows.history.length,
    appointments: rows.appointments.length,
    verdict: violations.length === 0 ? 'clean' : 'violated',
    violations: violations.slice(0, violationsShown),
  };
}

/** One broken rule shows up again and again; the first ones tell most. */
const violationsShown = 50;

export function reportLines(report: Report): string[] {
  const table = (title: string, counts: Record<string, number>) => [
    title,
    ...Object.entries(counts)
      .toSorted(([, a], [, b]) => b - a)
      .map(([name, n]) => `${String(n).padStart(9)}  ${name}`),
  ];
  return [
    `Ran ${report.ranSeconds} s with seed ${report.seed}: ${report.servers} servers, ${report.callers.door} callers at ` +
      `their doors, ${report.callers.sql} at the database${report.redis ? '' : ', WITHOUT REDIS (not installed)'}`,
    'operations: ok, refused, unknown',
    ...Object.entries(report.operations).map(
      ([name, { ok, refused, unknown }]) =>
        `${String(ok).padStart(9)}${String(refused).padStart(9)}${String(unknown).padStart(9)}  ${name}`,
    ),
    `claims and confirmations: ${report.claimsAndConfirms}`,
    ...table('refusals', report.refusals),
    ...table('unknown outcomes', report.unknowns),
    ...table(`faults: ${report.faultCount}`, report.faults),
    ...report.violations.map(({ rule, found }) => `VIOLATED ${rule}: ${found}`),
    `verdict: ${report.verdict}, after ${report.historyRows} lines of history and ${report.appointments} appointments`,
  ];
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
