import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { inTenant } from '#storage/postgres.ts';
import { Caller, startApp, vapiSecret } from '../running-app.ts';

test('a platform’s model is told no slot before the offer is in the ledger: its id must mean one slot for good', async () => {
  await using app = await startApp();
  const caller = new Caller(app);
  const check = () =>
    fetch(`${app.url}/tools/booking-handler`, {
      method: 'POST',
      headers: { authorization: `Bearer ${vapiSecret}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        message: {
          type: 'tool-calls',
          ...caller.body(),
          toolCallList: [{ id: 'a', name: 'check_availability', arguments: { date: 'next Tuesday' } }],
        },
      }),
    });
  const offers = () =>
    inTenant(
      app.sql,
      app.organization.id,
      (tx) => tx<{ number: number }[]>`select number from call_offers where call_sid = ${caller.callSid}`,
    );

  const holding = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  // Somebody who has written an offer of this number and not said yet whether it counts: ours waits for them.
  const inTheWay = inTenant(app.sql, app.organization.id, async (tx) => {
    await tx`
      insert into call_offers (tenant_id, call_sid, number, slot_id, version)
      values (${app.organization.id}, ${caller.callSid}, 1, 'somewhere', ${randomUUID()})`;
    held.resolve();
    await holding.promise;
    throw new Error('taken back');
  }).catch(() => {});
  await held.promise;
  const answer = check();
  expect(await Promise.race([answer.then(() => 'answered'), delay(500, 'waits')])).toBe('waits');

  holding.resolve();
  await inTheWay;
  const { results } = (await (await answer).json()) as { results: [{ result: string }] };
  const told = (JSON.parse(results[0].result) as { slots: unknown[] }).slots;
  expect(told.length).toBeGreaterThan(0);
  expect(await offers()).toHaveLength(told.length);
});
