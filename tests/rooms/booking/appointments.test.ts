import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import {
  cancelAppointment,
  confirmBooking,
  findAppointments,
  moveAppointment,
} from '#booking/appointments.ts';
import { beginTurn, type CallKey, endCall } from '#booking/calls.ts';
import { claimSlot } from '#booking/holds.ts';
import { forgetExpired, forgetPerson } from '#booking/privacy.ts';
import { callRecord } from '#console/call-record.ts';
import { inTenant } from '#storage/postgres.ts';
import { type Clinic, nth, ofOneDay, openClinic, type Slot } from '../../clinic.ts';
import { moveLedgerClock } from '../../ledger-database.ts';

const number = '+12125550100';
const patient = { name: 'Ann Miller', phone: number };

async function hold(clinic: Clinic, call: CallKey, slot: Slot): Promise<string> {
  const outcome = await claimSlot(clinic, call, { ...slot, turn: null });
  if (!outcome.held || !('version' in outcome)) throw new Error(`not held: ${JSON.stringify(outcome)}`);
  return outcome.version;
}

function confirm(clinic: Clinic, call: CallKey, holdVersion: string, details: object = patient) {
  const text = { number: { ...patient, ...details }.phone, wording: 'confirmation' as const, language: 'en' };
  return confirmBooking(clinic.sql, call, { holdVersion, patient: details, text, turn: null });
}

async function book(clinic: Clinic, slot: Slot): Promise<{ call: CallKey; id: string }> {
  const call = await clinic.call(number);
  const outcome = await confirm(clinic, call, await hold(clinic, call, slot));
  if (!outcome.booked) throw new Error('not booked');
  return { call, id: outcome.appointmentId };
}

async function slotStatus(clinic: Clinic, slotId: string): Promise<string | undefined> {
  return inTenant(clinic.sql, clinic.organization.id, async (tx) => {
    const [row] = await tx<
      { status: string }[]
    >`select status from available_slots where slot_id = ${slotId}`;
    return row?.status;
  });
}

