import type { LedgerRows } from './ledger-rows.ts';
import type { Operation } from './operations.ts';
import { overlap, replay, type Violation } from './replay.ts';

export interface Evidence {
  operations: Operation[];
  rows: LedgerRows;
  /** How many slots there were at the start. */
  slotCount: number;
  /** What Postgres counted. */
  deadlocks: number;
}

/**
 * Looks for anything that must never be: in what callers were told, in the history, and in the database. A pure
 * function: the same evidence gives the same verdict.
 */
export function findViolations({ operations, rows, slotCount, deadlocks }: Evidence): Violation[] {
  const { taken, violations } = replay(rows);
  const tell = (rule: string, found: string) => violations.push({ rule, found });

  violations.push(...lookAtRows(rows));
  if (rows.slots.length !== slotCount) tell('no slot is lost', `${slotCount} became ${rows.slots.length}`);
  for (const slot of rows.slots) {
    const told = taken.get(slot.slotId);
    const stage = slot.status === 'reserved' ? 'held' : slot.status === 'booked' ? 'booked' : undefined;
    const sameHolder = stage !== 'held' || told?.by === slot.reservedBy;
    if (told?.stage !== stage || !sameHolder) {
      tell(
        'the history ends where the database is',
        `${JSON.stringify(slot)}, the history says ${JSON.stringify(told)}`,
      );
    }
  }
  const lastSteps = new Map(rows.history.flatMap((row) => (row.toStep ? [[row.callSid, row.toStep]] : [])));
  for (const { callSid, step } of rows.calls) {
    if (lastSteps.get(callSid) !== step) {
      tell(
        'the history ends where the database is',
        `call ${callSid} is at ${step}, not ${lastSteps.get(callSid)}`,
      );
    }
  }
  violations.push(...lookAtTexts(rows), ...lookAtAnswers(operations, rows));
  const deadlocked = operations.filter((one) => one.reason === '40P01').length;
  if (deadlocks + deadlocked > 0) tell('no deadlock', `${deadlocks} counted, ${deadlocked} met by callers`);
  return violations;
}

/** What one look at the database shows, at any moment of a run. */
export function lookAtRows({ now, slots, appointments }: Pick<LedgerRows, 'now' | 'slots' | 'appointments'>) {
  const violations: Violation[] = [];
  const tell = (rule: string, ...found: unknown[]) =>
    violations.push({ rule, found: found.map((one) => JSON.stringify(one)).join(' and ') });

  const live = slots.filter(
    (slot) => slot.status === 'booked' || (slot.status === 'reserved' && (slot.expiresAt ?? 0) > now),
  );
  for (const [a, b] of neighbours(live)) if (overlap(a, b)) tell('no overlapping live claims', a, b);
  const booked = appointments.filter((one) => one.status === 'booked');
  for (const [a, b] of neighbours(booked)) if (overlap(a, b)) tell('no overlapping appointments', a, b);

  const bookedSlots = new Set(slots.filter((slot) => slot.status === 'booked').map((slot) => slot.slotId));
  for (const one of booked) {
    if (!bookedSlots.delete(one.slotId)) tell('an appointment if and only if its slot is booked', one);
  }
  for (const slotId of bookedSlots) tell('an appointment if and only if its slot is booked', { slotId });

  const holders = new Set<string>();
  for (const slot of slots) {
    if (slot.status !== 'reserved' || (slot.expiresAt ?? 0) <= now) continue;
    if (slot.reservedBy === null || holders.has(slot.reservedBy))
      tell('a call has at most one live hold', slot);
    else holders.add(slot.reservedBy);
  }
  for (const slot of slots) {
    const open = slot.status === 'available' || slot.status === 'blocked';
    const claimed = slot.status === 'booked' || (slot.status === 'reserved' && slot.expiresAt !== null);
    if ((!open && !claimed) || (open && slot.reservedBy !== null)) tell('a slot is open or claimed', slot);
  }
  return violations;
}

/** Each with every later one it might overlap. */
function* neighbours<T extends { practitionerId: string; from: number; to: number }>(
  rows: T[],
): Generator<[T, T]> {
  const sorted = rows.toSorted((a, b) => a.practitionerId.localeCompare(b.practitionerId) || a.from - b.from);
  for (const [index, a] of sorted.entries()) {
    for (let next = index + 1; next < sorted.length; next += 1) {
      const b = sorted[next];
      if (b === undefined || b.practitionerId !== a.practitionerId || b.from >= a.to) break;
      yield [a, b];
    }
  }
}

