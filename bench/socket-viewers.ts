// Who watches the live feed: viewers that read, and some that never do.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import WebSocket from 'ws';

/** A viewer that reads. */
export interface Viewer {
  /** How many events of each type it was told. */
  readonly told: Map<string, number>;
  readonly isOpen: boolean;
  leave(): void;
}

export async function view(url: string, secret: string): Promise<Viewer> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/live`, {
    headers: { authorization: `Bearer ${secret}` },
  });
  const told = new Map<string, number>();
  socket.on('message', (data: Buffer) => {
    const { type } = JSON.parse(data.toString()) as { type: string };
    told.set(type, (told.get(type) ?? 0) + 1);
  });
  socket.on('error', () => {});
  await once(socket, 'open');
  return {
    told,
    get isOpen() {
      return socket.readyState === WebSocket.OPEN;
    },
    leave: () => socket.terminate(),
  };
}

/** An empty pong nobody asked for, as a client sends it: a sign of life. */
const pong = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const livesEveryMs = 5_000;

/**
 * A viewer that never reads a byte: what it is sent fills the kernel's buffers, and then the server's. It cannot know
 * when it is dropped; the server's figures say so.
 *
 * @param lives gives signs of life all the same, as a browser does whose page hangs
 */
export async function stare(
  url: string,
  secret: string,
  { lives }: { lives: boolean },
): Promise<{ leave(): void }> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => {});
  socket.pause();
  await once(socket, 'connect');
  socket.write(
    [
      'GET /live HTTP/1.1',
      `host: ${hostname}:${port}`,
      'connection: Upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      `sec-websocket-key: ${randomBytes(16).toString('base64')}`,
      `authorization: Bearer ${secret}`,
      '\r\n',
    ].join('\r\n'),
  );
  const timer = setInterval(() => {
    if (lives && socket.writable) socket.write(pong);
  }, livesEveryMs);
  return {
    leave() {
      clearInterval(timer);
      socket.destroy();
    },
  };
}
