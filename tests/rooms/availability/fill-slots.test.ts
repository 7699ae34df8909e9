import { expect, test, vi } from 'vitest';
import { claimsOutsideHours, fillAllSlots, fillSlots } from '#availability/slot-upkeep.ts';
import { cancelAppointment, confirmBooking } from '#booking/appointments.ts';
import type { CallKey } from '#booking/calls.ts';
import { claimSlot } from '#booking/holds.ts';
import { openDirectory } from '#organization/directory.ts';
import type { Organization, Schedule } from '#organization/organization.ts';
import { inTenant } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { type Clinic, nth, openClinic, type Slot } from '../../clinic.ts';
import { moveLedgerClock } from '../../ledger-database.ts';

const dayMs = 86_400_000;
const none = { added: 0, removed: 0, changed: 0 };

/** The clinic with a changed schedule, as its staff would change it, read back. */
async function edited(
  { sql, organization }: Clinic,
  schedule: Partial<Schedule>,
  own: Record<string, unknown> = {},
): Promise<Organization> {
  await inTenant(sql, organization.id, async (tx) => {
    await tx`update organizations set schedule = schedule || ${tx.json(schedule as never)}`;
    if (Object.keys(own).length > 0) await tx`update practitioners set ${tx(own as never)}`;
  });
  await using directory = await openDirectory({ sql, log: createLog({ level: 'silent', pretty: false }) });
  const read = directory.named('clinic');
  if (read === undefined) throw new Error('the clinic cannot be read back');
  return read;
}

interface Row extends Slot {
  status: string;
  withdrawn: boolean;
  minutes: number;
  occupiedMinutes: number;
}

async function rows({ sql, organization }: Clinic): Promise<Row[]> {
  return inTenant(sql, organization.id, async (tx) => [
    ...(await tx<Row[]>`
      select slot_id as "slotId", version, starts_at as "startsAt", practitioner_id as "practitionerId", status,
        withdrawn, extract(epoch from upper(during) - starts_at)::integer / 60 as minutes,
        extract(epoch from upper(occupies) - starts_at)::integer / 60 as "occupiedMinutes"
      from available_slots where starts_at > ledger_now() order by starts_at`),
  ]);
}

async function hold(clinic: Clinic, slot: Slot): Promise<{ call: CallKey; version: string }> {
  const call = await clinic.call();
  const outcome = await claimSlot(clinic, call, { ...slot, turn: null });
  if (!outcome.held || !('version' in outcome)) throw new Error(`not held: ${JSON.stringify(outcome)}`);
  return { call, version: outcome.version };
}

function confirm(clinic: Clinic, { call, version }: { call: CallKey; version: string }) {
  return confirmBooking(clinic.sql, call, { holdVersion: version, patient: {}, text: null, turn: null });
}

async function book(clinic: Clinic, slot: Slot): Promise<{ call: CallKey; id: string }> {
  const held = await hold(clinic, slot);
  const outcome = await confirm(clinic, held);
  if (!outcome.booked) throw new Error('not booked');
  return { call: held.call, id: outcome.appointmentId };
}

const hourOf = (slot: Slot) => slot.startsAt.getUTCHours();
/** Every day of the week. */
function daily(from: string, to: string): Pick<Schedule, 'weekly'> {
  const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
  return { weekly: Object.fromEntries(days.map((day) => [day, [{ from, to }]])) };
}

/** A slot of the coming day at an hour, so that it is surely to come. */
async function tomorrowAt(clinic: Clinic, hour: number): Promise<Slot> {
  const tomorrow = new Date(Date.now() + dayMs).toISOString().slice(0, 10);
  const slots = await clinic.open();
  return nth(
    slots.filter((one) => one.startsAt.toISOString().startsWith(tomorrow) && hourOf(one) === hour),
    0,
  );
}

