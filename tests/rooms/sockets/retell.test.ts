import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { callRecord } from '#console/call-record.ts';
import { createRehearsalModel } from '#model/rehearsal/rehearsal.ts';
import { inTenant } from '#storage/postgres.ts';
import { redisServer } from '../../redis-server.ts';
import { demoKey, startApp, vapiSecret } from '../../running-app.ts';
import { RetellCaller } from '../../stand-ins/retell.ts';
import { handshakeStatus } from '../../stand-ins/socket-line.ts';

const patience = { timeout: 10_000, interval: 20 };
const key = demoKey;

let app: Awaited<ReturnType<typeof startApp>>;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app[Symbol.asyncDispose]());

async function calling(at = app): Promise<RetellCaller> {
  const caller = new RetellCaller(at, { key });
  await caller.connect();
  return caller;
}

describe('a call on Retell’s socket', () => {
  test('is greeted, books, and ends, with the same ledger as any other', async () => {
    await using caller = new RetellCaller(app, { key });
    expect(await caller.connect()).toMatch(/^Thank you for calling/);
    expect(caller.line.received[0]).toEqual({
      response_type: 'config',
      config: { auto_reconnect: true, call_details: true, transcript_with_tool_calls: false },
    });
    await caller.say('Next Tuesday in the afternoon, please.');
    expect(await caller.say('The first one, please.')).toMatch(/holding/i);
    expect(await caller.say('Yes please, my name is Ann Miller.')).toMatch(/booked/i);
    await caller.hangUp();

    const record = await callRecord(app.sql, app.organization.id, caller.callSid);
    expect(record.appointments).toMatchObject([
      { status: 'booked', patient: { name: 'Ann Miller', phone: '+12125550142' } },
    ]);
    expect(record.history.map((row) => row.toStep)).toEqual([
      'greeting',
      'check_avail',
      'reserve',
      'confirm_sms',
      'booked',
    ]);
    await vi.waitFor(async () => {
      const { state } = await callRecord(app.sql, app.organization.id, caller.callSid);
      expect(state?.endedAt).not.toBeNull();
    }, patience);
  });

  test('streams a response under its id, complete only at its end', async () => {
    await using caller = await calling();
    await caller.say('Hello there.');
    const frames = caller.line.received.filter(({ response_id }) => response_id === 1);
    expect(frames.length).toBeGreaterThan(2);
    expect(frames.map(({ content_complete }) => content_complete)).toEqual([
      ...Array.from({ length: frames.length - 1 }, () => false),
      true,
    ]);
  });

  test('answers a ping with the clock it came with', async () => {
    await using caller = await calling();
    caller.line.send({ interaction_type: 'ping_pong', timestamp: 1_764_239_999_123 });
    const pong = await caller.line.next(({ response_type }) => response_type === 'ping_pong');
    expect(pong).toEqual({ response_type: 'ping_pong', timestamp: 1_764_239_999_123 });
  });

  test('mirrors a tool and its result before the words about it', async () => {
    await using caller = await calling();
    await caller.say('Next Tuesday, please.');
    const types = caller.line.received.slice(2).map(({ response_type }) => response_type);
    expect(types.slice(0, 2)).toEqual(['tool_call_invocation', 'tool_call_result']);
    const [called, result] = caller.line.received.slice(2);
    expect(called).toMatchObject({ name: 'check_availability', arguments: expect.stringContaining('date') });
    expect(result).toMatchObject({ tool_call_id: called?.['tool_call_id'], successful: true });
    expect(JSON.parse(String(result?.['content']))).toMatchObject({ success: true });
  });

  test('gives an older response no more words once a newer one is asked for', async () => {
    await using caller = await calling();
    caller.transcript.push({ role: 'user', content: 'Next Tuesday' });
    const older = caller.ask('response_required');
    caller.transcript.push({ role: 'user', content: 'no, next Wednesday, please.' });
    const newer = caller.ask('response_required');
    expect(await caller.answer(newer)).toMatch(/wednesday/i);
    const after = caller.line.received.findIndex(({ response_id }) => response_id === newer);
    expect(caller.line.received.slice(after).some(({ response_id }) => response_id === older)).toBe(false);
    expect(caller.line.received).not.toContainEqual(
      expect.objectContaining({ response_id: older, content_complete: true }),
    );
  });

  test('is answered once when a response is asked for twice, or one that is overtaken arrives late', async () => {
    await using caller = await calling();
    await caller.say('Hello there.');
    const { transcript } = caller;
    for (const response_id of [1, 0, 1]) {
      caller.line.send({ interaction_type: 'response_required', response_id, transcript });
    }
    await caller.say('Next Tuesday, please.');
    const complete = caller.line.received.filter(
      ({ response_id, content_complete }) => response_id === 1 && content_complete === true,
    );
    expect(complete).toHaveLength(1);
  });

  test('update_only is not answered, and does not end what is being said', async () => {
    await using caller = await calling();
    caller.transcript.push({ role: 'user', content: 'Next Tuesday, please.' });
    const id = caller.ask('response_required');
    caller.line.send({
      interaction_type: 'update_only',
      transcript: caller.transcript,
      turntaking: 'agent_turn',
    });
    expect(await caller.answer(id)).toMatch(/tuesday/i);
  });

  test('a silent caller is asked about the hold; the silence books nothing', async () => {
    await using caller = await calling();
    expect(await caller.answer(caller.ask('reminder_required'))).toMatch(/still there/);
    await caller.say('Next Tuesday, please.');
    await caller.say('The first one.');
    expect(await caller.answer(caller.ask('reminder_required'))).toMatch(/still there.*holding/i);
    const record = await callRecord(app.sql, app.organization.id, caller.callSid);
    expect(record.appointments).toEqual([]);
    expect(record.state?.step).toBe('reserve');
    expect(await caller.say('Yes please, my name is Ann Miller.')).toMatch(/booked/i);
  });

  test('goodbye ends the call by Retell’s own action', async () => {
    await using caller = await calling();
    await caller.say('That is all, thank you. Goodbye.');
    const last = caller.line.received.findLast(({ response_id }) => response_id === 1);
    expect(last).toMatchObject({ content_complete: true, end_call: true });
  });

  test('a caller who wants a person is connected to the organization’s own number', async () => {
    await inTenant(
      app.sql,
      app.organization.id,
      (tx) => tx`update organizations set human_number = '+15550100999' where id = ${app.organization.id}`,
    );
    await vi.waitFor(async () => {
      await using caller = await calling();
      await caller.say('I want to talk to a person, please.');
      const last = caller.line.received.findLast(({ response_id }) => response_id === 1);
      expect(last).toMatchObject({ content_complete: true, transfer_number: '+15550100999' });
    }, patience);
  });

  test('a cut in the middle of a reservation: one hold, not greeted again, and the conversation knows it', async () => {
    await using caller = await calling();
    await caller.say('Next Tuesday, please.');
    caller.transcript.push({ role: 'user', content: 'The first one, please.' });
    caller.ask('response_required');
    await caller.line.next(({ name }) => name === 'reserve_slot');
    caller.line.cut();

    expect(await caller.connect()).toBe('');
    await vi.waitFor(async () => {
      const { history } = await callRecord(app.sql, app.organization.id, caller.callSid);
      expect(history.map(({ toStep }) => toStep)).toContain('reserve');
    }, patience);
    expect(await caller.say('Hello? Are you still there?')).toMatch(/hold/i);
    expect(await caller.say('Yes please, my name is Ann Miller.')).toMatch(/booked/i);
    const record = await callRecord(app.sql, app.organization.id, caller.callSid);
    expect(record.history.filter(({ toStep }) => toStep === 'reserve')).toHaveLength(1);
    expect(record.appointments).toHaveLength(1);
  });

  test('a hold in its last minute is announced between turns, on the connection there is by then', async () => {
    await using caller = await calling();
    await caller.say('Next Tuesday, please.');
    await caller.say('The first one, please.');
    const { sql, organization } = app;
    await inTenant(sql, organization.id, async (tx) => {
      await tx`update available_slots set expires_at = ledger_now() + interval '61.5 seconds'
        where reserved_by = ${caller.callSid}`;
    });
    await caller.say('Hm.');
    // Nothing was said for a while: nobody is giving details.
    await inTenant(sql, organization.id, async (tx) => {
      await tx`update call_states set turn_began_at = ledger_now() - interval '50 seconds'
        where call_sid = ${caller.callSid}`;
    });
    caller.line.cut();
    await caller.connect();
    const said = await caller.line.next(({ response_type }) => response_type === 'agent_interrupt');
    expect(said).toMatchObject({ interrupt_id: 1, content_complete: true });
    expect(said['content']).toMatch(/one more minute\. Shall I book it\?/);
  });

  test.each([
    ['hangs up', (caller: RetellCaller) => caller.hangUp()],
    ['is cut off', async (caller: RetellCaller) => caller.line.cut()],
  ])('a caller who %s while we speak ends the turn’s words', async (_how, leave) => {
    await using slow = await startApp({ model: createRehearsalModel({ msBetweenDeltas: 200 }) });
    using events = slow.happenings.watch();
    await using caller = await calling(slow);
    caller.transcript.push({ role: 'user', content: 'Hello there.' });
    const id = caller.ask('response_required');
    await caller.line.next(({ response_id }) => response_id === id);
    await leave(caller);
    for await (const event of events) {
      if (event.type !== 'turn-finished') continue;
      expect(event).toMatchObject({ call: caller.callSid, cut: true });
      break;
    }
  });

  test('a second connection of a call takes it over', async () => {
    await using caller = await calling();
    await using second = new RetellCaller(app, { key, callSid: caller.callSid });
    expect(await second.connect()).toBe('');
    expect(await caller.line.closed).toMatchObject({ code: 4409 });
    expect(await second.say('Next Tuesday, please.')).toMatch(/tuesday/i);
  });
});

