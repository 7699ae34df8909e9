import type { WrongKind } from './judge.ts';
import type { TruthPlan } from './plan.ts';
import type { TurnRecord } from './play.ts';

export interface TruthReport {
  seed: number;
  truth: string;
  languages: readonly string[];
  doors: readonly string[];
  ranSeconds: number;
  turns: number;
  calls: {
    turnsByStep: Record<string, number>;
    turnsByDoor: Record<string, number>;
    turnsByKind: Record<string, number>;
  };
  sentences: {
    emitted: number;
    withheld: number;
    withheldTrue: number;
    heardTrue: number;
    heardFalse: number;
  };
  /** False statements let through, and what else was wrong, by kind. */
  wrongs: Record<string, number>;
  wrongsByLanguage: Record<string, Record<string, number>>;
  verdict: 'clean' | 'violated';
  examples: Example[];
  /** Sentences that were so and were withheld all the same; the first of them. */
  withheldTrue: { language: string; step: string; caller: string; says: string; heard: string }[];
}

interface Example {
  kind: WrongKind;
  language: string;
  door: string;
  step: string;
  turn: string;
  caller: string;
  found: string;
  claim?: object;
  heard: string;
  ledger: object;
}

/** One kind shows up again and again; the first ones tell most. */
const examplesOfAKindMax = 12;

const withheldShownMax = 60;

/** Counts turns as they are judged. */
export class Tally {
  readonly #plan: TruthPlan;
  readonly #report: TruthReport;
  readonly #examplesOf = new Map<string, number>();

  constructor(plan: TruthPlan) {
    const { seed, truth, languages, doors } = plan;
    this.#plan = plan;
    this.#report = {
      ...{ seed, truth, languages, doors, ranSeconds: 0, turns: 0 },
      calls: { turnsByStep: {}, turnsByDoor: {}, turnsByKind: {} },
      sentences: { emitted: 0, withheld: 0, withheldTrue: 0, heardTrue: 0, heardFalse: 0 },
      ...{ wrongs: {}, wrongsByLanguage: {}, verdict: 'clean', examples: [], withheldTrue: [] },
    };
  }

  get turns(): number {
    return this.#report.turns;
  }

  add(turn: TurnRecord): void {
    const report = this.#report;
    report.turns += 1;
    count(report.calls.turnsByStep, turn.step);
    count(report.calls.turnsByDoor, turn.door);
    count(report.calls.turnsByKind, turn.kind);
    report.sentences.emitted += turn.sentences;
    for (const one of ['withheld', 'heardTrue', 'heardFalse'] as const) report.sentences[one] += turn[one];
    report.sentences.withheldTrue += turn.withheldTrue.length;
    const { language, step, caller, heard } = turn;
    for (const says of turn.withheldTrue) {
      if (report.withheldTrue.length < withheldShownMax)
        report.withheldTrue.push({ language, step, caller, says, heard });
    }
    for (const { kind, found, claim } of turn.wrongs) {
      report.verdict = 'violated';
      count(report.wrongs, kind);
      report.wrongsByLanguage[turn.language] ??= {};
      count(report.wrongsByLanguage[turn.language] ?? {}, kind);
      this.#example(turn, { kind, found, claim });
    }
  }

  progress(seconds: number): string {
    const { turns, sentences, wrongs } = this.#report;
    const wrong = Object.values(wrongs).reduce((sum, n) => sum + n, 0);
    return `${seconds} s: ${turns} of ${this.#plan.turns} turns, ${sentences.emitted} sentences, ${sentences.withheld} withheld, ${wrong} wrong`;
  }

  report(ranSeconds: number): TruthReport {
    return { ...this.#report, ranSeconds };
  }

  #example(
    turn: TurnRecord,
    { kind, found, claim }: { kind: WrongKind; found: string; claim: object | undefined },
  ): void {
    const key = `${kind} ${turn.language}`;
    const shown = this.#examplesOf.get(key) ?? 0;
    if (shown >= examplesOfAKindMax) return;
    this.#examplesOf.set(key, shown + 1);
    const { language, door, step, caller, heard, ledger } = turn;
    this.#report.examples.push({
      ...{ kind, language, door, step, turn: turn.kind, caller, found },
      ...(claim === undefined ? {} : { claim }),
      ...{ heard, ledger },
    });
  }
}

export function truthLines(report: TruthReport, { examples = 24 } = {}): string[] {
  const { sentences, wrongs, wrongsByLanguage } = report;
  const table = (title: string, counts: Record<string, number>) => [
    title,
    ...Object.entries(counts)
      .toSorted(([, a], [, b]) => b - a)
      .map(([name, n]) => `${String(n).padStart(9)}  ${name}`),
  ];
  return [
    `Ran ${report.ranSeconds} s with seed ${report.seed}, truth ${report.truth}: ${report.turns} turns in ${report.languages.join(', ')} at ${report.doors.join(', ')}`,
    ...table('turns by step', report.calls.turnsByStep),
    ...table('turns by door', report.calls.turnsByDoor),
    ...table('turns by what was done', report.calls.turnsByKind),
    `sentences of the model’s own with a claim: ${sentences.emitted}, of which ${sentences.withheld} were withheld (${sentences.withheldTrue} of them true), ${sentences.heardTrue} heard and true, ${sentences.heardFalse} heard and false`,
    ...table('wrong, by kind', wrongs),
    ...Object.entries(wrongsByLanguage).map(
      ([language, counts]) => `  ${language}: ${JSON.stringify(counts)}`,
    ),
    ...report.examples.slice(0, examples).map(exampleLine),
    `verdict: ${report.verdict}`,
  ];
}

function exampleLine({ kind, language, door, step, turn, caller, found, claim, ledger }: Example): string {
  return `WRONG (${kind}) ${language} at ${door}, ${step}, ${turn}: to “${caller}” was heard “${found}”, which claims ${JSON.stringify(claim ?? {})}; the ledger: ${JSON.stringify(ledger)}`;
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
