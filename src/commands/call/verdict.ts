import type { CallRecord } from '#console/call-record.ts';
import type { Scenario } from './scenario.ts';

export interface Verdict {
  met: boolean;
  text: string;
}

/** Whether the ledger says what the scenario expects; a fault on the way fails the call whatever was booked. */
export function judge(
  record: CallRecord | undefined,
  {
    expected,
    missing = [],
    faults,
    now,
  }: { expected: Scenario['expect']; missing?: string[]; faults: number; now: Date },
): Verdict {
  if (!record) return { met: false, text: 'the ledger could not be read, so nothing is proven' };
  const outcome = outcomeOf(record, now);
  const told = `${sentences[outcome]}${outcome === expected ? '' : `; expected: ${sentences[expected]}`}`;
  const text = [told, ...missing].join('; ');
  if (faults === 0) return { met: outcome === expected && missing.length === 0, text };
  return { met: false, text: `${text}; ${faults} ${faults === 1 ? 'fault' : 'faults'} on the way` };
}

/** What a scenario expects besides its outcome and did not get: words, and whom the appointment is for. */
export function missingFrom(
  { hears, patient }: Pick<Scenario, 'hears' | 'patient'>,
  record: CallRecord | undefined,
  heard: string[],
): string[] {
  const booked = record?.appointments.findLast((appointment) => appointment.status === 'booked')?.patient;
  const wrong = Object.entries(patient).filter(([detail, value]) => booked?.[detail] !== value);
  return [
    ...hears
      .filter((words) => !heard.some((text) => words.test(text)))
      .map(({ source }) => `never heard: ${source}`),
    ...wrong.map(
      ([detail, value]) => `the appointment's ${detail} is ${booked?.[detail] ?? 'not there'}, not ${value}`,
    ),
  ];
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
