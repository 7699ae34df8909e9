import { expect, test } from 'vitest';
import { confirmBooking } from '#booking/appointments.ts';
import { applyReading, type CalendarReading, calendarState } from '#booking/calendar-readings.ts';
import { claimSlot } from '#booking/holds.ts';
import { inTenant } from '#storage/postgres.ts';
import { type Clinic, nth, openClinic, type Slot } from '../../clinic.ts';

const calendarId = 'ada@clinic.example';

async function openCalendar() {
  // Days enough for the largest reading, however late it is.
  const clinic = await openClinic({ schedule: { horizonDays: 4 }, settings: { live_holds_max: null } });
  const { sql, organization } = clinic;
  const practitionerId = nth(organization.practitioners, 0).id;
  await inTenant(
    sql,
    organization.id,
    (tx) => tx`update practitioners set calendar_id = ${calendarId} where id = ${practitionerId}`,
  );
  const key = { tenantId: organization.id, practitionerId };
  const state = async () => {
    const found = await calendarState(sql, key);
    if (found === undefined) throw new Error('the calendar is missing');
    return found;
  };
  const reading = async (events: CalendarReading['events'], whole = true): Promise<CalendarReading> => ({
    ...{ calendarId, round: (await state()).round, whole, syncToken: 'token', events },
    ...{ listedFrom: new Date(), windowEndsAt: new Date(Date.now() + 30 * 86_400_000) },
  });
  return { clinic, key, state, reading };
}

/** An event in the middle of a slot's time. */
function eventOn({ startsAt }: Slot, id: string) {
  const [from, to] = [10, 15].map((minutes) => new Date(startsAt.getTime() + minutes * 60_000));
  if (from === undefined || to === undefined) throw new Error('a time is missing');
  return { id, seriesId: null, startsAt: from, endsAt: to };
}

async function book(clinic: Clinic, slot: Slot): Promise<boolean> {
  const call = await clinic.call();
  const held = await claimSlot(clinic, call, { ...slot, turn: null });
  if (!held.held || !('version' in held)) return false;
  const details = { holdVersion: held.version, patient: {}, text: null, turn: null };
  return (await confirmBooking(clinic.sql, call, details)).booked;
}

async function conflictsAndCollisions({ sql, organization }: Clinic): Promise<[string[], string[]]> {
  return inTenant(sql, organization.id, async (tx) => {
    const conflicts = await tx<{ at: string }[]>`
      select a.slot_id || ' ' || c.event_id as at from calendar_conflicts c
      join appointments a on a.id = c.appointment_id where c.resolved_at is null order by 1`;
    const collisions = await tx<{ at: string }[]>`
      select a.slot_id || ' ' || b.event_id as at from appointments a
      join available_slots s on s.slot_id = a.slot_id
      join busy_times b on b.practitioner_id = a.practitioner_id
        and tstzrange(b.starts_at, b.ends_at) && s.during
      where a.status = 'booked' order by 1`;
    return [conflicts.map(({ at }) => at), collisions.map(({ at }) => at)];
  });
}

test('between two parts of a large reading callers book; what the reading then finds taken is a conflict', async () => {
  const { clinic, key, state, reading } = await openCalendar();
  await using _ = clinic;
  const [early, late] = [nth(await clinic.open(), 20), nth(await clinic.open(), 30)];
  const { round } = await state();
  const [begun] = await clinic.sql`
    select begin_reading(${key.tenantId}, ${key.practitionerId}, ${calendarId}, ${round})::text as round`;
  const part = async (slot: Slot, id: string) => {
    const events = clinic.sql.json([eventOn(slot, id)] as never);
    const [row] = await clinic.sql`
      select apply_reading_part(${key.tenantId}, ${key.practitionerId}, ${begun?.['round']}, ${events}) as answer`;
    return row?.['answer'];
  };
  expect(await part(early, 'first')).toEqual({ applied: true, changed: 1 });
  expect(await book(clinic, early)).toBe(false);
  expect(await book(clinic, late)).toBe(true);
  expect(await part(late, 'second')).toEqual({ applied: true, changed: 1 });
  expect(await conflictsAndCollisions(clinic)).toEqual([
    [`${late.slotId} second`],
    [`${late.slotId} second`],
  ]);

  // Whoever did this has died here: nobody believes that the calendar has been read, and it is read again.
  expect(await state()).toMatchObject({ syncToken: null, syncedAt: null });
  const again = await reading([eventOn(late, 'second')]);
  expect(await applyReading(clinic.sql, key, again)).toEqual({ applied: true, changed: 1 });
  expect(await state()).toMatchObject({ syncToken: 'token', syncedAt: expect.any(Date) });
  expect(await book(clinic, early)).toBe(true);
  // The dead one was only slow: what it still has to say is too old.
  expect(await part(early, 'third')).toEqual({ applied: false, changed: 0 });
  expect(await conflictsAndCollisions(clinic)).toEqual([
    [`${late.slotId} second`],
    [`${late.slotId} second`],
  ]);
});

test('callers who book while a large reading is applied meet the event, or are met by it', async () => {
  const { clinic, key, reading } = await openCalendar();
  await using _ = clinic;
  const slots = (await clinic.open()).slice(2, 128);
  // The parts go from the first slot to the last, the callers from the last to the first.
  const events = slots.flatMap((slot, n) =>
    Array.from({ length: 8 }, (_, k) => {
      const seriesId = `series-${String(n).padStart(3, '0')}`;
      return { ...eventOn(slot, `${seriesId}-${k}`), seriesId };
    }),
  );
  // More than are applied in one part.
  expect(events).toHaveLength(126 * 8);
  const booked: boolean[] = [];
  let over = false;
  const callers = Array.from({ length: 4 }, async (_, caller) => {
    for (let n = caller; !over && n < slots.length; n += 4)
      booked.push(await book(clinic, nth(slots, slots.length - 1 - n)));
  });
  const applied = await applyReading(clinic.sql, key, await reading(events));
  over = true;
  await Promise.all(callers);
  expect(applied).toEqual({ applied: true, changed: events.length });
  const [conflicts, collisions] = await conflictsAndCollisions(clinic);
  expect(conflicts).toEqual(collisions);
  expect(conflicts).toHaveLength(8 * booked.filter(Boolean).length);
  expect(booked).toContain(true);

  // Unchanged, moved by a minute, and gone.
  expect(await applyReading(clinic.sql, key, await reading(events))).toEqual({ applied: true, changed: 0 });
  const moved = events.slice(0, 150).map((event) => ({ ...event, endsAt: new Date(+event.endsAt + 60_000) }));
  const mixed = [...moved, ...events.slice(150, 300)];
  expect(await applyReading(clinic.sql, key, await reading(mixed))).toEqual({
    applied: true,
    changed: 300 + events.length - 300,
  });
  const series = [{ id: 'series-000', seriesId: null, removed: true }];
  await applyReading(clinic.sql, key, await reading(series, false));
  const left = await inTenant(
    clinic.sql,
    key.tenantId,
    (tx) => tx`select distinct series_id from busy_times`,
  );
  expect(left.map((row) => row['series_id'])).not.toContain('series-000');
  await applyReading(clinic.sql, key, await reading([]));
  expect(await conflictsAndCollisions(clinic)).toEqual([[], []]);
});
