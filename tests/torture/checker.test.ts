import { randomUUID } from 'node:crypto';
import type { Sql } from 'postgres';
import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import { type Clinic, openClinic } from '../clinic.ts';
import { findViolations } from './check.ts';
import { readLedgerRows } from './ledger-rows.ts';
import { Operations } from './operations.ts';
import { createRandom } from './random.ts';
import { callBySql } from './sql-caller.ts';

const schedule = { slotMinutes: 60, gridMinutes: 30, bufferMinutes: 15, horizonDays: 2 };
const settings = { holds_per_call_max: null, live_holds_max: null, texts_per_day_max: null };
const callers = 16;
const callsEach = 12;

/** Lets callers loose on a ledger, after it was sabotaged, and gives the rules the checker says are broken. */
async function brokenRules(sabotage: (owner: Sql) => Promise<unknown>): Promise<string[]> {
  await using clinic = await openClinic({ schedule, settings });
  const owner = postgres(clinic.database.ownerUrl, { max: 1, onnotice: () => {} });
  await sabotage(owner);
  await owner.end();
  const operations = new Operations();
  const random = createRandom(7);
  const { sql, organization } = clinic;
  const before = await readLedgerRows(sql, organization.id, { history: false });
  await twoInOneBreath(clinic, operations);
  await Promise.all(
    Array.from({ length: callers }, async () => {
      const own = random.fork();
      for (let call = 0; call < callsEach; call += 1) {
        await callBySql({ sql, tenantId: organization.id }, operations, own);
      }
    }),
  );
  const rows = await readLedgerRows(sql, organization.id, { history: true });
  const evidence = { operations: operations.list, rows, slotCount: before.slots.length, deadlocks: 0 };
  return [...new Set(findViolations(evidence).map(({ rule }) => rule))];
}

/** What fencing and idempotency are for, once for certain: a late yes to the first of two holds, and the yes twice. */
async function twoInOneBreath(clinic: Clinic, operations: Operations): Promise<void> {
  const { sql, organization } = clinic;
  const call = randomUUID();
  const [first, second] = (await clinic.open()).slice(-12, -10).reverse();
  if (!first || !second) throw new Error('slots are missing');
  const ask = async (query: Promise<{ answer: Record<string, string> }[]>) => {
    const [row] = await query;
    const {
      success,
      slot_id: slotId = '',
      version = '',
      appointment_id: appointmentId = '',
    } = row?.answer ?? {};
    return {
      outcome: success ? ('ok' as const) : ('refused' as const),
      answer: { slotId, version, appointmentId },
    };
  };
  const claim = ({ slotId, version }: { slotId: string; version: string }) =>
    operations.run({ by: 'sql', call, kind: 'claim', about: { slotId, version } }, () =>
      ask(sql`select claim_slot_atomic(${organization.id}, ${slotId}, ${call}, ${version}) as answer`),
    );
  const confirm = (version: string) =>
    operations.run({ by: 'sql', call, kind: 'confirm', about: { version } }, () =>
      ask(sql`select confirm_booking(${organization.id}, ${call}, ${version}, '{}', null) as answer`),
    );
  const old = (await claim(first)).answer?.version ?? '';
  const present = (await claim(second)).answer?.version ?? '';
  await confirm(old);
  await confirm(present);
  await confirm(present);
}

/** Replaces a piece of a function's text. A text that is not there means that the sabotage no longer fits. */
async function edit(owner: Sql, name: string, from: string | RegExp, to: string): Promise<void> {
  const [row] = await owner<{ text: string }[]>`
    select pg_get_functiondef(oid) as text from pg_proc where proname = ${name}`;
  const text = row?.text ?? '';
  const edited = text.replace(from, to);
  if (edited === text) throw new Error(`${name} does not hold ${from}`);
  await owner.unsafe(edited);
}

