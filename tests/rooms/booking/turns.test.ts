import { randomUUID } from 'node:crypto';
import type { Sql } from 'postgres';
import { expect, test } from 'vitest';
import { type CallKey, endCall } from '#booking/calls.ts';
import { claimSlot } from '#booking/holds.ts';
import { createTurnLedger, startCall, type TurnLedger } from '#booking/turns.ts';
import { callRecord } from '#console/call-record.ts';
import { inTenant } from '#storage/postgres.ts';
import type { Log } from '#telemetry/log.ts';
import { type Clinic, nth, openClinic } from '../../clinic.ts';

const start = { caller: null, userTurns: 1, requestedAt: null };

/** A ledger whose turns travel together, and what it warned of. */
function ledgerOf({ sql }: Clinic): TurnLedger & { warnings: string[] } {
  const warnings: string[] = [];
  const log = { warn: (_: object, said: string) => warnings.push(said) } as unknown as Log;
  return Object.assign(createTurnLedger({ sql, log }), { warnings });
}

function callsOf(clinic: Clinic, count: number): Promise<CallKey[]> {
  return Promise.all(Array.from({ length: count }, () => clinic.call()));
}

/** What a call that is on is known by, so that its turns may travel with others'. */
async function known(turns: TurnLedger, call: CallKey) {
  const facts = await turns.begin(call, start, undefined);
  if (facts === undefined) throw new Error('superseded');
  return facts;
}

test('turns of many calls that begin at one moment are numbered each in its own call', async () => {
  await using clinic = await openClinic();
  const turns = ledgerOf(clinic);
  const calls = await callsOf(clinic, 50);
  const facts = await known(turns, nth(calls, 0));
  const begun = await Promise.all(calls.map((call) => turns.begin(call, start, facts)));
  expect(begun.map((one) => one?.snapshot.turn)).toEqual([3, ...Array(49).fill(2)]);
  expect(turns.warnings).toEqual([]);
});

test('two turns of one call that travel together take their numbers in the order they were asked', async () => {
  await using clinic = await openClinic();
  const turns = ledgerOf(clinic);
  const call = await clinic.call();
  const facts = await known(turns, call);
  const [first, second] = await Promise.all([
    turns.begin(call, start, facts),
    turns.begin(call, start, facts),
  ]);
  expect(second?.snapshot.turn).toBe((first?.snapshot.turn ?? 0) + 1);
});

test('a call another process works on keeps nobody else waiting, and waits for it by itself', async () => {
  await using clinic = await openClinic();
  const turns = ledgerOf(clinic);
  const [busy, free] = await callsOf(clinic, 2);
  if (busy === undefined || free === undefined) throw new Error('no calls');
  const facts = await known(turns, free);
  let release = () => {};
  const working = clinic.sql.begin(async (tx) => {
    await tx`select lock_call(${busy.tenantId}, ${busy.callSid})`;
    await new Promise<void>((resolve) => {
      release = resolve;
    });
  });
  while ((await lockedCalls(clinic)) === 0) await new Promise((done) => setTimeout(done, 5));
  let late = true;
  const waiting = turns.begin(busy, start, facts).then((begun) => {
    late = false;
    return begun;
  });
  expect((await turns.begin(free, start, facts))?.snapshot.turn).toBe(3);
  expect(late).toBe(true);
  release();
  await working;
  expect((await waiting)?.snapshot.turn).toBe(2);
});

test('a turn that cannot be begun fails nobody it travels with', async () => {
  await using clinic = await openClinic();
  const turns = ledgerOf(clinic);
  const calls = await callsOf(clinic, 3);
  const facts = await known(turns, nth(calls, 0));
  const bad = turns.begin(nth(calls, 1), { ...start, userTurns: 3_000_000_000 }, facts);
  const good = turns.begin(nth(calls, 2), start, facts);
  await expect(bad).rejects.toThrow();
  expect((await good)?.snapshot.turn).toBe(2);
  expect(turns.warnings).not.toEqual([]);
});

test('a call nobody has begun yet is begun, with the hold of a caller who was cut off', async () => {
  await using clinic = await openClinic();
  const turns = ledgerOf(clinic);
  const caller = '+12125550142';
  const first = await clinic.call(caller);
  const slot = nth(await clinic.open(), 0);
  await claimSlot(clinic, first, { slotId: slot.slotId, version: slot.version, turn: null });
  await clinic.sql`select end_call(${first.tenantId}, ${first.callSid}, false)`;
  // Believed to be known here, e.g. because its start was told; the ledger decides.
  const back = { ...first, callSid: randomUUID() };
  const begun = await turns.begin(back, { ...start, caller }, await known(turns, await clinic.call()));
  expect(begun?.snapshot.hold).toMatchObject({ slotId: slot.slotId, fromEarlierCall: true });
});

