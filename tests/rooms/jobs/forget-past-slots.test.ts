import { describe, expect, test } from 'vitest';
import { fillSlots, forgetPastSlots } from '#availability/slot-upkeep.ts';
import { cancelAppointment, confirmBooking } from '#booking/appointments.ts';
import type { CallKey } from '#booking/calls.ts';
import { claimSlot } from '#booking/holds.ts';
import { callRecord } from '#console/call-record.ts';
import { forgetAllPastSlots } from '#jobs/forget-past-slots.ts';
import { schedulesOf } from '#jobs/tasks.ts';
import { openDirectory } from '#organization/directory.ts';
import { inTenant } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { type Clinic, nth, openClinic, type Slot } from '../../clinic.ts';
import { moveLedgerClock } from '../../ledger-database.ts';
import { lookAtRows } from '../../torture/check.ts';
import { readLedgerRows } from '../../torture/ledger-rows.ts';

const log = createLog({ level: process.env['LOG_LEVEL'] ?? 'silent', pretty: true });
const job = { attempt: 1, signal: new AbortController().signal };

async function hold(clinic: Clinic, call: CallKey, slot: Slot): Promise<string> {
  const outcome = await claimSlot(clinic, call, { ...slot, turn: null });
  if (!outcome.held || !('version' in outcome)) throw new Error(`not held: ${JSON.stringify(outcome)}`);
  return outcome.version;
}

async function book(clinic: Clinic, slot: Slot): Promise<{ call: CallKey; id: string }> {
  const call = await clinic.call();
  const holdVersion = await hold(clinic, call, slot);
  const booked = await confirmBooking(clinic.sql, call, { holdVersion, patient: {}, text: null, turn: null });
  if (!booked.booked) throw new Error('not booked');
  return { call, id: booked.appointmentId };
}

function slotsLeft(clinic: Clinic): Promise<string[]> {
  return inTenant(clinic.sql, clinic.organization.id, async (tx) => {
    const rows = await tx<{ slotId: string }[]>`
      select slot_id as "slotId" from available_slots order by starts_at, slot_id`;
    return rows.map(({ slotId }) => slotId);
  });
}

describe('slots of more than a week ago', () => {
  test('go when nobody booked them, a batch at a time; what somebody booked, cancelled or blocked stays', async () => {
    await using clinic = await openClinic({ practitioners: ['ada', 'ben'] });
    const { sql, organization } = clinic;
    const slots = await clinic.open();
    const [booked, cancelled, held, blocked] = [40, 42, 44, 46].map((at) => nth(slots, at));
    if (!booked || !cancelled || !held || !blocked) throw new Error('slots are missing');
    await book(clinic, booked);
    const given = await book(clinic, cancelled);
    await cancelAppointment(sql, given.call, given.id);
    const caller = await clinic.call();
    const holdVersion = await hold(clinic, caller, held);
    await inTenant(
      sql,
      organization.id,
      (tx) => tx`update available_slots set status = 'blocked' where slot_id = ${blocked.slotId}`,
    );

    const before = await slotsLeft(clinic);
    expect(await forgetPastSlots(sql, organization.id)).toBe(0);
    // The last of them began less than a week ago by now.
    await moveLedgerClock(clinic.database, '8 days 12 hours');
    const kept = [booked.slotId, cancelled.slotId, blocked.slotId];
    const horizon = new Date(Date.now() + 1.5 * 86_400_000).toISOString().slice(0, 19);
    const left = before.filter((slotId) => kept.includes(slotId) || slotId >= horizon);
    const removed = await forgetPastSlots(sql, organization.id, { batch: 10 });
    expect(removed).toBe(before.length - left.length);
    expect(removed).toBeGreaterThan(50);
    expect(left.length).toBeGreaterThan(50);
    expect(await slotsLeft(clinic)).toEqual(left);

    expect(await forgetPastSlots(sql, organization.id)).toBe(0);
    // The history says how the hold ended, and its call finds nothing that is not so.
    const { history } = await callRecord(sql, caller.tenantId, caller.callSid);
    expect(history.at(-1)).toMatchObject({ cause: 'hold expired', slotId: held.slotId, toStep: null });
    const late = await confirmBooking(sql, caller, { holdVersion, patient: {}, text: null, turn: null });
    expect(late).toMatchObject({
      booked: false,
      reason: 'no_hold',
      facts: { hold: null, appointment: null },
    });
    expect(lookAtRows(await readLedgerRows(sql, organization.id, { history: false }))).toEqual([]);
    // Nothing brings them back.
    await fillSlots(sql, organization, new Date());
    expect(await slotsLeft(clinic)).toEqual(left);
  });

  test('a call that lets its old hold go meanwhile is not disturbed', async () => {
    await using clinic = await openClinic();
    const { sql, organization } = clinic;
    const old = nth(await clinic.open(), 2);
    const call = await clinic.call();
    await hold(clinic, call, old);
    await moveLedgerClock(clinic.database, '9 days');
    const remaining = () => slotsLeft(clinic).then((all) => all.includes(old.slotId));
    await sql.begin(async (tx) => {
      // As any operation of the call does it first.
      await tx`select lock_call(${call.tenantId}, ${call.callSid})`;
      await forgetPastSlots(sql, organization.id);
      expect(await remaining()).toBe(true);
      await tx`select release_hold(${call.tenantId}, ${call.callSid}, 'given up late')`;
    });
    await forgetPastSlots(sql, organization.id);
    expect(await remaining()).toBe(false);
    const { history } = await callRecord(sql, call.tenantId, call.callSid);
    expect(history.filter(({ slotId }) => slotId === old.slotId).map(({ cause }) => cause)).toEqual([
      'slot claimed',
      'given up late',
      'given up late',
    ]);
  });

  test('go in every organization, every day; one that fails keeps none of the others from it', async () => {
    expect(schedulesOf({ calendars: undefined })).toContainEqual({
      task: 'forget-past-slots',
      cron: expect.stringMatching(/^\d+ \d+ \* \* \*$/),
    });
    await using clinic = await openClinic();
    const { sql, organization } = clinic;
    const other = crypto.randomUUID();
    await inTenant(sql, other, async (tx) => {
      await tx`insert into organizations (id, key, name, zone) values (${other}, 'other', 'other', 'UTC')`;
      await tx`insert into practitioners (tenant_id, key, name, spoken_name) values (${other}, 'eve', 'Eve', 'Eve')`;
    });
    await using directory = await openDirectory({ sql, log });
    const [, second] = [...directory.all()].sort((one) => (one.id === organization.id ? -1 : 1));
    if (second === undefined) throw new Error('the other organization is missing');
    await fillSlots(sql, second, new Date());
    const countOf = (id: string) =>
      inTenant(sql, id, async (tx) => {
        const [row] = await tx<[{ count: number }]>`select count(*)::integer as count from available_slots`;
        return row.count;
      });
    await moveLedgerClock(clinic.database, '60 days');
    const [mine, theirs] = [await countOf(organization.id), await countOf(second.id)];
    expect(Math.min(mine, theirs)).toBeGreaterThan(50);
    await forgetPastSlots(sql, organization.id);
    // One organization's name opens no other's rows.
    expect([await countOf(organization.id), await countOf(second.id)]).toEqual([0, theirs]);

    const all = () => [{ ...organization, id: 'no id' }, organization, second];
    const forget = forgetAllPastSlots({ sql, directory: { ...directory, all }, log });
    await expect(forget({}, job)).rejects.toThrow(/for 1 organizations/);
    expect(await countOf(second.id)).toBe(0);
  });
});
