import type { Sql } from 'postgres';
import { describe, expect, test } from 'vitest';
import { beginTurn, type CallKey, endCall } from '#booking/calls.ts';
import type { ClaimLock } from '#booking/claim-lock.ts';
import { claimSlot } from '#booking/holds.ts';
import { callRecord } from '#console/call-record.ts';
import { inTenant } from '#storage/postgres.ts';
import { openRedis } from '#storage/redis.ts';
import { createLog } from '#telemetry/log.ts';
import { type Clinic, nth, ofOneDay, openClinic, type Slot } from '../../clinic.ts';
import { moveLedgerClock } from '../../ledger-database.ts';
import { redisServer } from '../../redis-server.ts';

const turn = null;
/** A ledger whose connection is gone. */
const failing = (() => Promise.reject(new Error('gone'))) as unknown as Sql;

async function rush(clinic: Clinic, wanted: Slot[], claimLock?: ClaimLock) {
  const calls = await Promise.all(wanted.map(() => clinic.call()));
  return Promise.all(
    wanted.map((slot, index) => {
      const call = calls[index];
      if (call === undefined) throw new Error('a call is missing');
      return claimSlot({ sql: clinic.sql, claimLock }, call, { ...slot, turn });
    }),
  );
}

describe('callers who want one slot', () => {
  test.each([
    [2, 'no lock'],
    [10, 'no lock'],
    [200, 'no lock'],
    [2, 'a lock'],
    [10, 'a lock'],
    [200, 'a lock'],
  ])('%i at once, with %s: one holds it, the others are told that it is taken', async (count, lock) => {
    await using clinic = await openClinic({ settings: { live_holds_max: null } });
    const wanted = nth(await clinic.open(), 10);
    const outcomes = await rush(
      clinic,
      Array.from({ length: count }, () => wanted),
      lock === 'a lock' ? clinic.store : undefined,
    );
    expect(outcomes.filter((one) => one.held)).toHaveLength(1);
    expect(outcomes.filter((one) => !one.held && one.reason === 'taken')).toHaveLength(count - 1);
  });

  redisServer.describe('with the lock in Redis', () => {
    test('200 at once: one holds it, and hardly any of the others asks Postgres', async () => {
      await using clinic = await openClinic({ settings: { live_holds_max: null } });
      await using redis = await redisServer.start();
      await using store = await openRedis({
        url: redis.url,
        // A machine under load is slow; what is looked at is the rush.
        commandDeadlineMs: 10_000,
        log: createLog({ level: 'silent', pretty: false }),
      });
      const wanted = nth(await clinic.open(), 10);
      let asked = 0;
      const counting = new Proxy(clinic.sql, {
        apply: (target, self, args) => {
          asked += 1;
          return Reflect.apply(target, self, args);
        },
        get: (target, name, self) => {
          if (name === 'begin') asked += 1;
          return Reflect.get(target, name, self);
        },
      });
      const outcomes = await rush(
        { ...clinic, sql: counting },
        Array.from({ length: 200 }, () => wanted),
        store,
      );
      expect(outcomes.filter((one) => one.held)).toHaveLength(1);
      expect(asked).toBeLessThan(100);
    });
  });

  test('a slot that was given up at once is nobody’s, whatever the lock says of the claim before', async () => {
    await using clinic = await openClinic();
    const slot = nth(await clinic.open(), 10);
    const claiming = { sql: clinic.sql, claimLock: clinic.store };
    const [first, second, third] = [await clinic.call(), await clinic.call(), await clinic.call()];
    expect((await claimSlot(claiming, first, { ...slot, turn })).held).toBe(true);
    expect(await claimSlot(claiming, second, { ...slot, turn })).toEqual({ held: false, reason: 'taken' });
    await clinic.sql`select release_hold(${first.tenantId}, ${first.callSid}, 'another day')`;
    expect((await claimSlot(claiming, third, { ...slot, turn })).held).toBe(true);
  });

  test.each(['a refused claim', 'a claim that fails'])('after %s the lock is free at once', async (what) => {
    await using clinic = await openClinic();
    const slot = nth(await clinic.open(), 10);
    let key = '';
    const lock: ClaimLock['lock'] = (wanted, ...rest) => {
      key = wanted;
      return clinic.store.lock(wanted, ...rest);
    };
    const sql = what === 'a refused claim' ? clinic.sql : failing;
    const wanted = { slotId: slot.slotId.replace('/ada', '/nobody'), version: slot.version, turn };
    const outcome = await claimSlot({ sql, claimLock: { lock } }, await clinic.call(), wanted).catch(
      () => 'failed',
    );
    expect(outcome).toEqual(what === 'a refused claim' ? { held: false, reason: 'unknown_slot' } : 'failed');
    expect(key).toContain(wanted.slotId);
    expect((await clinic.store.lock(key, 'another', 1_000)).state).toBe('held');
  });

  test.each([
    ['is left out', async () => ({ state: 'unavailable' as const })],
    ['is held by a process that died', async () => ({ state: 'busy' as const, owner: 'another/claiming' })],
  ])('a lock that %s stops nobody', async (_, lock) => {
    await using clinic = await openClinic();
    const slot = nth(await clinic.open(), 10);
    const outcome = await claimSlot({ sql: clinic.sql, claimLock: { lock } }, await clinic.call(), {
      ...slot,
      turn,
    });
    expect(outcome).toMatchObject({ held: true, slotId: slot.slotId });
  });

  test('10 callers who each want their own: all hold one', async () => {
    await using clinic = await openClinic();
    const outcomes = await rush(clinic, (await clinic.open()).slice(10, 20));
    expect(outcomes.every((one) => one.held)).toBe(true);
  });
});