test('slots are written once; a new day adds its own and changes nothing else', async () => {
  await using clinic = await openClinic();
  const before = await rows(clinic);
  expect(await fillSlots(clinic.sql, clinic.organization, new Date())).toMatchObject(none);
  const tomorrow = new Date(Date.now() + dayMs);
  expect(await fillSlots(clinic.sql, clinic.organization, tomorrow)).toMatchObject({ ...none, added: 48 });
  expect((await rows(clinic)).slice(0, before.length)).toEqual(before);
});

test('of all organizations only those are written to that need it', async () => {
  await using clinic = await openClinic();
  const organizations = [clinic.organization];
  const filled: string[] = [];
  const fill = (now: Date) =>
    fillAllSlots(clinic.sql, { organizations, now }, (one, { added }) => filled.push(`${one.key} ${added}`));
  await fill(new Date());
  expect(filled).toEqual(['clinic 0']);
  await fill(new Date(Date.now() + 2 * dayMs));
  expect(filled).toEqual(['clinic 0', 'clinic 96']);
});

test('shorter hours: free slots go, claims stay as they are and are reported', async () => {
  await using clinic = await openClinic();
  const early = await tomorrowAt(clinic, 8);
  const inside = await tomorrowAt(clinic, 10);
  await book(clinic, early);
  await book(clinic, inside);
  const held = await hold(clinic, await tomorrowAt(clinic, 20));
  const before = await rows(clinic);
  const claimed = before.filter((row) => row.status !== 'available');
  const going = before.filter((row) => row.status === 'available' && !(hourOf(row) >= 9 && hourOf(row) < 18));

  const changed = await edited(clinic, daily('09:00', '18:00'));
  const changes = await fillSlots(clinic.sql, changed, new Date());
  expect(changes).toMatchObject({ added: 0, kept: 2, removed: going.length });
  expect(going.length).toBeGreaterThan(50);
  const after = await rows(clinic);
  const free = after.filter((row) => row.status === 'available');
  expect(free.every((row) => hourOf(row) >= 9 && hourOf(row) < 18)).toBe(true);
  expect(after.filter((row) => row.status !== 'available')).toEqual(
    claimed.map((row) => ({ ...row, withdrawn: hourOf(row) !== 10 })),
  );
  const outside = await claimsOutsideHours(clinic.sql, changed);
  expect(outside.map((one) => [one.slotId, one.status])).toEqual([
    [early.slotId, 'booked'],
    [expect.stringContaining('T20:00:00Z'), 'reserved'],
  ]);
  // Who held the time before it went still gets it.
  expect(await confirm(clinic, held)).toMatchObject({ booked: true });
});

test('a slot the hours no longer have is not open again when its appointment is cancelled, until the hours return', async () => {
  await using clinic = await openClinic();
  const slot = await tomorrowAt(clinic, 8);
  const { id, call } = await book(clinic, slot);
  const short = await edited(clinic, daily('09:00', '18:00'));
  await fillSlots(clinic.sql, short, new Date());
  expect(await cancelAppointment(clinic.sql, call, id)).toMatchObject({ cancelled: true });

  const isOpen = async () => (await clinic.open()).some((one) => one.slotId === slot.slotId);
  expect(await isOpen()).toBe(false);
  const [{ version = '' } = {}] = (await rows(clinic)).filter((row) => row.slotId === slot.slotId);
  const claim = await claimSlot(clinic, await clinic.call(), { slotId: slot.slotId, version, turn: null });
  expect(claim).toEqual({ held: false, reason: 'taken' });
  await fillSlots(clinic.sql, short, new Date());
  expect(await isOpen()).toBe(false);

  const long = await edited(clinic, daily('08:00', '18:00'));
  await fillSlots(clinic.sql, long, new Date());
  expect(await isOpen()).toBe(true);
});

