import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { makeKey } from '#organization/keys.ts';
import { redisServer } from '../../redis-server.ts';
import { demoKey, startApp, vapiSecret } from '../../running-app.ts';
import { RetellCaller } from '../../stand-ins/retell.ts';
import { handshakeStatus, SocketLine } from '../../stand-ins/socket-line.ts';

const patience = { timeout: 10_000, interval: 20 };
const number = '+12125550142';

let app: Awaited<ReturnType<typeof startApp>>;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app[Symbol.asyncDispose]());

async function watching(key: string, at: { url: string } = app): Promise<SocketLine> {
  const line = await new SocketLine(`${at.url}/live`, { authorization: `Bearer ${key}` }).open();
  onTestFinished(() => line[Symbol.asyncDispose]());
  return line;
}

async function bookOn(at: { url: string }): Promise<RetellCaller> {
  const caller = new RetellCaller(at, { key: demoKey, number });
  await caller.connect();
  await caller.say('Next Tuesday, please.');
  await caller.say('The first one, please.');
  await caller.say('Yes please, my name is Maria Silva.');
  await caller.hangUp();
  return caller;
}

const told = ({ received }: SocketLine) => [...new Set(received.map(({ type }) => type))];

describe('the live feed', () => {
  test('tells a call from start to end', async () => {
    const line = await watching(vapiSecret);
    const { callSid } = await bookOn(app);
    await line.next(({ type, call }) => type === 'call-ended' && call === callSid);
    await line.next(({ type }) => type === 'appointment-booked');
    expect(told(line)).toEqual(
      expect.arrayContaining(['call-started', 'turn-finished', 'tool-finished', 'step-changed', 'hold']),
    );
    const held = line.received.find(({ type, hold }) => type === 'hold' && hold !== null);
    expect(held?.['hold']).toMatchObject({ endsInMs: expect.any(Number), startsAt: expect.any(String) });
    const turn = line.received.find(({ type }) => type === 'turn-finished');
    expect(turn?.['spans']).toMatchObject({ total: expect.any(Number) });
  });

  test('shows numbers and names to whoever may change things, and to nobody else', async () => {
    const { key } = await makeKey(app.sql, app.organization.id, { label: 'for looking', role: 'see' });
    await vi.waitFor(() => handshakes(key, 101), patience);
    const [full, masked] = [await watching(demoKey), await watching(key)];
    await bookOn(app);
    const booked = await full.next(({ type }) => type === 'appointment-booked');
    expect(booked['pii']).toEqual({ patientName: 'Maria Silva', phone: number });
    const seen = await masked.next(({ type }) => type === 'appointment-booked');
    expect(seen['pii']).toEqual({ patientName: 'M. S.', phone: '…42' });
    expect(JSON.stringify(masked.received)).not.toMatch(/Maria|Silva|2125550142/);
  });

  test('shows an organization its own calls only', async () => {
    const line = await watching(demoKey);
    const other = { id: '00000000-0000-4000-8000-0000000000ff', key: 'another' };
    app.happenings.callStarted(other, 'theirs', { caller: number });
    app.happenings.callStarted(app.organization, 'ours', { caller: number });
    // Told after theirs. The end of an earlier test's call may come in between.
    await line.next(({ call }) => call === 'ours');
    expect(line.received.map(({ call }) => call)).not.toContain('theirs');
  });

  test('is for those with a key, and takes no messages', async () => {
    await handshakes('', 401);
    await handshakes('wrong', 401);
    const line = await watching(vapiSecret);
    line.send({ type: 'hello' });
    expect(await line.closed).toEqual({ code: 1008, reason: 'this socket takes no messages' });
  });

  test('drops a viewer that does not read, and the others see everything', async () => {
    const [reading, stuck] = [await watching(vapiSecret), await watching(vapiSecret)];
    stuck.socket.pause();
    const count = 60_000;
    for (let turn = 1; turn <= count; turn += 1) {
      const spans = { total: 1, padding: 'x'.repeat(300) } as never;
      app.happenings.turnFinished(app.organization, 'busy', { turn, spans, tools: [], cut: false });
      // A reader's share is bounded too: nobody tells more than it can hold at once.
      if (turn % 1_000 === 0) await new Promise((resolve) => setTimeout(resolve, 55));
    }
    await reading.next(({ turn }) => turn === count);
    expect(reading.received).toHaveLength(count);
    stuck.socket.resume();
    expect((await stuck.closed).code).not.toBe(1000);
    expect(stuck.received.length).toBeLessThan(count);
  });

  redisServer.describe('through Redis', () => {
    test('tells what happens at another process', async () => {
      const server = await redisServer.start();
      onTestFinished(() => server[Symbol.asyncDispose]());
      await using one = await startApp({ redisUrl: server.url });
      await using other = await startApp({ redisUrl: server.url, ledgerUrl: one.ledgerUrl });
      const line = await watching(vapiSecret, other);
      await vi.waitFor(() => expect(one.happenings.watched).toBe(true), patience);
      const { callSid } = await bookOn(one);
      await line.next(({ type, call }) => type === 'appointment-booked' && call === callSid);
      await line.next(({ type, call }) => type === 'call-ended' && call === callSid);
      expect(line.received.filter(({ type }) => type === 'call-ended')).toHaveLength(1);
    });
  });
});

async function handshakes(key: string, status: number): Promise<void> {
  const headers: Record<string, string> = key === '' ? {} : { authorization: `Bearer ${key}` };
  expect(await handshakeStatus(`${app.url}/live`, headers)).toBe(status);
}
