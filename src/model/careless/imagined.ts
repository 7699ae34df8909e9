import { type CallView, type Moment, momentOf } from './call-view.ts';
import type { Dice } from './dice.ts';
import { mistaken, type Values } from './filled.ts';
import type { Phrasing } from './phrasing.ts';

/** Somebody the model has heard of in another call, whom this caller has no right to hear about. */
export interface Somebody extends Moment {
  name: string;
  phone: string;
}

/** Values for a phrasing: right ones as far as the model was told, or ones it makes up. */
export function imagined(
  view: CallView,
  dice: Dice,
  { phrasing, right, somebodies }: { phrasing: Phrasing; right: boolean; somebodies: readonly Somebody[] },
): Values {
  const told = atHand(view, dice);
  const dates = view.days.map(({ date }) => date);
  const aboutOthers = phrasing.claims.some(({ is }) => is === 'others');
  const other =
    somebodies.length > 0 && (aboutOthers || (!right && dice.chance(0.2)))
      ? dice.pick(somebodies)
      : undefined;
  const moment = other ?? (right ? told : mistaken(told, dice, { dates, practitioners: view.practitioners }));
  const hours = hoursTold(view, dice, moment.date, right && saysWhichDay(phrasing));
  return {
    day: moment.date,
    clock: moment.minute,
    clock2: secondClock(view, dice, moment),
    practitioner: moment.practitioner,
    name: other?.name ?? (right ? view.state.patient.name : undefined) ?? dice.pick(names),
    phone:
      other?.phone ??
      (right ? view.callerNumber : undefined) ??
      `+1212555${String(1_000 + dice.below(9_000))}`,
    ...hours,
  };
}

/** The time this call is about, or, where it is about none yet, one that might be. */
function atHand(view: CallView, dice: Dice): Moment {
  const { appointment, hold, offers } = view.state;
  const about =
    momentOf(hold) ?? momentOf(appointment) ?? (offers.length > 0 ? momentOf(dice.pick(offers)) : undefined);
  const open = view.days.filter(({ open: hours }) => /\d/.test(hours));
  const anyPractitioner = view.practitioners.length > 0 ? dice.pick(view.practitioners) : 'Doctor Lee';
  const spoken = hold?.spoken ?? appointment?.spoken ?? '';
  if (about !== undefined)
    return { ...about, practitioner: spokenNameOf(about.practitioner || spoken, view) ?? anyPractitioner };
  const date = open.length > 0 ? dice.pick(open).date : (view.days[0]?.date ?? '2026-12-07');
  return { date, minute: 9 * 60 + 30 * dice.below(16), practitioner: anyPractitioner };
}

/** Offers name people as written ("Dr. Lee"), the prompt as spoken ("Doctor Lee"); a hold has them only in its words. */
function spokenNameOf(words: string, { practitioners }: CallView): string | undefined {
  return practitioners.find((one) => words.includes(one.split(' ').at(-1) ?? one));
}

function secondClock({ state }: CallView, dice: Dice, { minute }: Moment): number {
  const offered = state.offers
    .flatMap((offer) => momentOf(offer)?.minute ?? [])
    .filter((one) => one !== minute);
  return offered.length > 0 && dice.chance(0.6) ? dice.pick(offered) : 9 * 60 + 30 * dice.below(16);
}

function hoursTold(
  { days }: CallView,
  dice: Dice,
  date: string,
  right: boolean,
): { from: number; to: number } {
  const told = days.find((day) => day.date === date)?.open.match(/\d{1,2}:\d\d/g) ?? [];
  const [from, to] = [told[0], told.at(-1)].map(minuteOf);
  if (right && from !== undefined && to !== undefined) return { from, to };
  const made = { from: dice.pick([7, 8, 10, 11]) * 60, to: dice.pick([13, 14, 19, 20]) * 60 };
  // Half of it is right: the other half is wrong all the same.
  return from !== undefined && dice.chance(0.3) ? { ...made, from } : made;
}

/** Hours of no certain day cannot be told to be right. */
function saysWhichDay({ claims }: Phrasing): boolean {
  return claims.every(
    ({ is, values, weekday }) => is !== 'hours' || values.includes('day') || weekday !== undefined,
  );
}

function minuteOf(clock: string | undefined): number | undefined {
  const [hour, minute] = (clock ?? '').split(':').map(Number);
  return hour === undefined || minute === undefined ? undefined : hour * 60 + minute;
}

const names = [
  'Ruth Abernathy',
  'Tomás Villaseñor',
  'Greta Lindqvist',
  'Omar Haddad',
  'Priya Raman',
  'Joan Fairweather',
];
