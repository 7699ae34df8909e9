import { expect, onTestFinished, test, vi } from 'vitest';
import type { LiveEvent } from '#telemetry/events.ts';
import { redisServer } from '../redis-server.ts';
import { Caller, type RunningApp, startApp, vapiSecret } from '../running-app.ts';

const patience = { timeout: 10_000, interval: 20 };
const callsMax = 5;

redisServer.describe('a call, told to those who watch', () => {
  test('on another process: its start, turns, tools, steps, hold, appointment and end, as the ledger has them', async () => {
    const server = await redisServer.start();
    onTestFinished(() => server[Symbol.asyncDispose]());
    await using app = await startApp({ redisUrl: server.url });
    await using watching = await startApp({ redisUrl: server.url, ledgerUrl: app.ledgerUrl });
    let [caller, told] = await watchedCall(app, watching);
    // Behind a Redis that is slow for a moment something is left out and said to be missed; then another call is watched.
    for (let calls = 1; calls < callsMax && told === 'missed'; calls += 1)
      [caller, told] = await watchedCall(app, watching);
    if (told === 'missed') throw new Error(`of ${callsMax} calls none was told as a whole`);

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

/** A call that books and ends, and what another process was told of it: all there was, or that it missed something. */
async function watchedCall(
  app: RunningApp,
  watching: RunningApp,
): Promise<[caller: Caller, told: LiveEvent[] | 'missed']> {
  const told: LiveEvent[] = [];
  let missed = false;
  using stream = watching.happenings.watch();
  void (async () => {
    for await (const event of stream) {
      if (event.type === 'missed') missed = true;
      else told.push(event);
    }
  })();
  const toldMore = async () => {
    const { length } = told;
    await vi.waitFor(() => {
      app.happenings.callEnded(app.organization, 'another', { reason: null, holdKept: true });
      expect(told.length).toBeGreaterThan(length);
    }, patience);
  };
  // Whoever is known to watch may not have begun to listen.
  await toldMore();

  const caller = new Caller(app);
  const ofCall = () => told.filter((event) => !('call' in event) || event.call !== 'another');
  const hears = (type: LiveEvent['type'], times: number) =>
    vi
      .waitFor(() => {
        const heard = ofCall().filter((event) => event.type === type).length;
        expect(missed || heard >= times).toBe(true);
      }, patience)
      // What never comes is found missing below.
      .catch(() => {});
  const words = [
    'Next Tuesday in the afternoon, please.',
    'The first one, please.',
    'Yes please, my name is Maria Silva.',
  ];
  for (const [turn, said] of words.entries()) {
    await caller.say(said);
    // A turn's news is read from the ledger behind it: of the next turn, if that has come meanwhile.
    await hears('hold', turn + 1);
  }
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
  await hears('call-ended', 1);
  await hears('appointment-booked', 1);
  // What was left out is said with what is told next.
  await toldMore();
  return [caller, missed ? 'missed' : ofCall()];
}