describe('a confirmation', () => {
  test('makes appointment, slot, step, history and promised text in one', async () => {
    await using clinic = await openClinic();
    const slot = nth(await clinic.open(), 20);
    const { call, id } = await book(clinic, slot);
    const record = await callRecord(clinic.sql, call.tenantId, call.callSid);
    expect(record.appointments).toMatchObject([{ id, slotId: slot.slotId, status: 'booked', patient }]);
    expect(record.state?.step).toBe('booked');
    expect(record.history.map((row) => row.toStep)).toEqual(['greeting', 'reserve', 'confirm_sms', 'booked']);
    expect(record.texts).toHaveLength(1);
    expect(await slotStatus(clinic, slot.slotId)).toBe('booked');
  });

  test('asked for ten times at once is one appointment and one text', async () => {
    await using clinic = await openClinic();
    const call = await clinic.call(number);
    const version = await hold(clinic, call, nth(await clinic.open(), 20));
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => confirm(clinic, call, version)));
    const record = await callRecord(clinic.sql, call.tenantId, call.callSid);
    expect(record.appointments).toHaveLength(1);
    expect(record.texts).toHaveLength(1);
    expect(outcomes.every((one) => one.booked && one.appointmentId === record.appointments[0]?.id)).toBe(
      true,
    );
    expect(outcomes.filter((one) => one.booked && !one.repeated)).toHaveLength(1);
  });

  test('with a corrected number is the same appointment, and the text goes to the new number', async () => {
    await using clinic = await openClinic();
    const call = await clinic.call(number);
    const version = await hold(clinic, call, nth(await clinic.open(), 20));
    await confirm(clinic, call, version);
    await confirm(clinic, call, version, { phone: '+12125550199' });
    const { appointments, texts } = await callRecord(clinic.sql, call.tenantId, call.callSid);
    expect(appointments).toMatchObject([{ patient: { name: 'Ann Miller', phone: '+12125550199' } }]);
    expect(texts.filter((text) => text.status === 'recorded')).toMatchObject([{ number: '+12125550199' }]);
  });

  test('of a hold the call has given up for another books nothing', async () => {
    await using clinic = await openClinic();
    const slots = await clinic.open();
    const call = await clinic.call(number);
    const old = await hold(clinic, call, nth(slots, 20));
    const present = await hold(clinic, call, nth(slots, 21));
    expect(await confirm(clinic, call, old)).toEqual({
      booked: false,
      reason: 'no_hold',
      facts: expect.any(Object),
    });
    expect(await confirm(clinic, call, present)).toMatchObject({
      booked: true,
      slotId: nth(slots, 21).slotId,
    });
  });

  test('of another call’s hold books nothing', async () => {
    await using clinic = await openClinic();
    const version = await hold(clinic, await clinic.call(), nth(await clinic.open(), 20));
    const stranger = await clinic.call();
    expect(await confirm(clinic, stranger, version)).toEqual({
      booked: false,
      reason: 'no_hold',
      facts: expect.any(Object),
    });
  });

  test('of a hold that lapsed books when the slot stayed free, and nothing when it did not', async () => {
    await using clinic = await openClinic();
    const slots = await clinic.open();
    const [lucky, late] = [await clinic.call(), await clinic.call()];
    const free = await hold(clinic, lucky, nth(slots, 20));
    const lost = await hold(clinic, late, nth(slots, 21));
    await moveLedgerClock(clinic.database, '6 minutes');
    await claimSlot(clinic, await clinic.call(), { ...nth(slots, 21), turn: null });
    expect((await confirm(clinic, lucky, free)).booked).toBe(true);
    expect(await confirm(clinic, late, lost)).toEqual({
      booked: false,
      reason: 'no_hold',
      facts: expect.any(Object),
    });
  });

  test('after the booking was cancelled does not make it again', async () => {
    await using clinic = await openClinic();
    const call = await clinic.call(number);
    const version = await hold(clinic, call, nth(await clinic.open(), 20));
    const made = await confirm(clinic, call, version);
    if (!made.booked) throw new Error('not booked');
    await cancelAppointment(clinic.sql, call, made.appointmentId);
    expect(await confirm(clinic, call, version)).toEqual({
      booked: false,
      reason: 'no_hold',
      facts: expect.any(Object),
    });
  });
});

describe('a caller’s own appointments', () => {
  test('are found by number and name together, never by one of them', async () => {
    await using clinic = await openClinic();
    await book(clinic, nth(await clinic.open(), 20));
    const find = (phone: string, name: string) =>
      findAppointments(clinic.sql, clinic.organization.id, { phone, name });
    expect(await find(number, 'ann MILLER')).toHaveLength(1);
    expect(await find(number, 'Mrs. Miller')).toHaveLength(1);
    expect(await find(number, 'Ben Miller')).toHaveLength(0);
    expect(await find(number, '')).toHaveLength(0);
    expect(await find('+12125550101', 'Ann Miller')).toHaveLength(0);
  });

  test('are cancelled once, and their time is open again', async () => {
    await using clinic = await openClinic();
    const slot = nth(await clinic.open(), 20);
    const { call, id } = await book(clinic, slot);
    expect(await cancelAppointment(clinic.sql, call, id)).toMatchObject({ cancelled: true, repeated: false });
    expect(await cancelAppointment(clinic.sql, call, id)).toMatchObject({ cancelled: true, repeated: true });
    expect(await slotStatus(clinic, slot.slotId)).toBe('available');
  });

  test('are moved in one: the new time is taken and the old one opened', async () => {
    await using clinic = await openClinic();
    const slots = await clinic.open();
    const { call, id } = await book(clinic, nth(slots, 20));
    const moved = await moveAppointment(clinic.sql, call, id, nth(slots, 30));
    expect(moved).toMatchObject({ moved: true, slotId: nth(slots, 30).slotId, repeated: false });
    expect(await moveAppointment(clinic.sql, call, id, nth(slots, 30))).toMatchObject({ repeated: true });
    expect(await slotStatus(clinic, nth(slots, 20).slotId)).toBe('available');
    expect(await slotStatus(clinic, nth(slots, 30).slotId)).toBe('booked');
  });

  test('keep their time when the new one is gone', async () => {
    await using clinic = await openClinic();
    const slots = await clinic.open();
    const { call, id } = await book(clinic, nth(slots, 20));
    await book(clinic, nth(slots, 30));
    expect(await moveAppointment(clinic.sql, call, id, nth(slots, 30))).toEqual({
      facts: expect.any(Object),
      moved: false,
      reason: 'taken',
    });
    expect(await slotStatus(clinic, nth(slots, 20).slotId)).toBe('booked');
  });
});