/** A booking promises one text, to the number that counts; who is no longer booked is reminded of nothing. */
function lookAtTexts({ appointments, texts }: LedgerRows): Violation[] {
  const violations: Violation[] = [];
  const ofAppointment = Map.groupBy(
    texts.filter(({ status }) => status !== 'replaced'),
    ({ appointmentId }) => appointmentId,
  );
  for (const { id, callSid, status, hasNumber } of appointments) {
    const own = ofAppointment.get(id) ?? [];
    // Those at a door may call from a country the clinic does not text.
    if (hasNumber && callSid.startsWith('sql-')) {
      const told = own.filter(({ wording }) => wording === 'confirmation' || wording === 'moved');
      if (told.length !== 1 || !told[0]?.toPresentNumber) {
        violations.push({ rule: 'a booking and its text are one', found: JSON.stringify({ id, own }) });
      }
    }
    const waiting = own.some((text) => text.status === 'recorded' && text.wording !== 'cancelled');
    if (status !== 'booked' && waiting) {
      violations.push({ rule: 'nobody is reminded of what is no more', found: JSON.stringify({ id, own }) });
    }
  }
  return violations;
}

/** What callers were told must be so. */
function lookAtAnswers(operations: Operation[], rows: LedgerRows): Violation[] {
  const violations: Violation[] = [];
  const tell = (rule: string, ...found: unknown[]) =>
    violations.push({ rule, found: found.map((one) => JSON.stringify(one)).join(' and ') });
  const claimed = new Set(
    rows.history.flatMap(({ cause, callSid, slotId }) => (claims.has(cause) ? [`${callSid} ${slotId}`] : [])),
  );
  const appointments = new Map(rows.appointments.map((one) => [one.id, one]));
  const slotOfVersion = new Map<string, string>();
  const ofVersion = new Map<string, string>();

  const succeeded = operations.filter((one) => one.outcome === 'ok');
  for (const one of succeeded) {
    const { slotId, version } = one.answer ?? {};
    if (one.kind !== 'claim') continue;
    const held = one.by === 'sql' ? slotId : one.about.slotId;
    if (held === undefined || !claimed.has(`${one.call} ${held}`)) tell('an ok is in the database', one);
    if (version !== undefined) slotOfVersion.set(version, held ?? '');
  }
  for (const one of succeeded) {
    const made = appointments.get(one.answer?.appointmentId ?? '');
    switch (one.kind) {
      case 'confirm': {
        const { version } = one.about;
        if (made === undefined || made.callSid !== one.call) tell('an ok is in the database', one, made);
        else if (!made.slotId.startsWith(one.answer?.slotId ?? '')) {
          tell('what was said booked is what was booked', one, made);
        } else if (version !== undefined) {
          const meant = slotOfVersion.get(version);
          if (made.holdVersion !== version || (meant !== undefined && meant !== made.slotId)) {
            tell('a confirmation books the hold it was given for', one, made);
          }
          if ((ofVersion.get(version) ?? made.id) !== made.id) tell('one intent, one appointment', one, made);
          ofVersion.set(version, made.id);
        }
        break;
      }
      case 'cancel': {
        const gone = appointments.get(one.about.appointmentId ?? '');
        if (gone?.status !== 'cancelled') tell('an ok is in the database', one, gone);
        break;
      }
      case 'move':
        if (made === undefined || appointments.get(made.movedFrom ?? '')?.status !== 'moved') {
          tell('an ok is in the database', one, made);
        }
        break;
      default:
        break;
    }
  }

  // The callers of a run never book a slot twice on purpose in one call.
  const intents = new Map<string, string>();
  for (const { id, callSid, slotId, movedFrom } of rows.appointments) {
    if (movedFrom !== null) continue;
    const intent = `${callSid} ${slotId}`;
    if (intents.has(intent)) tell('one intent, one appointment', { intent, id, other: intents.get(intent) });
    intents.set(intent, id);
  }
  return violations;
}

const claims = new Set(['slot claimed', 'lapsed hold claimed again', 'hold of the earlier call']);
