import { expect, onTestFinished, test, vi } from 'vitest';
import type { LiveEvent } from '#telemetry/events.ts';
import { redisServer } from '../redis-server.ts';
import { Caller, startApp, vapiSecret } from '../running-app.ts';

const patience = { timeout: 10_000, interval: 20 };

redisServer.describe('a call, told to those who watch', () => {
  test('on another process: its start, turns, tools, steps, hold, appointment and end, as the ledger has them', async () => {
    const server = await redisServer.start();
    onTestFinished(() => server[Symbol.asyncDispose]());
    await using app = await startApp({ redisUrl: server.url });
    await using watching = await startApp({ redisUrl: server.url, ledgerUrl: app.ledgerUrl });
    const told: LiveEvent[] = [];
    using stream = watching.happenings.watch();
    void (async () => {
      for await (const event of stream) if (event.type !== 'missed') told.push(event);
    })();
    await vi.waitFor(() => expect(app.happenings.watched).toBe(true), patience);

    const caller = new Caller(app);
    await caller.say('Next Tuesday in the afternoon, please.');
    await caller.say('The first one, please.');
    await caller.say('Yes please, my name is Maria Silva.');
    await fetch(`${app.url}/vapi/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${vapiSecret}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        message: {
          type: 'status-update',
          status: 'ended',
          endedReason: 'customer-ended-call',
          ...caller.body(),
        },
      }),
    });
    await vi.waitFor(() => expect(told.map(({ type }) => type)).toContain('call-ended'), patience);
    await vi.waitFor(() => expect(told.map(({ type }) => type)).toContain('appointment-booked'), patience);

    expect(told.every((event) => !('call' in event) || event.call === caller.callSid)).toBe(true);
    expect(told[0]).toMatchObject({ type: 'call-started', organization: 'demo-clinic' });
    const of = <T extends LiveEvent['type']>(type: T) =>
      told.filter((event): event is Extract<LiveEvent, { type: T }> => event.type === type);
    expect(of('turn-finished').map(({ turn }) => turn)).toEqual([1, 2, 3]);
    for (const { spans } of of('turn-finished')) expect(Object.keys(spans)).toContain('firstByteOut');
    expect(of('tool-finished').map(({ tool, success }) => [tool, success])).toEqual([
      ['check_availability', true],
      ['reserve_slot', true],
      ['send_sms_reminder', true],
    ]);
    const steps = of('step-changed').map(({ to }) => to);
    expect(steps.at(-1)).toBe('booked');
    expect(steps).toContain('check_avail');
    const holds = of('hold').map(({ hold }) => hold?.practitioner ?? null);
    expect(holds).toEqual([null, expect.stringMatching(/^Dr\./), null]);
    expect(of('appointment-booked')).toHaveLength(1);
    expect(of('appointment-booked')[0]?.pii).toEqual({ patientName: 'Maria Silva', phone: '+12125550142' });
  });
});