describe('starts that overlap', () => {
  const schedule = { slotMinutes: 60, gridMinutes: 30, bufferMinutes: 15 };

  test('Postgres refuses an overlapping claim by itself, whatever code is in front of it', async () => {
    await using clinic = await openClinic({ schedule });
    const [first, second] = ofOneDay(await clinic.open()).slice(10, 12);
    const both = inTenant(clinic.sql, clinic.organization.id, async (tx) => {
      for (const slot of [first, second]) {
        await tx`update available_slots set status = 'booked' where slot_id = ${slot?.slotId ?? ''}`;
      }
    });
    await expect(both).rejects.toMatchObject({ code: '23P01', constraint_name: 'claims_do_not_overlap' });
  });

  test('a slot that starts within the buffer of another is refused, the one after it is not', async () => {
    await using clinic = await openClinic({ schedule });
    const slots = ofOneDay(await clinic.open());
    const [first, within, after] = [10, 12, 13].map((index) => nth(slots, index));
    if (!first || !within || !after) throw new Error('slots are missing');
    const outcomes = [];
    for (const slot of [first, within, after]) outcomes.push(...(await rush(clinic, [slot])));
    expect(outcomes.map((one) => one.held)).toEqual([true, false, true]);
  });

  test('a rush of overlapping claims ends without a deadlock and without an overlap', async () => {
    await using clinic = await openClinic({ schedule, settings: { live_holds_max: null } });
    const slots = ofOneDay(await clinic.open()).slice(10, 20);
    const wanted = Array.from({ length: 200 }, (_, index) => nth(slots, (index * 7) % slots.length));
    const outcomes = await rush(clinic, wanted);
    const held = outcomes.flatMap((one, index) => (one.held ? [nth(wanted, index)] : []));
    // An hour and its buffer: whatever starts less than that apart is in each other's way, and nothing else is.
    const apartMs = 75 * 60_000;
    for (const slot of slots) {
      const inTheWay = held.filter(
        (one) => Math.abs(one.startsAt.getTime() - slot.startsAt.getTime()) < apartMs,
      );
      expect(inTheWay.length, `${slot.slotId}, held: ${held.map((one) => one.slotId)}`).toBeGreaterThan(0);
      if (held.includes(slot)) expect(inTheWay).toEqual([slot]);
    }
    const [row] = await clinic.sql<{ deadlocks: number }[]>`
      select deadlocks::integer from pg_stat_database where datname = current_database()`;
    expect(row?.deadlocks).toBe(0);
  });
});

