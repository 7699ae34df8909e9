import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { inTenant } from '#storage/postgres.ts';
import { Caller, startApp, vapiSecret } from '../running-app.ts';

test('a platform’s model is told no slot before the offer is in the ledger: its id must mean one slot for good', async () => {
  await using app = await startApp();
  const caller = new Caller(app);
  const check = () => checked(app.url, caller, 'next Tuesday');
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
  const told = await answer;
  expect(told.length).toBeGreaterThan(0);
  expect(await offers()).toHaveLength(told.length);
});

test('two processes that check different days for one call at once give no number to two slots', async () => {
  await using app = await startApp();
  await using other = await startApp({ ledgerUrl: app.ledgerUrl });
  for (let n = 0; n < 20; n += 1) {
    const caller = new Caller(app);
    const told = (
      await Promise.all([
        checked(app.url, caller, 'next Tuesday'),
        checked(other.url, caller, 'next Thursday'),
      ])
    ).flat();
    const meant = new Map<string, string>();
    for (const { slotId, startsAt } of told) {
      expect(meant.get(slotId) ?? startsAt, `${slotId} of the ${n + 1}th call`).toBe(startsAt);
      meant.set(slotId, startsAt);
    }
    expect(meant.size).toBeGreaterThan(4);
    const kept = await inTenant(
      app.sql,
      app.organization.id,
      (tx) => tx<{ number: number }[]>`select number from call_offers where call_sid = ${caller.callSid}`,
    );
    expect(kept.map(({ number }) => `slot_${number}`).toSorted()).toEqual([...meant.keys()].toSorted());
  }
});

async function checked(url: string, caller: Caller, date: string) {
  const answer = await fetch(`${url}/tools/booking-handler`, {
    method: 'POST',
    headers: { authorization: `Bearer ${vapiSecret}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      message: {
        type: 'tool-calls',
        ...caller.body(),
        toolCallList: [{ id: 'a', name: 'check_availability', arguments: { date } }],
      },
    }),
  });
  const { results } = (await answer.json()) as { results: [{ result: string }] };
  return (JSON.parse(results[0].result) as { slots: { slotId: string; startsAt: string }[] }).slots;
}