describe('a move', () => {
  const schedule = { slotMinutes: 60, gridMinutes: 30, bufferMinutes: 15 };

  test('into the buffer of another appointment is refused, and the old time stays', async () => {
    await using clinic = await openClinic({ schedule });
    const slots = ofOneDay(await clinic.open());
    const { call, id } = await book(clinic, nth(slots, 10));
    await book(clinic, nth(slots, 20));
    // It begins when the other one ends, and the other one's buffer has not passed.
    expect(await moveAppointment(clinic.sql, call, id, nth(slots, 22))).toEqual({
      facts: expect.any(Object),
      moved: false,
      reason: 'taken',
    });
    expect(await slotStatus(clinic, nth(slots, 10).slotId)).toBe('booked');
    expect(await moveAppointment(clinic.sql, call, id, nth(slots, 23))).toMatchObject({ moved: true });
  });

  test('by half its own length is in nobody’s way', async () => {
    await using clinic = await openClinic({ schedule });
    const slots = ofOneDay(await clinic.open());
    const { call, id } = await book(clinic, nth(slots, 10));
    expect(await moveAppointment(clinic.sql, call, id, nth(slots, 11))).toMatchObject({ moved: true });
    expect(await slotStatus(clinic, nth(slots, 10).slotId)).toBe('available');
  });

  test.each(['insert on appointments', 'update on call_states'])(
    'that fails at an %s changes nothing',
    async (at) => {
      await using clinic = await openClinic();
      const slots = await clinic.open();
      const { call, id } = await book(clinic, nth(slots, 20));
      const owner = postgres(clinic.database.ownerUrl, { max: 1, onnotice: () => {} });
      await owner.unsafe(`
        create function fail() returns trigger language plpgsql as 'begin raise exception ''struck''; end';
        create trigger struck before ${at} for each row execute function fail()`);
      await expect(moveAppointment(clinic.sql, call, id, nth(slots, 30))).rejects.toThrow(/struck/);
      await owner.unsafe(`drop function fail cascade`);
      await owner.end();
      const { appointments } = await callRecord(clinic.sql, call.tenantId, call.callSid);
      expect(appointments).toMatchObject([{ id, slotId: nth(slots, 20).slotId, status: 'booked' }]);
      expect(await slotStatus(clinic, nth(slots, 20).slotId)).toBe('booked');
      expect(await slotStatus(clinic, nth(slots, 30).slotId)).toBe('available');
    },
  );
});