test('a lapsed hold on a slot the hours no longer have books nothing, and the slot goes', async () => {
  await using clinic = await openClinic();
  const held = await hold(clinic, await tomorrowAt(clinic, 8));
  const changed = await edited(clinic, daily('09:00', '18:00'));
  await fillSlots(clinic.sql, changed, new Date());
  await moveLedgerClock(clinic.database, '6 minutes');
  expect(await confirm(clinic, held)).toEqual({
    booked: false,
    reason: 'no_hold',
    facts: expect.any(Object),
  });
  expect(await claimsOutsideHours(clinic.sql, changed)).toEqual([]);
  // The pass after a hold looks again by itself.
  expect(await fillSlots(clinic.sql, changed, new Date())).toMatchObject({ removed: 1, kept: 0 });
  expect(await confirm(clinic, held)).toEqual({
    booked: false,
    reason: 'no_hold',
    facts: expect.any(Object),
  });
});

test('longer slots and a buffer: free ones get the new form at once, a booked one when it is free again', async () => {
  await using clinic = await openClinic();
  const slot = await tomorrowAt(clinic, 10);
  const { id, call } = await book(clinic, slot);
  const changed = await edited(clinic, { slotMinutes: 60, gridMinutes: 60, bufferMinutes: 15 });
  await fillSlots(clinic.sql, changed, new Date());
  const forms = async () =>
    (await rows(clinic))
      .filter((row) => !row.withdrawn)
      .map(({ minutes, occupiedMinutes }) => `${minutes}+${occupiedMinutes - minutes}`);
  expect(new Set(await forms())).toEqual(new Set(['60+15']));
  const ofSlot = async () => (await rows(clinic)).find((row) => row.slotId === slot.slotId);
  expect(await ofSlot()).toMatchObject({ status: 'booked', minutes: 30, occupiedMinutes: 30 });
  // Inside the hours it is nobody's problem; and no new slot is open across it.
  expect(await claimsOutsideHours(clinic.sql, changed)).toEqual([]);
  expect((await clinic.open()).some((one) => one.slotId === slot.slotId)).toBe(false);

  await cancelAppointment(clinic.sql, call, id);
  expect((await clinic.open()).some((one) => one.slotId === slot.slotId)).toBe(false);
  await fillSlots(clinic.sql, changed, new Date());
  expect(await ofSlot()).toMatchObject({ status: 'available', minutes: 60, occupiedMinutes: 75 });
  expect((await clinic.open()).some((one) => one.slotId === slot.slotId)).toBe(true);
});

test('slots that were blocked stay blocked, whatever the hours', async () => {
  await using clinic = await openClinic();
  const slot = await tomorrowAt(clinic, 8);
  await inTenant(
    clinic.sql,
    clinic.organization.id,
    (tx) => tx`update available_slots set status = 'blocked' where slot_id = ${slot.slotId}`,
  );
  await fillSlots(clinic.sql, await edited(clinic, daily('09:00', '18:00')), new Date());
  await fillSlots(clinic.sql, await edited(clinic, daily('00:00', '24:00')), new Date());
  expect((await rows(clinic)).find((row) => row.slotId === slot.slotId)).toMatchObject({
    status: 'blocked',
    withdrawn: false,
  });
});

test('a shorter horizon takes nothing away', async () => {
  await using clinic = await openClinic();
  const before = await rows(clinic);
  await fillSlots(
    clinic.sql,
    await edited(clinic, { horizonDays: 1, ...daily('00:00', '23:30') }),
    new Date(),
  );
  expect((await rows(clinic)).length).toBeGreaterThan(before.length - 4);
});

