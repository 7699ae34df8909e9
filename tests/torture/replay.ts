import type { HistoryRow, LedgerRows, SlotRow } from './ledger-rows.ts';

export interface Violation {
  rule: string;
  /** What was found, with everything needed to look it up. */
  found: string;
}

/** A slot that is taken, as the history tells it. */
export interface Taken {
  slotId: string;
  by: string;
  stage: 'held' | 'booked';
}

/**
 * Goes through the history from its beginning: every call's steps must join up and be legal, no claim may overlap
 * another one that nobody has given up, and only what a call holds can be booked by it.
 *
 * @returns what is taken at the end, by slot id, and what was wrong on the way
 */
export function replay(rows: Pick<LedgerRows, 'history' | 'slots' | 'transitions'>): {
  taken: Map<string, Taken>;
  violations: Violation[];
} {
  const violations: Violation[] = [];
  const complain = (rule: string, row: HistoryRow, why: string) =>
    violations.push({ rule, found: `${why}: ${JSON.stringify(row)}` });
  const legal = new Set(rows.transitions.map(({ from, to }) => `${from} ${to}`));
  const slots = new Map(rows.slots.map((slot) => [slot.slotId, slot]));
  const steps = new Map<string, string>();
  const taken = new Map<string, Taken>();
  const byPractitioner = new Map<string, Set<SlotRow>>();

  function take(row: HistoryRow, slot: SlotRow, stage: Taken['stage']): void {
    const busy = byPractitioner.get(slot.practitionerId) ?? new Set();
    for (const other of busy) {
      if (other.slotId !== slot.slotId && overlap(other, slot)) {
        complain('no overlapping live claims', row, `it overlaps ${JSON.stringify(taken.get(other.slotId))}`);
      }
    }
    const before = taken.get(slot.slotId);
    if (before !== undefined && (before.stage === 'booked' || before.by !== row.callSid)) {
      complain('no overlapping live claims', row, `the slot was taken: ${JSON.stringify(before)}`);
    }
    taken.set(slot.slotId, { slotId: slot.slotId, by: row.callSid, stage });
    byPractitioner.set(slot.practitionerId, busy.add(slot));
  }

  function give(row: HistoryRow, slot: SlotRow): void {
    if (!taken.delete(slot.slotId)) complain('history without a gap', row, 'it frees what nobody had');
    byPractitioner.get(slot.practitionerId)?.delete(slot);
  }

  for (const row of rows.history) {
    if (row.toStep !== null) {
      const stood = steps.get(row.callSid) ?? null;
      if (row.fromStep !== stood) complain('history without a gap', row, `the call stood at ${stood}`);
      if (stood !== null && stood !== row.toStep && !legal.has(`${stood} ${row.toStep}`)) {
        complain('legal steps only', row, `${stood} to ${row.toStep}`);
      }
      steps.set(row.callSid, row.toStep);
    }
    const slot = row.slotId === null ? undefined : slots.get(row.slotId);
    if (slot === undefined) continue;
    switch (effectOf(row)) {
      case 'held':
        take(row, slot, 'held');
        break;
      case 'booked': {
        const before = taken.get(slot.slotId);
        if (before?.by !== row.callSid || before.stage !== 'held') {
          complain('a booking needs a live hold of that call', row, `the slot was ${JSON.stringify(before)}`);
        }
        taken.set(slot.slotId, { slotId: slot.slotId, by: row.callSid, stage: 'booked' });
        break;
      }
      case 'moved here':
        take(row, slot, 'booked');
        break;
      case 'freed':
        give(row, slot);
        break;
      case 'nothing':
        break;
    }
  }
  return { taken, violations };
}

/** What a line of the history did to its slot. */
function effectOf({ toStep, cause }: HistoryRow): 'held' | 'booked' | 'moved here' | 'freed' | 'nothing' {
  if (toStep === null) return cause === 'lapsed hold claimed again' ? 'held' : 'freed';
  switch (cause) {
    case 'slot claimed':
    case 'hold of the earlier call':
      return 'held';
    case 'booking confirmed':
      return 'booked';
    case 'appointment moved':
      return 'moved here';
    default:
      return 'nothing';
  }
}

export function overlap(a: { from: number; to: number }, b: { from: number; to: number }): boolean {
  return a.from < b.to && b.from < a.to;
}
