import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cancelAppointment, confirmBooking } from '#booking/appointments.ts';
import type { CallKey } from '#booking/calls.ts';
import { claimSlot } from '#booking/holds.ts';
import { inTenant } from '#storage/postgres.ts';
import { type Clinic, nth, ofOneDay, openClinic, type Slot } from '../../clinic.ts';

/** What the ledger must do, in its simplest form: who holds and who has booked which slot. */
interface Model {
  held: Map<number, { call: number; version: string }>;
  booked: Map<number, { call: number; id: string; version: string }>;
}

interface Real {
  clinic: Clinic;
  slots: Slot[];
  calls: CallKey[];
}

type Command = fc.AsyncCommand<Model, Real>;

/** 60-minute slots every half hour: a slot is in the way of its neighbours. */
const inTheWay = (a: number, b: number) => Math.abs(a - b) <= 1;

const claim = (call: number, slot: number): Command => ({
  check: () => true,
  async run(model, { clinic, slots, calls }) {
    // The lock in front keeps a mark for a second; what is looked at here is what the ledger decides.
    const own = model.booked.get(slot)?.call === call;
    const free =
      ![...model.booked.keys()].some((other) => inTheWay(other, slot)) &&
      ![...model.held].some(([other, by]) => by.call !== call && inTheWay(other, slot));
    const outcome = await claimSlot(clinic, callOf(calls, call), {
      ...nth(slots, slot),
      turn: null,
    });
    expect(outcome.held).toBe(own || free);
    if (!outcome.held || !('version' in outcome)) return;
    expect(outcome.facts.hold).toMatchObject({ slotId: outcome.slotId, version: outcome.version });
    for (const [other, by] of model.held) if (by.call === call) model.held.delete(other);
    model.held.set(slot, { call, version: outcome.version });
  },
  toString: () => `claim(${call}, ${slot})`,
});

const confirm = (call: number): Command => ({
  check: () => true,
  async run(model, { clinic, slots, calls }) {
    const held = [...model.held].find(([, by]) => by.call === call);
    const version = held?.[1].version ?? '00000000-0000-4000-8000-000000000000';
    const outcome = await confirmBooking(clinic.sql, callOf(calls, call), {
      holdVersion: version,
      patient: {},
      text: null,
      turn: null,
    });
    expect(outcome.booked).toBe(held !== undefined);
    if (!outcome.booked || held === undefined) return;
    expect(outcome.slotId).toBe(nth(slots, held[0]).slotId);
    expect(outcome.facts).toMatchObject({ hold: null, appointment: { id: outcome.appointmentId } });
    model.held.delete(held[0]);
    model.booked.set(held[0], { call, id: outcome.appointmentId, version });
  },
  toString: () => `confirm(${call})`,
});

const release = (call: number): Command => ({
  check: () => true,
  async run(model, { clinic, calls }) {
    const { tenantId, callSid } = callOf(calls, call);
    const held = [...model.held].find(([, by]) => by.call === call);
    const [row] = await clinic.sql`select release_hold(${tenantId}, ${callSid}, 'test') as answer`;
    expect(row?.['answer']).toEqual({
      released: held !== undefined,
      call: expect.objectContaining({ hold: null }),
    });
    if (held !== undefined) model.held.delete(held[0]);
  },
  toString: () => `release(${call})`,
});

const cancel = (slot: number): Command => ({
  check: (model) => model.booked.has(slot),
  async run(model, { clinic }) {
    const { tenantId } = nthCall(clinic);
    const id = model.booked.get(slot)?.id ?? '';
    expect(await cancelAppointment(clinic.sql, { tenantId, callSid: null }, id)).toMatchObject({
      cancelled: true,
    });
    model.booked.delete(slot);
  },
  toString: () => `cancel(${slot})`,
});

const look: Command = {
  check: () => true,
  async run(model, { clinic, slots }) {
    const rows = await inTenant(
      clinic.sql,
      clinic.organization.id,
      (tx) => tx<{ id: string; status: string }[]>`
        select slot_id as id, status from available_slots where status <> 'available'`,
    );
    const expected = [
      ...[...model.held.keys()].map((slot) => ({ id: nth(slots, slot).slotId, status: 'reserved' })),
      ...[...model.booked.keys()].map((slot) => ({ id: nth(slots, slot).slotId, status: 'booked' })),
    ];
    const byId = (a: { id: string }, b: { id: string }) => a.id.localeCompare(b.id);
    expect([...rows].sort(byId)).toEqual(expected.sort(byId));
  },
  toString: () => 'look',
};

function callOf(calls: CallKey[], index: number): CallKey {
  const call = calls[index];
  if (call === undefined) throw new Error('there are not so many calls');
  return call;
}

function nthCall({ organization }: Clinic) {
  return { tenantId: organization.id };
}

test('whatever is asked in whatever order, the ledger does what its simplest form would do', async () => {
  await using clinic = await openClinic({
    schedule: { slotMinutes: 60, gridMinutes: 30 },
    settings: { holds_per_call_max: null, live_holds_max: null },
  });
  const call = fc.nat(2);
  const slot = fc.nat(5);
  const commands = fc.commands(
    [
      fc.tuple(call, slot).map(([a, b]) => claim(a, b)),
      call.map(confirm),
      call.map(release),
      slot.map(cancel),
      fc.constant(look),
    ],
    { maxCommands: 40 },
  );
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      await startOver(clinic);
      const slots = ofOneDay(await clinic.open()).slice(10, 16);
      const calls = [await clinic.call(), await clinic.call(), await clinic.call()];
      await fc.asyncModelRun(
        () => ({ model: { held: new Map(), booked: new Map() }, real: { clinic, slots, calls } }),
        sequence,
      );
    }),
    { numRuns: 40 },
  );
});

async function startOver({ sql, organization }: Clinic): Promise<void> {
  await inTenant(sql, organization.id, async (tx) => {
    await tx`update appointments set status = 'cancelled'`;
    await tx`
      update available_slots set status = 'available', reserved_by = null, reserved_at = null, expires_at = null
      where status <> 'available'`;
  });
}
