import { Temporal } from 'temporal-polyfill';
import type { CallView } from './call-view.ts';
import type { Dice } from './dice.ts';

/** A tool the model calls, by whatever name and with whatever arguments. */
export interface Deed {
  name: string;
  arguments: Record<string, unknown>;
}

type Slip = (deed: Deed, view: CallView, dice: Dice) => Deed[];

/** What cheap models do to a tool call that was right. Some of it means the same, some of it something else. */
export function slipOf(deed: Deed, view: CallView, dice: Dice): { slip: string; deeds: Deed[] } {
  const fitting = { ...ofAnyTool, ...byTool[deed.name] };
  const [slip, make] = dice.pick(Object.entries(fitting));
  return { slip, deeds: make(deed, view, dice) };
}

function withArguments(deed: Deed, changed: Record<string, unknown>): Deed[] {
  return [{ ...deed, arguments: { ...deed.arguments, ...changed } }];
}

const ofAnyTool: Record<string, Slip> = {
  'the same tool twice': (deed) => [deed, deed],
  'no arguments': (deed) => [{ ...deed, arguments: {} }],
  'arguments under a key': (deed) => [{ ...deed, arguments: { arguments: deed.arguments } }],
  'arguments in a string': (deed) => [{ ...deed, arguments: { arguments: JSON.stringify(deed.arguments) } }],
  'name of a function': (deed) => [{ ...deed, name: `functions.${deed.name}` }],
  'name in camels': (deed) => [
    { ...deed, name: deed.name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()) },
  ],
  'blank behind the name': (deed) => [{ ...deed, name: `${deed.name} ` }],
  'another tenant': (deed) => withArguments(deed, { tenantId: '00000000-0000-4000-8000-000000000000' }),
};

const ofChecking: Record<string, Slip> = {
  'last year’s date': (deed, view) =>
    withArguments(deed, { date: shifted(dateOf(deed, view), { years: -1 }) }),
  'a date it worked out, one off': (deed, view) =>
    withArguments(deed, { date: shifted(dateOf(deed, view), { days: 1 }) }),
  'the wrong weekday’s date': (deed, view, dice) =>
    withArguments(deed, { date: `${dice.pick(weekdays)} ${dateOf(deed, view)}` }),
  'empty strings': (deed) => withArguments(deed, { time: '', practitioner: '' }),
  nulls: (deed) => withArguments(deed, { time: null, practitioner: null }),
  'a patient as practitioner': (deed, view) =>
    withArguments(deed, { practitioner: view.state.patient.name ?? 'Ann Miller' }),
  'a reason in it': (deed) => withArguments(deed, { reason: 'back pain' }),
};

const ofHolding: Record<string, Slip> = {
  'Slot 1': (deed) =>
    withArguments(deed, { slotId: String(deed.arguments['slotId']).replace('slot_', 'Slot ') }),
  SLOT_5: (deed) => withArguments(deed, { slotId: String(deed.arguments['slotId']).toUpperCase() }),
  'a bare number': (deed) =>
    withArguments(deed, { slotId: Number(/\d+/.exec(String(deed.arguments['slotId']))?.[0] ?? 1) }),
  'a clock time': (deed, view) =>
    withArguments(deed, { slotId: startOf(deed, view)?.slice(11, 16) ?? '14:00' }),
  'an instant': (deed, view) =>
    withArguments(deed, { slotId: startOf(deed, view) ?? '2026-12-07T12:00:00-05:00' }),
  'a clock time nobody offered': (deed, _view, dice) =>
    withArguments(deed, { slotId: dice.pick(['1:15', '2:45', '3:10 PM', '4:20']) }),
  'a made-up id': (deed, _view, dice) =>
    withArguments(deed, { slotId: `${1 + dice.below(4)}c5e2f0a-7b1d-4e0e-9a51-0c2d6f1b7e90` }),
  'another offer': (deed, view, dice) => {
    const others = view.state.offers.filter((one) => one.slotId !== deed.arguments['slotId']);
    return others.length === 0 ? [deed] : withArguments(deed, { slotId: dice.pick(others).slotId });
  },
  'reserve and book': (deed) => [
    deed,
    {
      name: 'send_sms_reminder',
      arguments: { appointmentDetails: { patientName: deed.arguments['patientName'] ?? 'Ann Miller' } },
    },
  ],
  'name at another place': (deed) =>
    withArguments(deed, { name: 'Ann Miller', appointmentDetails: { patientName: 'Ann Miller' } }),
  'books with nothing held': () => [
    { name: 'send_sms_reminder', arguments: { appointmentDetails: { patientName: 'Ann Miller' } } },
  ],
};

