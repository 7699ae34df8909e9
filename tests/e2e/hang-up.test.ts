import { expect, test } from 'vitest';
import { callRecord } from '#console/call-record.ts';
import { inTenant } from '#storage/postgres.ts';
import { Caller, startApp, vapiSecret } from '../running-app.ts';

test('hanging up while the slot is claimed: the hold is committed, and the call-back gets it', async () => {
  await using app = await startApp();
  const { sql, organization } = app;
  const first = new Caller(app);
  await first.say('Next Thursday, please.');

  // The claim is stopped half-way, inside Postgres, by somebody who holds the practitioners.
  const leaving = new AbortController();
  await sql.begin(async (tx) => {
    await tx`select lock_practitioners(${organization.practitioners.map(({ id }) => id)}::uuid[])`;
    first.history.push({ role: 'user', content: 'The first one.' });
    const asked = first.post(leaving.signal).then((response) => response.text());
    asked.catch(() => {});
    await expect
      .poll(async () => {
        const [row] =
          await tx`select count(*)::integer as waiting from pg_locks where locktype = 'advisory' and not granted`;
        return row?.['waiting'];
      })
      .toBe(1);
    leaving.abort();
    await expect(asked).rejects.toThrow();
    const [row] = await inTenant(
      sql,
      organization.id,
      (other) => other`select from available_slots where status = 'reserved'`,
    );
    expect(row).toBeUndefined();
  });
  await expect
    .poll(async () => (await callRecord(sql, organization.id, first.callSid)).state?.step)
    .toBe('reserve');

  await fetch(`${app.url}/vapi/events`, {
    method: 'POST',
    headers: { 'x-vapi-secret': vapiSecret },
    body: JSON.stringify({
      message: {
        type: 'end-of-call-report',
        endedReason: 'customer-ended-call',
        call: { id: first.callSid, assistantId: 'demo-clinic' },
      },
    }),
  });

  const again = new Caller(app);
  expect(await again.say('Hello, we were cut off.')).toMatch(/name/i);
  expect(await again.say('This is Ann Miller.')).toMatch(/Thursday/);
  expect(await again.say('Yes, please.')).toMatch(/booked/i);
  const booked = await callRecord(sql, organization.id, again.callSid);
  const held = await callRecord(sql, organization.id, first.callSid);
  expect(booked.appointments.map((one) => one.slotId)).toEqual([held.state?.slotId]);
  expect(held.history.map((row) => row.cause)).toContain('hold moved to the call-back');
});
