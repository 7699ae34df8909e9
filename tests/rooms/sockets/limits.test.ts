import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { callRecord } from '#console/call-record.ts';
import { createRehearsalModel } from '#model/rehearsal/rehearsal.ts';
import { Peer } from '#sockets/peer.ts';
import { demoKey, startApp } from '../../running-app.ts';
import { RelayCaller } from '../../stand-ins/relay.ts';
import { RetellCaller } from '../../stand-ins/retell.ts';
import { SocketLine } from '../../stand-ins/socket-line.ts';

const patience = { timeout: 10_000, interval: 20 };
const key = demoKey;

let app: Awaited<ReturnType<typeof startApp>>;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app[Symbol.asyncDispose]());

const doors = {
  retell: () => new SocketLine(`${app.url}/retell/${key}/garbage_${Math.random()}`),
  relay: () => new SocketLine(`${app.url}/twilio/relay/${key}`),
};

const ping = JSON.stringify({ interaction_type: 'ping_pong', timestamp: 1 });
const partial = JSON.stringify({ type: 'info', name: 'agentSpeaking', value: 'on' });

/**
 * Two neighbours, one at each door, hold a conversation before, during and after what is done to another socket: every
 * word they say is answered, and their sockets stay.
 */
async function besideTwoCalls(work: () => Promise<void>): Promise<void> {
  await using one = new RetellCaller(app, { key });
  await using other = new RelayCaller(app, { key });
  const neighbours = [one, other];
  await Promise.all(neighbours.map((neighbour) => neighbour.connect()));
  const talk = async (day: string) => {
    const answers = await Promise.all(neighbours.map((neighbour) => neighbour.say(`Next ${day}, please.`)));
    for (const answer of answers) expect(answer).toMatch(new RegExp(day, 'i'));
  };
  await talk('Monday');
  let done = false;
  const worked = work().finally(() => {
    done = true;
  });
  const talked = (async () => {
    do await talk('Tuesday');
    while (!done);
  })();
  await Promise.all([worked, talked]);
  await talk('Wednesday');
  expect(neighbours.map(({ line }) => line.socket.readyState)).toEqual([1, 1]);
}

describe.each(['retell', 'relay'] as const)('garbage at the %s door', (door) => {
  const garbage: [string, number, (line: SocketLine) => void][] = [
    ['a binary frame', 1003, ({ socket }) => socket.send(Buffer.from([1, 2, 3]))],
    ['a message in a binary frame', 1003, ({ socket }) => socket.send(Buffer.from(ping))],
    ['no JSON', 1007, ({ socket }) => socket.send('hello?')],
    ['JSON that is no object', 1007, ({ socket }) => socket.send('[1,2]')],
    ['an empty frame', 1007, ({ socket }) => socket.send('')],
    ['ten megabytes', 1009, ({ socket }) => socket.send(`"${'x'.repeat(10 * 1024 * 1024)}"`)],
    [
      'text that is no UTF-8',
      1007,
      ({ socket }) => socket.send(Buffer.from([0xff, 0xfe]), { binary: false }),
    ],
    [
      'nothing but unknown types',
      1008,
      ({ socket }) => {
        for (let count = 0; count < 60; count += 1) socket.send('{"type":"new","interaction_type":"new"}');
      },
    ],
    [
      'a thousand messages at once',
      1008,
      ({ socket }) => {
        for (let count = 0; count < 1_000; count += 1) socket.send(door === 'retell' ? ping : partial);
      },
    ],
    [
      'a thousand messages a second',
      1008,
      ({ socket }) => {
        const timer = setInterval(() => {
          for (let count = 0; count < 50; count += 1) socket.send(door === 'retell' ? ping : partial);
        }, 50);
        socket.once('close', () => clearInterval(timer));
      },
    ],
  ];

  test.each(garbage)('%s is closed with %i, and others talk on', (_what, code, send) =>
    besideTwoCalls(async () => {
      await using line = await doors[door]().open();
      send(line);
      expect(await line.closed).toMatchObject({ code, reason: expect.any(String) });
    }),
  );

  test('ten megabytes that were only announced are refused before they come', async () => {
    const socket = await rawSocket(door);
    // The head of a masked text frame, and nothing behind it.
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(10n * 1024n * 1024n);
    socket.write(Buffer.concat([Buffer.from([0x81, 0xff]), length, Buffer.alloc(4)]));
    const closing = await vi.waitFor(() => {
      const close = closeFrameIn(socket.received());
      expect(close).toBeDefined();
      return close;
    }, patience);
    expect(closing).toBe(1009);
  });

  test('a frame within the engine’s limit and above the door’s', async () => {
    await using line = await doors[door]().open();
    line.send({ type: 'info', padding: 'x'.repeat(door === 'relay' ? 65 * 1024 : 1024 * 1024) });
    expect((await line.closed).code).toBe(1009);
  });
});

