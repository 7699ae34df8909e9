import type { CallView } from '#model/careless/call-view.ts';
import type { TruthClinic } from './clinics.ts';
import type { CallLedger, LedgerReader, LedgerTime } from './ledger.ts';

/** Days a caller may speak of. */
const daysAhead = 14;

/** What the model will be told on the next turn, made from the ledger: the caller's words are chosen before it is asked. */
export async function viewOf(
  now: CallLedger,
  {
    clinic,
    ledger,
    number,
    language,
  }: { clinic: TruthClinic; ledger: LedgerReader; number: string | null; language: string },
): Promise<CallView> {
  const dates = await ledger.days(daysAhead);
  const days = await Promise.all(
    dates.map(async (date) => ({
      date,
      open: (await ledger.hours(date)).map(({ from, to }) => `${clock(from)} to ${clock(to)}`).join(' and '),
    })),
  );
  const booked = now.appointments.findLast(({ own, status }) => own && status === 'booked');
  const told = (time: LedgerTime) => ({
    startsAt: `${time.date}T${clock(time.minute)}:00`,
    spoken: time.practitioner,
  });
  return {
    state: {
      offers: now.offers.map((one) => ({
        ...told(one),
        slotId: `slot_${one.number}`,
        practitioner: one.practitionerName,
      })),
      hold: now.hold === null ? null : { ...told(now.hold), slotId: `slot_${now.hold.slotNumber ?? 0}` },
      appointment: booked === undefined ? null : told(booked),
      found: [],
      patient: now.patient['name'] === undefined ? {} : { name: now.patient['name'] },
      unclaimedHold: false,
    },
    step:
      now.hold !== null
        ? 'held'
        : booked !== undefined
          ? 'booked'
          : now.offers.length > 0
            ? 'offered'
            : 'greeting',
    ...{ language, days, practitioners: clinic.practitioners, callerNumber: number ?? undefined },
    ...{ callerWords: '', userTurns: 0, afterTools: false, toolNames: ['endCall'] },
  };
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}
