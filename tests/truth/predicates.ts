import type { Claim } from '#model/careless/claim.ts';
import type { CallLedger, LedgerReader, LedgerTime } from './ledger.ts';

/** What the checker knows besides the ledger when it judges what was said. */
export interface Circumstances {
  ledger: LedgerReader;
  callSid: string;
  /** As the turn left it. */
  now: CallLedger;
  /** Days the call is about: what was offered, held, booked, and what the caller has just named. */
  dates: string[];
  /** Whether a tool was called in the turn. */
  toolCalled: boolean;
  /** The patient's details were changed at some time in the call, after they had first been written. */
  corrected: boolean;
}

export const falsehoods = [
  'status',
  'values',
  'openness',
  'hours',
  'promises',
  'facts',
  'others',
  'unspeakable',
] as const;
export type Falsehood = (typeof falsehoods)[number];

/** @returns what kind of falsehood a claim is; nothing when it is so */
export async function falsehoodOf(claim: Claim, about: Circumstances): Promise<Falsehood | undefined> {
  if (await isSo(claim, about)) return undefined;
  const kind = kindOf(claim);
  if (kind !== 'status' && kind !== 'openness') return kind;
  const { is } = claim;
  const bare = Object.keys(claim).length > 1 && (await isSo({ is }, about));
  return bare ? 'values' : kind;
}

function kindOf({ is }: Claim): Falsehood {
  switch (is) {
    case 'booked':
    case 'held':
    case 'moved':
    case 'cancelled':
    case 'corrected':
    case 'noted':
    case 'text_sent':
    case 'email_sent':
      return 'status';
    case 'call_back':
    case 'person_told':
    case 'waitlist':
    case 'recurring':
    case 'reminder':
    case 'look':
      return 'promises';
    case 'closed_day':
    case 'open_day':
    case 'hours':
      return 'hours';
    case 'fact':
      return 'facts';
    case 'others':
      return 'others';
    case 'unspeakable':
      return 'unspeakable';
    default:
      return 'openness';
  }
}

async function isSo(claim: Claim, about: Circumstances): Promise<boolean> {
  const { now } = about;
  const live = now.appointments.filter(({ status }) => status === 'booked');
  switch (claim.is) {
    case 'booked':
      return live.some((one) => isAt(one, claim) && isFor(one.patient, claim));
    case 'held':
      return (now.hold !== null && isAt(now.hold, claim)) || live.some((one) => isAt(one, claim));
    case 'moved':
      return live.some((one) => one.movedFrom !== null && isAt(one, claim));
    case 'cancelled':
      return now.appointments.some((one) => one.status === 'cancelled' && isAt(one, claim));
    case 'corrected':
      return about.corrected && isFor(now.patient, claim);
    case 'noted':
      return now.tasks > 0 || (claim.name !== undefined && isFor(now.patient, claim));
    case 'call_back':
    case 'person_told':
      return now.tasks > 0;
    case 'text_sent':
      return now.texts.some(
        ({ status, number }) =>
          ['sending', 'sent', 'delivered'].includes(status) &&
          (claim.phone === undefined || number === claim.phone),
      );
    case 'look':
      return about.toolCalled;
    case 'fact':
      return claim.true === true;
    case 'email_sent':
    case 'waitlist':
    case 'recurring':
    case 'reminder':
    case 'others':
    case 'unspeakable':
      return false;
    default:
      return isSoOnSomeDay(claim, about);
  }
}

function isAt(time: LedgerTime, { date, minutes, practitioner }: Claim): boolean {
  return (
    (date === undefined || time.date === date) &&
    (minutes === undefined || minutes.every((minute) => minute === time.minute)) &&
    (practitioner === undefined || time.practitioner === practitioner)
  );
}

function isFor(patient: Record<string, string>, { name, phone }: Claim): boolean {
  const same = (one: string | undefined, other: string) =>
    one?.trim().toLowerCase() === other.trim().toLowerCase();
  return (
    (name === undefined || same(patient['name'], name)) && (phone === undefined || patient['phone'] === phone)
  );
}

