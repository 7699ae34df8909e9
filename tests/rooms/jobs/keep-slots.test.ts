import { expect, test, vi } from 'vitest';
import { createOpenSlots } from '#availability/open-slots.ts';
import { cancelAppointment, confirmBooking } from '#booking/appointments.ts';
import { claimSlot } from '#booking/holds.ts';
import { keepAllSlots, keepSlots } from '#jobs/keep-slots.ts';
import { openRunner } from '#jobs/runner.ts';
import { openDirectory } from '#organization/directory.ts';
import { inTenant } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { nth, openClinic } from '../../clinic.ts';

const log = createLog({ level: process.env['LOG_LEVEL'] ?? 'silent', pretty: true });
const patience = { timeout: 10_000, interval: 50 };

test('while the server runs, slots follow an edit of the hours, and those a cancelled claim leaves behind', async () => {
  await using clinic = await openClinic();
  const { sql, store, organization } = clinic;
  await using directory = await openDirectory({ sql, log });
  await using openSlots = createOpenSlots({ sql, store });
  const warnings: string[] = [];
  const listening = { ...log, warn: (facts: { slots?: string[] }) => warnings.push(...(facts.slots ?? [])) };
  const parts = { sql, openSlots, directory, log: listening as unknown as typeof log };
  const handlers = { 'keep-slots': keepSlots(parts), 'fill-slots': keepAllSlots(parts) };
  const url = clinic.database.appUrl;
  await using _ = await openRunner({ url, sql, handlers, schedules: [], log, pollIntervalMs: 50 });

  // One that starts of twenty minutes have too.
  const slot = nth(
    (await clinic.open()).filter((one) => one.startsAt.getUTCMinutes() === 0),
    30,
  );
  const call = await clinic.call();
  const held = await claimSlot(clinic, call, { ...slot, turn: null });
  const holdVersion = held.held && 'version' in held ? held.version : '';
  const booked = await confirmBooking(sql, call, { holdVersion, patient: {}, text: null, turn: null });
  const appointmentId = booked.booked ? booked.appointmentId : '';

  const edit = (minutes: number, weekly: object) =>
    inTenant(
      sql,
      organization.id,
      (tx) => tx`
        update organizations set schedule = schedule
          || ${tx.json({ slotMinutes: minutes, gridMinutes: minutes, weekly } as never)}`,
    );
  await edit(30, {});
  await vi.waitFor(async () => expect(await clinic.open()).toEqual([]), patience);
  // The clinic hears whom it has to call.
  await vi.waitFor(() => expect(warnings).toEqual([slot.slotId]), patience);

  await edit(20, organization.schedule.weekly);
  await vi.waitFor(async () => expect((await clinic.open()).length).toBeGreaterThan(100), patience);
  const isOpen = async () => (await clinic.open()).some((one) => one.slotId === slot.slotId);
  expect(await isOpen()).toBe(false);
  await cancelAppointment(sql, call, appointmentId);
  await vi.waitFor(async () => expect(await isOpen()).toBe(true), patience);
});

test('filling many clinics tells how far it is, goes on after an interruption, and leaves none out for another’s fault', async () => {
  await using clinic = await openClinic();
  const { sql, store } = clinic;
  for (let n = 0; n < 5; n += 1) {
    const id = crypto.randomUUID();
    await inTenant(sql, id, async (tx) => {
      await tx`insert into organizations (id, key, name, zone) values (${id}, ${`clinic-${n}`}, 'clinic', 'UTC')`;
      await tx`insert into practitioners (tenant_id, key, name, spoken_name) values (${id}, 'ada', 'Ada', 'Ada')`;
    });
  }
  await using directory = await openDirectory({ sql, log });
  await using openSlots = createOpenSlots({ sql, store });
  const stopping = new AbortController();
  const told: object[] = [];
  const listening = {
    ...log,
    info(facts: { done?: number; added?: number }) {
      told.push(facts);
      if (facts.done === 4) stopping.abort();
    },
  } as unknown as typeof log;
  const practitioners = clinic.organization.practitioners.map((one) => ({ ...one, id: crypto.randomUUID() }));
  const broken = { ...clinic.organization, id: 'no id', key: 'broken', practitioners };
  const all = () => [broken, ...directory.all()];
  const fill = keepAllSlots({ sql, openSlots, directory: { ...directory, all }, log: listening }, 0);
  const filled = async () => {
    const rows = await sql`select practitioner_id from slot_fills_of(null)`;
    return rows.length;
  };

  await expect(fill({}, { attempt: 1, signal: stopping.signal })).rejects.toThrow(/abort/);
  // The clinic itself had its slots before; the fault of the broken one is the next run's to tell.
  expect(told).toContainEqual({ done: 4, of: 7 });
  expect(await filled()).toBeGreaterThanOrEqual(4);
  expect(await filled()).toBeLessThan(6);
  const before = told.length;
  const again = fill({}, { attempt: 2, signal: new AbortController().signal });
  await expect(again).rejects.toThrow(/of 1 organizations/);
  expect(await filled()).toBe(6);
  const added = told.slice(before).filter((facts) => 'added' in facts);
  expect(added.length).toBeLessThan(3);
});