describe('messages out of order', () => {
  test.each([
    { type: 'prompt', voicePrompt: 'Hello', last: true },
    { type: 'interrupt', utteranceUntilInterrupt: 'Hel' },
    { type: 'dtmf', digit: '1' },
    { type: 'info', name: 'clientSpeaking', value: 'on' },
  ])('a $type before the setup ends the socket, and others talk on', (early) =>
    besideTwoCalls(async () => {
      await using line = await doors.relay().open();
      line.send(early);
      expect((await line.closed).code).toBe(1002);
      expect(line.received).toEqual([]);
    }),
  );

  test('a setup for another call ends the socket, and others talk on', () =>
    besideTwoCalls(async () => {
      await using caller = new RelayCaller(app, { key });
      await caller.connect();
      caller.line.send({ type: 'setup', callSid: 'CA_another', from: '+12125550142', to: '+15550100000' });
      expect((await caller.line.closed).code).toBe(1002);
    }));

  test('a response asked for before anybody said who calls is answered a moment later', async () => {
    const line = await doors.retell().open();
    onTestFinished(() => line[Symbol.asyncDispose]());
    line.send({
      interaction_type: 'response_required',
      response_id: 1,
      transcript: [{ role: 'user', content: 'Next Tuesday, please.' }],
    });
    await line.next((message) => message['response_id'] === 1 && message['content_complete'] === true);
  });

  test.each(['retell', 'relay'] as const)(
    'at the %s door a caller who asks and is gone at once begins no call',
    async (door) => {
      const callSid = `gone_${Math.random()}`;
      await using line = new SocketLine(
        `${app.url}${door === 'retell' ? `/retell/${key}/${callSid}` : `/twilio/relay/${key}`}`,
      );
      await line.open();
      if (door === 'relay') {
        line.send({ type: 'setup', callSid, from: '+12125550142', to: '+15550100000' });
        line.send({ type: 'prompt', voicePrompt: 'Next Tuesday, please.', last: true });
      } else {
        const transcript = [{ role: 'user', content: 'Next Tuesday, please.' }];
        line.send({ interaction_type: 'response_required', response_id: 1, transcript });
      }
      line.socket.close(1000);
      await line.closed;
      await delay(500);
      const { state } = await callRecord(app.sql, app.organization.id, callSid);
      expect(state === undefined || state.endedAt !== null).toBe(true);
    },
  );

  test('what cannot be used is left out, and the call goes on', async () => {
    await using caller = new RetellCaller(app, { key });
    await caller.connect();
    for (const odd of [
      { interaction_type: 'response_required' },
      { interaction_type: 'response_required', response_id: 'one', transcript: [] },
      { interaction_type: 'response_required', response_id: 1, transcript: 'none' },
      { interaction_type: 'update_only', transcript: null },
      { interaction_type: 'call_details', call: 7 },
      { interaction_type: 'something_new' },
      { interaction_type: 5 },
      {},
    ]) {
      caller.line.send(odd);
    }
    const transcript = [
      { role: 'system', content: 'x' },
      7,
      null,
      { role: 'user' },
      { role: 'user', content: 'Hi' },
    ];
    caller.line.send({ interaction_type: 'update_only', transcript });
    expect(await caller.say('Next Tuesday, please.')).toMatch(/tuesday/i);
  });
});

