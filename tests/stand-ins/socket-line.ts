import { once } from 'node:events';
import WebSocket from 'ws';

/** A platform's end of a socket: what was received is kept, and can be waited for. */
export class SocketLine implements AsyncDisposable {
  readonly received: Record<string, unknown>[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  #wake: (() => void)[] = [];

  constructor(url: string, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(url.replace(/^http/, 'ws'), { headers });
    this.socket.on('message', (data: Buffer) => {
      this.received.push(JSON.parse(data.toString()) as Record<string, unknown>);
      this.#wakeAll();
    });
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#wakeAll();
      });
    });
  }

  async open(): Promise<this> {
    if (this.socket.readyState !== WebSocket.OPEN) await once(this.socket, 'open');
    return this;
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /**
   * The first received message that fits, from a place in `received` on; waits for it.
   *
   * @throws when the socket closes, or nothing fitting comes for ten seconds
   */
  async next(
    fits: (message: Record<string, unknown>) => boolean,
    from = 0,
  ): Promise<Record<string, unknown>> {
    const deadline = AbortSignal.timeout(10_000);
    deadline.addEventListener('abort', () => this.#wakeAll());
    while (true) {
      const found = this.received.slice(from).find(fits);
      if (found !== undefined) return found;
      if (this.socket.readyState > WebSocket.OPEN) throw new Error('the socket is closed');
      if (deadline.aborted)
        throw new Error(`nothing fitting in ${JSON.stringify(this.received.slice(from))}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** The connection breaks, as when a cable is pulled: nobody says goodbye. */
  cut(): void {
    this.socket.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    this.socket.terminate();
    await this.closed;
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** The HTTP status a handshake is refused with; 101 when it is not. */
export async function handshakeStatus(url: string, headers: Record<string, string> = {}): Promise<number> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers });
  socket.on('error', () => {});
  return new Promise((resolve) => {
    socket.once('unexpected-response', (_request, response) => {
      socket.terminate();
      resolve(response.statusCode ?? 0);
    });
    socket.once('open', () => {
      socket.terminate();
      resolve(101);
    });
  });
}