describe('a hold', () => {
  test('that is over is offered and claimed again without anybody sweeping', async () => {
    await using clinic = await openClinic();
    const slot = nth(await clinic.open(), 20);
    const [first, second] = [await clinic.call(), await clinic.call()];
    await claimSlot(clinic, first, { ...slot, turn });
    expect((await clinic.open()).map((one) => one.slotId)).not.toContain(slot.slotId);
    await moveLedgerClock(clinic.database, '5 minutes 1 second');

    const again = (await clinic.open()).find((one) => one.slotId === slot.slotId);
    expect(again).toBeDefined();
    const outcome = await claimSlot(clinic, second, { ...slot, turn });
    expect(outcome).toMatchObject({ held: true, slotId: slot.slotId });
    const { history } = await callRecord(clinic.sql, first.tenantId, first.callSid);
    expect(history.at(-1)).toMatchObject({ cause: 'hold expired', slotId: slot.slotId });
  });

  test('asked for again by its own call is the same hold', async () => {
    await using clinic = await openClinic();
    const slot = nth(await clinic.open(), 20);
    const call = await clinic.call();
    const first = await claimSlot(clinic, call, { ...slot, turn });
    expect(await claimSlot(clinic, call, { ...slot, turn })).toEqual({ ...first, facts: expect.any(Object) });
  });

  test('is given up when the call claims another slot', async () => {
    await using clinic = await openClinic();
    const [first, second] = (await clinic.open()).slice(20);
    if (!first || !second) throw new Error('slots are missing');
    const call = await clinic.call();
    await claimSlot(clinic, call, { ...first, turn });
    await claimSlot(clinic, call, { ...second, turn });
    const open = (await clinic.open()).map((one) => one.slotId);
    expect(open).toContain(first.slotId);
    expect(open).not.toContain(second.slotId);
  });

  test('is refused by the ledger under an old version, which tells the present one; every claim and release makes a new one', async () => {
    await using clinic = await openClinic();
    const { sql } = clinic;
    const slot = nth(await clinic.open(), 20);
    const claim = async ({ tenantId, callSid }: CallKey, version: string) => {
      const [row] =
        await sql`select claim_slot_atomic(${tenantId}, ${slot.slotId}, ${callSid}, ${version}) as answer`;
      return row?.['answer'];
    };
    const earlier = await clinic.call();
    const held = await claim(earlier, slot.version);
    expect(held).toMatchObject({ success: true });
    await sql`select release_hold(${earlier.tenantId}, ${earlier.callSid}, 'another day')`;
    const later = await clinic.call();
    for (const old of [slot.version, held.version]) {
      expect(await claim(later, old)).toMatchObject({ success: false, reason: 'changed' });
    }
    const { version } = await claim(later, slot.version);
    expect(await claim(later, version)).toMatchObject({ success: true });
  });

  test('is made although the version offered is no longer the present one: it is still that time', async () => {
    await using clinic = await openClinic();
    const slot = nth(await clinic.open(), 20);
    const earlier = await clinic.call();
    await claimSlot(clinic, earlier, { ...slot, turn });
    await clinic.sql`select release_hold(${earlier.tenantId}, ${earlier.callSid}, 'another day')`;
    const outcome = await claimSlot(clinic, await clinic.call(), { ...slot, turn });
    expect(outcome.held).toBe(true);
  });

  test.each([
    [false, 'stays for a call-back', false],
    [true, 'is given up', true],
  ])('of a caller who hangs up, where the clinic says %s, %s', async (releases, _, isOpen) => {
    await using clinic = await openClinic();
    const slot = nth(await clinic.open(), 20);
    const call = await clinic.call();
    await claimSlot(clinic, call, { ...slot, turn });
    expect(await endCall(clinic.sql, call, { releaseHold: releases, fault: null })).toEqual({ first: true });
    expect(await endCall(clinic.sql, call, { releaseHold: releases, fault: null })).toEqual({ first: false });
    expect((await clinic.open()).some((one) => one.slotId === slot.slotId)).toBe(isOpen);
  });

  test('cannot be made for a time that has begun, or a slot nobody knows', async () => {
    await using clinic = await openClinic();
    const slot = nth(await clinic.open(), 0);
    const call = await clinic.call();
    await moveLedgerClock(clinic.database, '1 hour');
    expect(await claimSlot(clinic, call, { ...slot, turn })).toEqual({
      held: false,
      reason: 'in_the_past',
    });
    const nowhere = { ...slot, slotId: '2020-01-01T00:00:00Z/ada', turn };
    expect(await claimSlot(clinic, call, nowhere)).toEqual({ held: false, reason: 'unknown_slot' });
  });

  test('cannot be made in a turn that a newer one has replaced', async () => {
    await using clinic = await openClinic();
    const slot = nth(await clinic.open(), 20);
    const call = await clinic.call();
    await beginTurn(clinic.sql, call, { caller: null, userTurns: 2, requestedAt: null });
    expect(await claimSlot(clinic, call, { ...slot, turn: 1 })).toEqual({
      held: false,
      reason: 'superseded',
    });
    expect((await claimSlot(clinic, call, { ...slot, turn: 2 })).held).toBe(true);
  });
});

test('a slot under a busy time is not open, whichever was there first', async () => {
  await using clinic = await openClinic();
  const slot = nth(await clinic.open(), 20);
  await inTenant(
    clinic.sql,
    clinic.organization.id,
    (tx) => tx`
      insert into busy_times (tenant_id, practitioner_id, starts_at, ends_at, source)
      values (${clinic.organization.id}, ${slot.practitionerId}, ${slot.startsAt},
        ${new Date(slot.startsAt.getTime() + 60_000)}, 'test')`,
  );
  expect((await clinic.open()).map((one) => one.slotId)).not.toContain(slot.slotId);
  const outcome = await claimSlot(clinic, await clinic.call(), { ...slot, turn });
  expect(outcome).toEqual({ held: false, reason: 'taken' });
});

describe('limits', () => {
  test.each([
    ['a call', { holds_per_call_max: 3 }, true, true],
    ['a number', { holds_per_number_and_day_max: 3 }, false, true],
    ['the organization', { live_holds_max: 3 }, false, false],
  ])('of %s are kept', async (_, settings, sameCall, sameNumber) => {
    await using clinic = await openClinic({ settings });
    const slots = (await clinic.open()).slice(20, 24);
    const first = await clinic.call('+12125550100');
    const outcomes = [];
    for (const [index, slot] of slots.entries()) {
      const number = sameNumber ? '+12125550100' : `+1212555010${index + 1}`;
      const call = sameCall ? first : await clinic.call(number);
      outcomes.push(await claimSlot(clinic, call, { ...slot, turn }));
    }
    expect(outcomes.map((one) => one.held)).toEqual([true, true, true, false]);
    expect(outcomes.at(-1)).toEqual({ held: false, reason: 'limit' });
  });
});
