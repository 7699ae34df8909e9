import { type Goal, type Results, short } from './finding.ts';

/** Two results side by side: the goals, and every figure of ours that differs by more than a tenth. */
export function compare(a: Results, b: Results): void {
  console.log(
    `${a.commit} (${a.at.slice(0, 16)}, ${a.machine.cpu}) and ${b.commit} (${b.at.slice(0, 16)}, ${b.machine.cpu})`,
  );
  if (a.machine.cpu !== b.machine.cpu) console.log('different machines: only the ratios can be compared');
  for (const [name, finding] of Object.entries(b.findings)) {
    const before = a.findings[name];
    if (before === undefined) continue;
    console.log(`\n# ${finding.question}`);
    for (const goal of finding.goals) {
      const earlier = before.goals.find((one) => one.what === goal.what && one.reference === goal.reference);
      if (earlier !== undefined) console.log(goalPair(earlier, goal));
    }
    for (const row of finding.rows) {
      const earlier = before.rows.find((one) => one.about === row.about && one.target === row.target);
      for (const [figure, value] of Object.entries(row.figures)) {
        const old = earlier?.figures[figure];
        if (old === undefined || Math.abs(value / old - 1) < 0.1) continue;
        console.log(
          `${short(old).padStart(9)} → ${short(value).padStart(9)}  ${row.target}, ${figure} (${row.about})`,
        );
      }
    }
  }
}

function goalPair(before: Goal, after: Goal): string {
  const of = after.reference === undefined ? '' : ` of ${after.reference}`;
  const passed = before.passed === after.passed ? '' : after.passed ? '  now passes' : '  fails now';
  return `${short(before.measured).padStart(9)} → ${short(after.measured).padStart(9)}  ${after.what}${of}${passed}`;
}