/** Hours of no certain day are those of every day the clinic is open. */
async function areUsualHours(claim: Claim, { ledger }: Circumstances): Promise<boolean> {
  const week = await Promise.all((await ledger.days(7)).map((date) => ledger.hours(date)));
  const open = week.filter((hours) => hours.length > 0);
  return open.length > 0 && open.every((hours) => areHours(hours, claim));
}

/** A time without its day is one of the day that is spoken of; where several are, any of them will do. */
async function isSoOnSomeDay(claim: Claim, about: Circumstances): Promise<boolean> {
  const named =
    claim.date ?? (claim.weekday === undefined ? undefined : await about.ledger.dateOf(claim.weekday));
  for (const date of named === undefined ? new Set(about.dates) : [named]) {
    if (await isSoOn(date, claim, about)) return true;
  }
  return claim.is === 'hours' && named === undefined && (await areUsualHours(claim, about));
}

async function isSoOn(date: string, claim: Claim, about: Circumstances): Promise<boolean> {
  const { ledger, callSid } = about;
  switch (claim.is) {
    case 'hours':
    case 'closed_day':
    case 'open_day':
      return areHours(await ledger.hours(date), claim);
    case 'taken': {
      const starts = (await ledger.starts(date)).filter((one) => isAt(one, withoutDate(claim)));
      const open = new Set((await ledger.open(date, callSid)).map(({ slotId }) => slotId));
      return starts.length > 0 && starts.every(({ slotId }) => !open.has(slotId) || isOwn(slotId, about.now));
    }
    default:
      return isOpenness(await ledger.open(date, callSid), date, { claim, about });
  }
}

function isOpenness(
  ofDay: LedgerTime[],
  date: string,
  { claim, about }: { claim: Claim; about: Circumstances },
): boolean {
  const open = ofDay.filter(
    (one) => claim.practitioner === undefined || one.practitioner === claim.practitioner,
  );
  const minutes = open.map(({ minute }) => minute);
  const said = claim.minutes;
  // Nothing earlier or later than what the call is about on that day.
  const spoken = said ?? spokenOf(about.now, date);
  switch (claim.is) {
    case 'open':
      return said === undefined ? open.length > 0 : said.every((minute) => minutes.includes(minute));
    case 'none_that_day':
      return open.length === 0;
    case 'last_of_day':
      return minutes.length > 0 && spoken.length > 0 && Math.max(...minutes) === Math.max(...spoken);
    case 'first_of_day':
      return minutes.length > 0 && spoken.length > 0 && Math.min(...minutes) === Math.min(...spoken);
    case 'only_of_day':
      return (
        new Set(minutes).size === 1 &&
        (said === undefined || said.every((minute) => minutes.includes(minute)))
      );
    case 'none_earlier':
      return spoken.length > 0 && minutes.every((minute) => minute >= Math.min(...spoken));
    case 'none_later':
      return spoken.length > 0 && minutes.every((minute) => minute <= Math.max(...spoken));
    default:
      return false;
  }
}

function areHours(open: { from: number; to: number }[], { is, fromMinute, toMinute }: Claim): boolean {
  if (is === 'closed_day') return open.length === 0;
  if (is === 'open_day') return open.length > 0;
  const [first, last] = [open[0], open.at(-1)];
  if (first === undefined || last === undefined) return false;
  const asOne =
    (fromMinute === undefined || first.from === fromMinute) &&
    (toMinute === undefined || last.to === toMinute);
  return asOne || open.some(({ from, to }) => from === fromMinute && to === toMinute);
}

function spokenOf({ hold, offers, appointments }: CallLedger, date: string): number[] {
  const times = [
    ...(hold === null ? [] : [hold]),
    ...offers,
    ...appointments.filter(({ status }) => status === 'booked'),
  ];
  return times.filter((one) => one.date === date).map(({ minute }) => minute);
}

/** The caller's own time is both: nobody else can have it, and the caller may. */
function isOwn(slotId: string, { hold, appointments }: CallLedger): boolean {
  return (
    hold?.slotId === slotId ||
    appointments.some((one) => one.slotId === slotId && one.status === 'booked' && one.own)
  );
}

function withoutDate({ date: _, ...claim }: Claim): Claim {
  return claim;
}