/** A connection whose bytes are written and read as they are. */
async function rawSocket(door: 'retell' | 'relay') {
  const { hostname, port } = new URL(app.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  const pieces: Buffer[] = [];
  socket.on('data', (piece) => pieces.push(piece));
  const path = door === 'retell' ? `/retell/${key}/raw` : `/twilio/relay/${key}`;
  const handshake = [
    `GET ${path} HTTP/1.1`,
    `host: ${hostname}:${port}`,
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
  ];
  socket.write(`${handshake.join('\r\n')}\r\n\r\n`);
  const received = () => {
    const all = Buffer.concat(pieces);
    const headEnd = all.indexOf('\r\n\r\n');
    return headEnd === -1 ? Buffer.alloc(0) : all.subarray(headEnd + 4);
  };
  await vi.waitFor(() => expect(Buffer.concat(pieces).toString()).toMatch(/^HTTP\/1\.1 101/), patience);
  return { write: (bytes: Buffer) => socket.write(bytes), received };
}

/** The code of the close frame in what a server sent, if there is one; its frames are short and not masked. */
function closeFrameIn(bytes: Buffer): number | undefined {
  let at = 0;
  while (at + 2 <= bytes.length) {
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const [head, length] = short === 126 ? [4, bytes.readUInt16BE(at + 2)] : [2, short];
    if (((bytes[at] ?? 0) & 0x0f) === 8) return bytes.readUInt16BE(at + head);
    at += head + length;
  }
  return undefined;
}

describe('a peer', () => {
  const limits = {
    door: 'live' as const,
    frameBytesMax: 100,
    messagesPerSecond: 10,
    burst: 10,
    idleMs: 30_000,
    unreadBytesMax: 1_000,
  };

  class FakeSocket extends EventEmitter {
    bufferedAmount = 0;
    readonly sent: string[] = [];
    readonly ended: unknown[] = [];
    pings = 0;
    send = (text: string) => void this.sent.push(text);
    close = (code: number, reason: string) => void this.ended.push([code, reason]);
    terminate = () => void this.ended.push('terminated');
    ping = () => {
      this.pings += 1;
    };
  }

  function made() {
    const socket = new FakeSocket();
    const messages: unknown[] = [];
    const peer = new Peer(socket as unknown as WebSocket, limits, {
      onMessage: (message) => messages.push(message),
      onClosed: () => {},
    });
    return { socket, peer, messages };
  }

  test('that has sent nothing for too long is told so', () => {
    const { socket, peer } = made();
    peer.check(performance.now() + 29_000);
    expect(socket.ended).toEqual([]);
    peer.check(performance.now() + 31_000);
    expect(socket.ended).toEqual([[4408, 'nothing was sent for too long']]);
  });

  test('that answers no ping is gone; one that answers, or sends anything, stays', () => {
    const { socket, peer } = made();
    const nowMs = performance.now();
    peer.check(nowMs);
    socket.emit('pong');
    peer.check(nowMs);
    socket.emit('message', Buffer.from('{}'), false);
    peer.check(nowMs);
    expect([socket.pings, socket.ended]).toEqual([3, []]);
    peer.check(nowMs);
    expect(socket.ended).toEqual(['terminated']);
    expect(peer.isOpen).toBe(false);
  });

  test('that does not read what it is sent is dropped, not waited for', () => {
    const { socket, peer } = made();
    peer.send('one');
    socket.bufferedAmount = 1_001;
    peer.send('two');
    peer.send('three');
    expect(socket.sent).toEqual(['one']);
    expect(socket.ended).toEqual([[1013, 'what was sent is not being read']]);
  });

  test('that was told to close is heard no more', () => {
    const { socket, peer, messages } = made();
    socket.emit('message', Buffer.from('{"a":1}'), false);
    peer.close({ code: 1000, reason: 'done' });
    socket.emit('message', Buffer.from('{"a":2}'), false);
    peer.close({ code: 1011, reason: 'again' });
    expect(messages).toEqual([{ a: 1 }]);
    expect(socket.ended).toEqual([[1000, 'done']]);
  });
});

describe('open sockets', () => {
  test('of one organization are limited; when one is closed there is room again', async () => {
    await using small = await startApp({ socketLimits: { perOrganization: 3 } });
    const lines = [];
    for (let count = 0; count < 3; count += 1) {
      lines.push(await new SocketLine(`${small.url}/retell/${key}/call_${count}`).open());
    }
    await using fourth = new SocketLine(`${small.url}/retell/${key}/call_4`);
    expect(await fourth.closed).toMatchObject({
      code: 1013,
      reason: 'too many open sockets of this organization; try again later',
    });
    await using fifth = new RelayCaller(small, { key });
    expect((await fifth.line.closed).code).toBe(1013);
    await lines[0]?.[Symbol.asyncDispose]();
    await vi.waitFor(async () => {
      await using caller = new RetellCaller(small, { key });
      await caller.connect();
    }, patience);
    for (const line of lines) await line[Symbol.asyncDispose]();
  });

  test('whose peer is gone without a word are noticed', async () => {
    await using quick = await startApp({ socketLimits: { checkEveryMs: 50, backMs: 50 } });
    const { WebSocket: Client } = await import('ws');
    const dead = new Client(`${quick.url.replace('http', 'ws')}/retell/${key}/call_dead`, {
      autoPong: false,
    });
    dead.on('error', () => {});
    await once(dead, 'open');
    const [code] = await once(dead, 'close');
    expect(code).toBe(1006);
    await using alive = await new SocketLine(`${quick.url}/retell/${key}/call_alive`).open();
    await delay(400);
    expect(alive.socket.readyState).toBe(1);
  });

  test('are told to connect again when the server stops, after the turn that runs has spoken', async () => {
    const stopping = await startApp({ model: createRehearsalModel({ msBetweenDeltas: 20 }) });
    await using caller = new RetellCaller(stopping, { key });
    await caller.connect();
    caller.transcript.push({ role: 'user', content: 'Hello there.' });
    const id = caller.ask('response_required');
    await caller.line.next(({ response_id }) => response_id === id);
    await stopping[Symbol.asyncDispose]();
    expect(await caller.line.closed).toEqual({ code: 1012, reason: 'this server stops; connect again' });
    expect(await caller.answer(id)).toMatch(/day|help/i);
  });
});