const ofBooking: Record<string, Slip> = {
  'name at the top': (deed) => [{ ...deed, arguments: { patientName: nameIn(deed) } }],
  'name in a string': (deed) => [{ ...deed, arguments: { appointmentDetails: nameIn(deed) } }],
  'JSON in a string': (deed) => [
    { ...deed, arguments: { appointmentDetails: JSON.stringify({ patientName: nameIn(deed) }) } },
  ],
  'name as the reason': (deed) => [{ ...deed, arguments: { appointmentDetails: { reason: nameIn(deed) } } }],
  'name in snakes': (deed) => [
    { ...deed, arguments: { appointmentDetails: { patient_name: nameIn(deed) } } },
  ],
  'phone in the details': (deed, view) =>
    withArguments(deed, {
      appointmentDetails: { patientName: nameIn(deed), phone: view.callerNumber ?? '212 555 0142' },
    }),
  'the caller’s own number': (deed, view) =>
    withArguments(deed, { phone: view.callerNumber ?? '212 555 0142' }),
  'phone as a number': (deed, view) =>
    withArguments(deed, { phone: Number((view.callerNumber ?? '+12125550142').slice(2)) }),
  'nulls in it': (deed) =>
    withArguments(deed, {
      phone: null,
      appointmentDetails: { patientName: nameIn(deed), reason: null, email: null },
    }),
  'another check': (deed, view) => [
    deed,
    { name: 'check_availability', arguments: { date: view.days[1]?.date ?? 'tomorrow' } },
  ],
  'the hold again': (deed, view) => [
    { name: 'reserve_slot', arguments: { slotId: view.state.hold?.slotId ?? 'slot_1' } },
    deed,
  ],
};

const ofChanging: Record<string, Slip> = {
  'Appointment 1': (deed) => withArguments(deed, { appointmentId: 'Appointment 1' }),
  'a name': (deed) => withArguments(deed, { appointmentId: 'Ann Miller' }),
  'a made-up id': (deed, _view, dice) =>
    withArguments(deed, { appointmentId: `${1 + dice.below(3)}c5e2f0a-7b1d-4e0e-9a51-0c2d6f1b7e90` }),
  'find and do it': (deed, view) => [
    { name: 'find_appointments', arguments: { patientName: view.state.patient.name ?? 'Ann Miller' } },
    deed,
  ],
  'cancels first': (deed) => [
    {
      name: 'cancel_appointment',
      arguments: { appointmentId: deed.arguments['appointmentId'] ?? 'appointment_1' },
    },
    deed,
  ],
};

const byTool: Record<string, Record<string, Slip>> = {
  check_availability: ofChecking,
  reserve_slot: ofHolding,
  send_sms_reminder: ofBooking,
  cancel_appointment: ofChanging,
  move_appointment: ofChanging,
};

const weekdays = [
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'lunes',
  'jueves',
  'Dienstag',
  'Freitag',
];

function nameIn(deed: Deed): unknown {
  const details = deed.arguments['appointmentDetails'];
  return (
    (typeof details === 'object' && details !== null && 'patientName' in details
      ? details.patientName
      : undefined) ?? 'Ann Miller'
  );
}

function dateOf(deed: Deed, { days }: CallView): string {
  return /\d{4}-\d\d-\d\d/.exec(String(deed.arguments['date']))?.[0] ?? days[2]?.date ?? '2026-12-07';
}

function shifted(date: string, by: { years?: number; days?: number }): string {
  return Temporal.PlainDate.from(date).add(by).toString();
}

function startOf(deed: Deed, { state }: CallView): string | undefined {
  return state.offers.find(({ slotId }) => slotId === deed.arguments['slotId'])?.startsAt;
}