test('a practitioner’s own hours, lengths and horizon are theirs alone', async () => {
  await using clinic = await openClinic({ practitioners: ['ada', 'ben'] });
  await inTenant(
    clinic.sql,
    clinic.organization.id,
    (tx) => tx`
      update practitioners set slot_minutes = 60, buffer_minutes = 30, horizon_days = 2,
        weekly = ${tx.json(daily('10:00', '12:00').weekly as never)} where key = 'ben'`,
  );
  const changed = await edited(clinic, {});
  await fillSlots(clinic.sql, changed, new Date(Date.now() + dayMs));
  const [ada = [], ben = []] = ['ada', 'ben'].map((key) =>
    changed.practitioners.filter((one) => one.key === key).map((one) => one.id),
  );
  const all = await rows(clinic);
  const last = (ids: string[]) =>
    all
      .filter((row) => ids.includes(row.practitionerId))
      .at(-1)
      ?.startsAt.getTime() ?? 0;
  expect(all.filter((row) => ben.includes(row.practitionerId)).every((row) => row.minutes === 60)).toBe(true);
  expect(
    all.filter((row) => ben.includes(row.practitionerId)).every((row) => [10, 11].includes(hourOf(row))),
  ).toBe(true);
  expect(last(ada)).toBeGreaterThan(last(ben));
});

test('callers claim while the hours change back and forth: no claim is lost, none moves, and the slots agree in the end', async () => {
  await using clinic = await openClinic({ settings: { live_holds_max: null } });
  const open = (await clinic.open()).slice(4, 100);
  const short = await edited(clinic, { ...daily('06:00', '20:00'), slotMinutes: 45, gridMinutes: 45 });
  const booked: string[] = [];
  const claiming = Promise.all(
    open.map(async (slot) => {
      const call = await clinic.call();
      const outcome = await claimSlot(clinic, call, { ...slot, turn: null });
      if (!outcome.held || !('version' in outcome)) return;
      const made = await confirm(clinic, { call, version: outcome.version });
      if (made.booked) booked.push(made.slotId);
    }),
  );
  for (const organization of [short, clinic.organization, short, clinic.organization, short]) {
    await fillSlots(clinic.sql, organization, new Date());
  }
  await claiming;
  await fillSlots(clinic.sql, short, new Date());
  const after = await rows(clinic);
  expect(after.filter((row) => row.status === 'booked').map((row) => row.slotId)).toEqual(booked.toSorted());
  expect(
    after.filter((row) => row.status === 'available' && !row.withdrawn).every((row) => row.minutes === 45),
  ).toBe(true);
  expect(booked.length).toBeGreaterThan(0);
});

test('a slot that goes while a lapsed hold on it, or a claim of it, waits for its turn books nothing and fails nothing', async () => {
  await using clinic = await openClinic();
  const [first, second] = [await tomorrowAt(clinic, 8), await tomorrowAt(clinic, 9)];
  const held = await hold(clinic, first);
  await moveLedgerClock(clinic.database, '6 minutes');
  const call = await clinic.call();
  const waiting = await inTenant(clinic.sql, clinic.organization.id, async (tx) => {
    await tx`select lock_practitioners(${[first.practitionerId]}::uuid[])`;
    const both = Promise.all([confirm(clinic, held), claimSlot(clinic, call, { ...second, turn: null })]);
    // Both have read their slot and stand before the lock.
    await vi.waitFor(async () => {
      const [row] =
        await clinic.sql`select count(*)::integer as n from pg_locks where locktype = 'advisory' and not granted`;
      expect(row?.['n']).toBe(2);
    });
    await tx`delete from available_slots where slot_id in ${tx([first.slotId, second.slotId])}`;
    return { both };
  });
  expect(await waiting.both).toEqual([
    { booked: false, reason: 'no_hold', facts: expect.any(Object) },
    { held: false, reason: 'taken' },
  ]);
});

test('the functions that need it are planned as was shown: a later definition has to keep that', async () => {
  await using clinic = await openClinic();
  const set = await clinic.sql<{ name: string; settings: string[] }[]>`
    select proname as name, array(select s from unnest(proconfig) as s where s like 'enable%') as settings
    from pg_proc where proconfig::text like '%enable_%' and pronamespace = 'public'::regnamespace order by proname`;
  expect(Object.fromEntries(set.map(({ name, settings }) => [name, settings]))).toEqual({
    apply_reading_part: ['enable_seqscan=off'],
    note_conflicts: ['enable_seqscan=off'],
    write_slots: ['enable_nestloop=off'],
  });
});