describe('a connection of Retell’s that broke', () => {
  test('a connection that does not come back is the call’s end', async () => {
    await using app = await startApp({ socketLimits: { backMs: 200 } });
    await using gone = await calling(app);
    await gone.say('Hello there.');
    gone.line.cut();
    await vi.waitFor(async () => {
      const { state } = await callRecord(app.sql, app.organization.id, gone.callSid);
      expect(state?.endedAt).not.toBeNull();
    }, patience);
  });

  redisServer.describe('and came back at another process', () => {
    test('is the same call: not ended, not greeted again, and the hold is known', async () => {
      const server = await redisServer.start();
      onTestFinished(() => server[Symbol.asyncDispose]());
      const settings = { redisUrl: server.url, socketLimits: { backMs: 1_000 } };
      await using one = await startApp(settings);
      await using other = await startApp({ ...settings, ledgerUrl: one.ledgerUrl });
      await using caller = await calling(one);
      await caller.say('Next Tuesday, please.');
      await caller.say('The first one, please.');
      caller.line.cut();

      await using back = new RetellCaller(other, { key, callSid: caller.callSid });
      back.transcript.push(...caller.transcript);
      expect(await back.connect()).toBe('');
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const { state } = await callRecord(one.sql, one.organization.id, caller.callSid);
      expect(state?.endedAt).toBeNull();
      expect(await back.say('Yes please, my name is Ann Miller.')).toMatch(/booked/i);
    });
  });
});

describe('who may open Retell’s socket', () => {
  test('an organization’s key alone, from the addresses it lists', async () => {
    expect(await handshakeStatus(`${app.url}/retell/${key}/call_1`)).toBe(101);
    expect(await handshakeStatus(`${app.url}/retell/wrong/call_1`)).toBe(401);
    expect(await handshakeStatus(`${app.url}/retell/${vapiSecret}/call_1`)).toBe(401);
    expect(await handshakeStatus(`${app.url}/retell/${key}`)).toBe(404);
    const set = (addresses: string[]) =>
      inTenant(
        app.sql,
        app.organization.id,
        (tx) =>
          tx`update organizations set socket_addresses = ${addresses} where id = ${app.organization.id}`,
      );
    await set(['100.20.5.228', '10.0.0.0/8']);
    await vi.waitFor(async () => {
      expect(await handshakeStatus(`${app.url}/retell/${key}/call_1`)).toBe(403);
    }, patience);
    await set(['100.20.5.228', '127.0.0.0/8']);
    await vi.waitFor(async () => {
      expect(await handshakeStatus(`${app.url}/retell/${key}/call_1`)).toBe(101);
    }, patience);
  });
});