describe('the checker', () => {
  test('finds nothing wrong with the ledger as it is', async () => {
    expect(await brokenRules(async () => {})).toEqual([]);
  });

  test('sees overlapping claims when the constraint and the check before it are gone', async () => {
    const rules = await brokenRules(async (owner) => {
      await owner`alter table available_slots drop constraint claims_do_not_overlap`;
      await owner`alter table appointments drop constraint appointments_do_not_overlap`;
      await edit(owner, 'claim_slot_atomic', 'or slot_in_use(target, p_call_sid, moment)', '');
    });
    expect(rules).toContain('no overlapping live claims');
  });

  test('sees the wrong hold booked when the fencing is gone', async () => {
    const rules = await brokenRules((owner) =>
      edit(owner, 'confirm_booking', 'or call.hold_version is distinct from p_version', ''),
    );
    expect(rules).toContain('a confirmation books the hold it was given for');
  });

  test('sees two appointments for one intent when the idempotency is gone', async () => {
    const rules = await brokenRules(async (owner) => {
      await owner`alter table appointments drop constraint appointments_do_not_overlap`;
      await owner`drop index appointments_slot`;
      await edit(owner, 'confirm_booking', 'if found then', 'if false then');
      await edit(owner, 'confirm_booking', /if not found or exists \([^)]*\) then/, 'if not found then');
      await edit(
        owner,
        'confirm_booking',
        /if not \(held.status = 'reserved' and held.reserved_by = p_call_sid and held.expires_at > moment\) then/,
        'if false then',
      );
    });
    expect(rules).toContain('one intent, one appointment');
  });

  test('sees a booking whose text was not promised with it, or not to the number that counts', async () => {
    const forgotten = await brokenRules((owner) =>
      edit(owner, 'write_text', 'insert into text_messages', 'return; insert into text_messages'),
    );
    expect(forgotten).toContain('a booking and its text are one');
    const both = await brokenRules((owner) =>
      edit(owner, 'promise_text', "set status = 'replaced'", "set status = 'recorded'"),
    );
    expect(both).toContain('a booking and its text are one');
  });

  test('sees a reminder of an appointment that was cancelled', async () => {
    const rules = await brokenRules((owner) =>
      edit(owner, 'text_about_ending', "set status = 'withdrawn'", 'set reason = null'),
    );
    expect(rules).toContain('nobody is reminded of what is no more');
  });

  test('sees a history with a hole in it', async () => {
    await using clinic = await openClinic({ schedule, settings });
    const operations = new Operations();
    const ledger = { sql: clinic.sql, tenantId: clinic.organization.id };
    for (let n = 0; n < 10; n += 1) await callBySql(ledger, operations, createRandom(n));
    const rows = await readLedgerRows(clinic.sql, clinic.organization.id, { history: true });
    const claimed = rows.history.findIndex((row) => row.cause === 'slot claimed');
    const holed = { ...rows, history: rows.history.toSpliced(claimed, 1) };
    const evidence = { operations: operations.list, slotCount: rows.slots.length, deadlocks: 0 };
    expect(findViolations({ ...evidence, rows })).toEqual([]);
    expect(findViolations({ ...evidence, rows: holed })).not.toEqual([]);
  });

  test('sees an answer that the database knows nothing of', async () => {
    await using clinic = await openClinic({ schedule });
    const rows = await readLedgerRows(clinic.sql, clinic.organization.id, { history: true });
    const told = { id: 1, by: 'sql' as const, call: 'c', invokedAt: 0, endedAt: 1, outcome: 'ok' as const };
    const operations = [
      { ...told, kind: 'claim' as const, about: {}, answer: { slotId: rows.slots[0]?.slotId ?? '' } },
      { ...told, kind: 'confirm' as const, about: {}, answer: { appointmentId: randomUUID() } },
    ];
    const violations = findViolations({ operations, rows, slotCount: rows.slots.length, deadlocks: 0 });
    expect(violations.map(({ rule }) => rule)).toEqual([
      'an ok is in the database',
      'an ok is in the database',
    ]);
  });
});

test('the same seed decides the same', () => {
  const decisions = (seed: number) => Array.from({ length: 20 }, createRandom(seed).next);
  expect(decisions(5)).toEqual(decisions(5));
  expect(decisions(5)).not.toEqual(decisions(6));
});
