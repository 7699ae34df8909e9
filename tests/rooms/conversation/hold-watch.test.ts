import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callRecord } from '#console/call-record.ts';
import { inTenant } from '#storage/postgres.ts';
import { Caller, startApp, vapiSecret } from '../../running-app.ts';
import { type CallControlStandIn, startCallControl } from '../../stand-ins/call-control.ts';

type App = Awaited<ReturnType<typeof startApp>>;

let vapi: CallControlStandIn;
beforeAll(async () => {
  vapi = await startCallControl();
});
afterAll(() => vapi[Symbol.asyncDispose]());

/** A caller whose call can be spoken to. */
class ReachableCaller extends Caller {
  override body(): object {
    const body = super.body() as { call: object };
    return { ...body, call: { ...body.call, monitor: { controlUrl: `${vapi.controlUrl}?${this.callSid}` } } };
  }
}

/** A hold whose last minute is about to begin, and the turn after which somebody waits for it. */
async function nearlyOver(apps: App[], caller: Caller, leftSeconds: number): Promise<void> {
  await caller.say('Next Tuesday, please.');
  expect(await caller.say('The first one, please.')).toMatch(/holding/i);
  await comesToItsEnd(apps, caller, leftSeconds);
}

/** So much of the caller's hold is left, and they have just said something. */
async function comesToItsEnd(apps: App[], caller: Caller, leftSeconds: number): Promise<void> {
  const [app] = apps;
  if (app === undefined) return;
  await inTenant(app.sql, app.organization.id, async (tx) => {
    await tx`update available_slots set expires_at = ledger_now() + make_interval(secs => ${leftSeconds})
      where reserved_by = ${caller.callSid}`;
  });
  caller.history.push({ role: 'user', content: 'Hm.' });
  for (const each of apps) {
    await fetch(`${each.url}/vapi/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${vapiSecret}` },
      body: JSON.stringify(caller.body()),
    }).then((response) => response.text());
  }
}

/** The caller has said nothing for a while. */
async function quietFor(app: App, { callSid }: Caller, seconds: number): Promise<void> {
  await inTenant(
    app.sql,
    app.organization.id,
    (tx) => tx`update call_states set turn_began_at = ledger_now() - make_interval(secs => ${seconds})
      where call_sid = ${callSid}`,
  );
}

const said = (from: number) => vapi.received.slice(from).filter(({ type }) => type === 'say');
const moment = (ms = 700) => new Promise((resolve) => setTimeout(resolve, ms));

async function expiry(app: App, { callSid }: Caller): Promise<Date | null | undefined> {
  return (await callRecord(app.sql, app.organization.id, callSid)).state?.expiresAt;
}

describe('a hold in its last minute', () => {
  test('is announced once, by one of two processes, and stays as long as it was', async () => {
    await using first = await startApp();
    await using second = await startApp({ ledgerUrl: first.ledgerUrl });
    const before = vapi.received.length;
    const caller = new ReachableCaller(first);
    await nearlyOver([first, second], caller, 60.8);
    await quietFor(first, caller, 50);
    await expect.poll(() => said(before)).toHaveLength(1);
    expect(said(before)[0]?.['content']).toMatch(/one more minute\. Shall I book it\?/);
    await moment();
    expect(said(before)).toHaveLength(1);
  });

  test('is given two more minutes when the caller has just said something, and nobody speaks', async () => {
    await using app = await startApp();
    const before = vapi.received.length;
    const caller = new ReachableCaller(app);
    await nearlyOver([app], caller, 60.3);
    await expect
      .poll(
        async () => (await callRecord(app.sql, app.organization.id, caller.callSid)).history.at(-1)?.cause,
      )
      .toBe('hold extended');
    const left = (await expiry(app, caller))?.getTime() ?? 0;
    expect(left - Date.now()).toBeGreaterThan(170_000);
    expect(left - Date.now()).toBeLessThan(181_000);
    expect(said(before)).toEqual([]);
    expect(await caller.say('Yes, this is Ann Miller.')).toMatch(/booked/i);
  });

  test('is given them once: the next time the caller is warned, whatever they have just said', async () => {
    await using app = await startApp();
    const before = vapi.received.length;
    const caller = new ReachableCaller(app);
    const causes = async () =>
      (await callRecord(app.sql, app.organization.id, caller.callSid)).history.map(({ cause }) => cause);
    await nearlyOver([app], caller, 60.3);
    await expect.poll(causes).toContain('hold extended');
    await comesToItsEnd([app], caller, 60.3);
    await expect.poll(() => said(before)).toHaveLength(1);
    expect((await causes()).filter((cause) => cause === 'hold extended')).toHaveLength(1);
  });

  test('is not announced over the caller’s words, but after them', async () => {
    await using app = await startApp();
    const before = vapi.received.length;
    const caller = new ReachableCaller(app);
    const speech = (status: string) =>
      fetch(`${app.url}/vapi/events`, {
        method: 'POST',
        headers: { 'x-vapi-secret': vapiSecret },
        body: JSON.stringify({
          message: {
            type: 'speech-update',
            status,
            role: 'user',
            call: { id: caller.callSid, assistantId: 'demo-clinic' },
          },
        }),
      });
    await nearlyOver([app], caller, 60.8);
    await quietFor(app, caller, 50);
    await speech('started');
    await moment(1_500);
    expect(said(before)).toEqual([]);
    await speech('stopped');
    await expect.poll(() => said(before)).toHaveLength(1);
  });

  test.each<[string, (app: App, caller: Caller) => Promise<unknown>]>([
    ['the call has ended', (app, caller) => ended(app, caller)],
    ['it was booked meanwhile', (_, caller) => caller.say('Yes, this is Ann Miller.')],
  ])('is nobody’s business when %s', async (_, happens) => {
    await using app = await startApp();
    const before = vapi.received.length;
    const caller = new ReachableCaller(app);
    await nearlyOver([app], caller, 61.2);
    await quietFor(app, caller, 50);
    await happens(app, caller);
    await moment(2_000);
    expect(said(before)).toEqual([]);
  });
});

function ended(app: App, { callSid }: Caller): Promise<Response> {
  return fetch(`${app.url}/vapi/events`, {
    method: 'POST',
    headers: { 'x-vapi-secret': vapiSecret },
    body: JSON.stringify({
      message: {
        type: 'status-update',
        status: 'ended',
        endedReason: 'customer-ended-call',
        call: { id: callSid, assistantId: 'demo-clinic' },
      },
    }),
  });
}