test('two turns have the same fingerprint exactly when nothing changed between them', async () => {
  await using clinic = await openClinic();
  const turns = ledgerOf(clinic);
  const call = { tenantId: clinic.organization.id, callSid: randomUUID() };
  const first = await known(turns, call);
  expect((await turns.begin(call, start, first))?.fingerprint).toBe(first.fingerprint);
  const slot = nth(await clinic.open(), 0);
  await claimSlot(clinic, call, { slotId: slot.slotId, version: slot.version, turn: null });
  const held = await turns.begin(call, start, first);
  expect(held?.fingerprint).not.toBe(first.fingerprint);
  expect(held?.snapshot.hold?.slotId).toBe(slot.slotId);
});

test('a call that was told of has the fingerprint its first turn finds, also with a hold of the call before', async () => {
  await using clinic = await openClinic();
  const turns = ledgerOf(clinic);
  const caller = '+12125550143';
  const fresh = { tenantId: clinic.organization.id, callSid: randomUUID() };
  const told = await startCall(clinic.sql, fresh, caller);
  expect(told).toMatchObject({ first: true, upcoming: 0, facts: { snapshot: { hold: null, caller } } });
  const begun = await turns.begin(fresh, { ...start, caller }, told.facts);
  expect(begun?.fingerprint).toBe(told.facts.fingerprint);
  expect((await startCall(clinic.sql, fresh, caller)).first).toBe(false);

  await claimSlot(clinic, fresh, { ...nth(await clinic.open(), 0), turn: null });
  await endCall(clinic.sql, fresh, { releaseHold: false, fault: null });
  const back = { ...fresh, callSid: randomUUID() };
  const again = await startCall(clinic.sql, back, caller);
  expect(again.facts.snapshot.hold).toMatchObject({ fromEarlierCall: true });
  const first = await turns.begin(back, { ...start, caller }, again.facts);
  expect(first?.fingerprint).toBe(again.facts.fingerprint);
});

test('times of turns that end together are all kept', async () => {
  await using clinic = await openClinic();
  const turns = ledgerOf(clinic);
  const calls = await callsOf(clinic, 40);
  const times = { number: 1, firstWordMs: 12.5, toolMs: null, tools: ['check_availability'] };
  await Promise.all(calls.map((call) => turns.record(call, times)));
  for (const { tenantId, callSid } of calls) {
    expect((await callRecord(clinic.sql, tenantId, callSid)).turns).toMatchObject([times]);
  }
});

async function lockedCalls({ sql }: Clinic): Promise<number> {
  const [row] = await sql<[{ count: number }]>`
    select count(*)::integer as count from pg_locks where locktype = 'advisory' and granted`;
  return row.count;
}

test('a call-back gets the hold of the call that ended, never one of a call of its number that is on', async () => {
  await using clinic = await openClinic();
  const { sql } = clinic;
  const turns = ledgerOf(clinic);
  const [first, second] = await clinic.open();
  if (first === undefined || second === undefined) throw new Error('no open times');
  const [ended, on] = await callsOf(clinic, 2);
  if (ended === undefined || on === undefined) throw new Error('no calls');
  const caller = '+12125550142';
  const begins = (call: CallKey) => turns.begin(call, { ...start, caller }, undefined);
  const callsBack = () => begins({ tenantId: on.tenantId, callSid: randomUUID() });
  for (const call of [ended, on]) await begins(call);
  const itsHold = await claimSlot(clinic, ended, { ...first, turn: null });
  const hold = await claimSlot(clinic, on, { ...second, turn: null });
  expect([itsHold.held, hold.held]).toEqual([true, true]);
  await endCall(sql, ended, { releaseHold: false, fault: null });
  expect((await callsBack())?.snapshot.hold?.slotId).toBe(first.slotId);
  // What is left is held by calls that are on.
  expect((await callsBack())?.snapshot.hold).toBeNull();
  expect((await callRecord(sql, on.tenantId, on.callSid)).state?.slotId).toBe(second.slotId);
});

test('the first turn of a call reads the calls of its number once, however many times are held', async () => {
  await using clinic = await openClinic();
  const { sql, organization } = clinic;
  const tenantId = organization.id;
  const caller = '+12125550142';
  const begin = (on: Pick<Sql, 'unsafe'>) =>
    on.unsafe('select begin_turn($1, $2, $3, 1)', [tenantId, randomUUID(), caller]);
  const connection = await sql.reserve();
  try {
    // Plans are made while there is hardly anything, and kept.
    for (let n = 0; n < 8; n += 1) await begin(connection);
    for (const slot of (await clinic.open()).slice(0, 12)) {
      await claimSlot(clinic, await clinic.call(), { ...slot, turn: null });
    }
    await inTenant(
      sql,
      tenantId,
      (tx) => tx`
        insert into call_states (tenant_id, call_sid, caller, cause)
        select ${tenantId}, 'earlier-' || n, ${caller}, 'call started' from generate_series(1, 500) as n`,
    );
    await connection.unsafe('begin');
    await begin(connection);
    const [read] = await connection.unsafe<{ rows: number }[]>(
      `select (seq_tup_read + idx_tup_fetch)::integer as rows from pg_stat_xact_user_tables where relname = 'call_states'`,
    );
    await connection.unsafe('rollback');
    // Once for whether one of them has ended, and once more where an early plan still looks through all calls for its own.
    expect(read?.rows).toBeLessThan(1_500);
  } finally {
    connection.release();
  }
});
