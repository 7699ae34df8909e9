import { expect, onTestFinished, test, vi } from 'vitest';
import { inTenant } from '#storage/postgres.ts';
import { demoKey, startApp, vapiSecret } from '../../running-app.ts';
import { RelayCaller } from '../../stand-ins/relay.ts';
import { RetellCaller } from '../../stand-ins/retell.ts';
import { SocketLine } from '../../stand-ins/socket-line.ts';

const patience = { timeout: 30_000, interval: 50 };
const each = 30;
const firstNames = [
  'Ann',
  'Carol',
  'Maria',
  'Peter',
  'Susan',
  'Thomas',
  'Laura',
  'Robert',
  'Helen',
  'Victor',
];
const lastNames = ['Miller', 'Rivera', 'Jensen', 'Novak', 'Harris', 'Fischer'];
const nameOf = (index: number) => `${firstNames[index % 10]} ${lastNames[Math.floor(index / 10)]}`;

test('sixty calls at once on one process, watched by readers and by some that never read: each has its own', async () => {
  await using app = await startApp();
  const viewers = [];
  for (let index = 0; index < 5; index += 1) {
    const viewer = await new SocketLine(`${app.url}/live`, { authorization: `Bearer ${vapiSecret}` }).open();
    onTestFinished(() => viewer[Symbol.asyncDispose]());
    if (index < 2) viewer.socket.pause();
    viewers.push(viewer);
  }
  const callers = Array.from({ length: 2 * each }, (_, index) => {
    const number = `+1212555${String(2_000 + index)}`;
    return index < each
      ? new RetellCaller(app, { key: demoKey, number })
      : new RelayCaller(app, { key: demoKey, number });
  });
  const held = await Promise.all(
    callers.map(async (caller, index) => {
      await caller.connect();
      // Days differ, so that each caller has times to choose from.
      const day = ['Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Monday'][index % 5];
      expect(await caller.say(`Next ${day}, please.`)).toMatch(new RegExp(`${day}|Monday`, 'i'));
      for (let attempt = 1; attempt <= 4; attempt += 1) {
        if (/holding/i.test(await caller.say('The first one, please.'))) break;
      }
      await caller.say(`Yes please, my name is ${nameOf(index)}.`);
      await caller.hangUp();
      return caller.callSid;
    }),
  );

  const calls = await vi.waitFor(async () => {
    const rows = await inTenant(
      app.sql,
      app.organization.id,
      (tx) => tx<{ call_sid: string; slot_id: string | null; name: string | null }[]>`
        select c.call_sid, a.slot_id, a.patient ->> 'name' as name
        from call_states c left join appointments a using (tenant_id, call_sid)
        where c.ended_at is not null`,
    );
    expect(rows.map((row) => row.call_sid).toSorted()).toEqual(held.toSorted());
    return rows;
  }, patience);
  const booked = calls.filter(({ slot_id }) => slot_id !== null);
  // In the rush some find every time they try taken; whoever is booked has a slot and a name of their own.
  expect(booked.length).toBeGreaterThan(each / 2);
  expect(new Set(booked.map(({ slot_id }) => slot_id)).size).toBe(booked.length);
  for (const { call_sid, name } of booked) {
    expect(name).toBe(nameOf(held.indexOf(call_sid)));
  }
  for (const viewer of viewers.slice(2)) {
    await vi.waitFor(() => {
      const ended = viewer.received.filter(({ type }) => type === 'call-ended');
      expect(new Set(ended.map(({ call }) => call)).size).toBe(2 * each);
    }, patience);
  }
});