describe('a caller who was cut off and rings again', () => {
  test('finds the hold again once the first call has ended, from the same number', async () => {
    await using clinic = await openClinic();
    const slot = nth(await clinic.open(), 20);
    const first = await clinic.call(number);
    const version = await hold(clinic, first, slot);
    const tooEarly = await beginTurn(
      clinic.sql,
      { ...first, callSid: 'too-early' },
      { caller: number, userTurns: 1, requestedAt: null },
    );
    expect(tooEarly?.hold).toBeNull();
    await endCall(clinic.sql, first, { releaseHold: false, fault: null });
    const stranger = await beginTurn(
      clinic.sql,
      { ...first, callSid: 'stranger' },
      { caller: '+12125550177', userTurns: 1, requestedAt: null },
    );
    expect(stranger?.hold).toBeNull();
    const withheld = await beginTurn(
      clinic.sql,
      { ...first, callSid: 'withheld' },
      { caller: null, userTurns: 1, requestedAt: null },
    );
    expect(withheld?.hold).toBeNull();

    const back = await beginTurn(
      clinic.sql,
      { ...first, callSid: 'back' },
      { caller: number, userTurns: 1, requestedAt: null },
    );
    expect(back).toMatchObject({ step: 'confirm_sms', hold: { slotId: slot.slotId, fromEarlierCall: true } });
    expect(await confirm(clinic, first, version)).toEqual({
      booked: false,
      reason: 'no_hold',
      facts: expect.any(Object),
    });
  });
});

describe('privacy', () => {
  test('a person who is forgotten is nowhere any more, and the history never held them', async () => {
    await using clinic = await openClinic();
    const { call, id } = await book(clinic, nth(await clinic.open(), 20));
    const { organization, sql } = clinic;
    expect(await forgetPerson(sql, organization.id, number)).toEqual({ forgotten: false, upcoming: 1 });
    await cancelAppointment(sql, call, id);
    // Someone who only called, and someone who wants to be called back, are the same person.
    await clinic.call(number);
    await inTenant(
      sql,
      organization.id,
      (tx) => tx`insert into call_back_requests (tenant_id, number) values (${organization.id}, ${number})`,
    );
    expect(await forgetPerson(sql, organization.id, number)).toMatchObject({ forgotten: true });
    const everything = await inTenant(sql, organization.id, async (tx) => {
      const tables = await tx<{ name: string }[]>`
        select table_name as name from information_schema.columns
        where table_schema = 'public' and column_name = 'tenant_id'`;
      const rows = [];
      for (const { name } of tables) rows.push(...(await tx`select t::text as row from ${tx(name)} t`));
      return rows.map((row) => String(row['row'])).join('\n');
    });
    expect(everything).not.toMatch(/Miller|2125550100/);
    expect(everything).toContain(call.callSid);
  });

  test('details older than the clinic keeps them are removed', async () => {
    await using clinic = await openClinic({ settings: { retention_days: 30 } });
    const { call } = await book(clinic, nth(await clinic.open(), 20));
    expect(await forgetExpired(clinic.sql, clinic.organization.id)).toBe(0);
    await moveLedgerClock(clinic.database, '40 days');
    expect(await forgetExpired(clinic.sql, clinic.organization.id)).toBeGreaterThan(0);
    const { appointments } = await callRecord(clinic.sql, call.tenantId, call.callSid);
    expect(appointments).toMatchObject([{ patient: {} }]);
    expect(appointments[0]?.patient).toEqual({});
  });
});

describe('the step machine', () => {
  test('refuses a step that is not legal, in the database itself', async () => {
    await using clinic = await openClinic();
    const { callSid, tenantId } = await clinic.call();
    const step = (wanted: string) =>
      inTenant(
        clinic.sql,
        tenantId,
        (tx) => tx`update call_states set step = ${wanted}, cause = 'test' where call_sid = ${callSid}`,
      );
    await expect(step('booked')).rejects.toMatchObject({ code: '23514' });
    await step('failed');
    await step('check_avail');
  });

  test('keeps a history that nobody can change', async () => {
    await using clinic = await openClinic();
    const { tenantId } = await clinic.call();
    for (const change of ['update call_history set cause = null', 'delete from call_history']) {
      const tried = inTenant(clinic.sql, tenantId, (tx) => tx.unsafe(change));
      await expect(tried).rejects.toMatchObject({ code: '42501' });
    }
  });
});
