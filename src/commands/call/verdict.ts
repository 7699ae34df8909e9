import type { CallRecord } from '#booking/call-record.ts';
import type { Scenario } from './scenario.ts';

export interface Verdict {
  met: boolean;
  text: string;
}

/** Whether the ledger says what the scenario expects; a fault on the way fails the call whatever was booked. */
export function judge(
  record: CallRecord | undefined,
  { expected, faults, now }: { expected: Scenario['expect']; faults: number; now: Date },
): Verdict {
  if (!record) return { met: false, text: 'the ledger could not be read, so nothing is proven' };
  const outcome = outcomeOf(record, now);
  const text = `${sentences[outcome]}${outcome === expected ? '' : `; expected: ${sentences[expected]}`}`;
  if (faults === 0) return { met: outcome === expected, text };
  return { met: false, text: `${text}; ${faults} ${faults === 1 ? 'fault' : 'faults'} on the way` };
}

const sentences: Record<Scenario['expect'], string> = {
  booked: 'an appointment was booked',
  'hold-kept': 'a time is held and nothing is booked',
  'nothing-booked': 'no appointment was booked',
};

function outcomeOf({ appointments, state }: CallRecord, now: Date): Scenario['expect'] {
  if (appointments.some((appointment) => appointment.status === 'booked')) return 'booked';
  // A hold ends by itself at its time; the row goes on naming the slot.
  const held = state?.slotId != null && state.expiresAt != null && state.expiresAt > now;
  return held ? 'hold-kept' : 'nothing-booked';
}
