import { once } from 'node:events';
import WebSocket from 'ws';
import { CallProblem } from './call-problem.ts';

export type SocketMessage = Record<string, unknown>;

/** A platform waits no longer for a word. */
const turnDeadlineMs = 20_000;
const connectDeadlineMs = 7_000;

/** The platform's end of a socket: messages are read one after another, each with a deadline. */
export class DoorSocket implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #where: string;
  readonly #messages: SocketMessage[] = [];
  #closed: string | undefined;
  #wake = () => {};

  private constructor(socket: WebSocket, where: string) {
    this.#socket = socket;
    this.#where = where;
    socket.on('message', (data: Buffer) => {
      this.#messages.push(JSON.parse(data.toString()) as SocketMessage);
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', (code, reason) => {
      this.#closed = `${code} ${reason.toString()}`.trim();
      this.#wake();
    });
  }

  /**
   * @param url of the server, by http
   * @param path may hold a key and is named in no message
   * @throws CallProblem when nobody listens, or the handshake is refused
   */
  static async open(url: string, path: string): Promise<DoorSocket> {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, {
      handshakeTimeout: connectDeadlineMs,
    });
    const made = new DoorSocket(socket, url);
    try {
      await once(socket, 'open');
    } catch (error) {
      throw problemOf(error, url);
    }
    return made;
  }

  send(message: SocketMessage): void {
    this.#socket.send(JSON.stringify(message));
  }

  /** @throws CallProblem when the server closes the socket, or says nothing for as long as a platform waits */
  async next(): Promise<SocketMessage> {
    const deadline = AbortSignal.timeout(turnDeadlineMs);
    deadline.addEventListener('abort', () => this.#wake(), { once: true });
    while (true) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      if (this.#closed !== undefined)
        throw new CallProblem(`The server at ${this.#where} closed the socket: ${this.#closed}.`);
      if (deadline.aborted) throw new CallProblem(`Nothing came for ${turnDeadlineMs / 1000} s.`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** What has come by the time the server has read everything that was sent to it. */
  async settled(): Promise<SocketMessage[]> {
    if (this.#closed === undefined) {
      const { signal, abort } = stoppable();
      const pong = once(this.#socket, 'pong', { signal });
      const closed = once(this.#socket, 'close', { signal });
      this.#socket.ping();
      await Promise.race([pong, closed]).finally(abort);
      await Promise.allSettled([pong, closed]);
    }
    return this.#messages.splice(0);
  }

  async close(): Promise<void> {
    if (this.#closed !== undefined) return;
    const closed = once(this.#socket, 'close');
    this.#socket.close(1000);
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
  }
}

function stoppable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

function problemOf(error: unknown, url: string): CallProblem {
  const { message, code } = error as Error & { code?: string };
  const status = /Unexpected server response: (\d+)/.exec(message)?.[1];
  if (status === '401' || status === '403') {
    const text = `The server at ${url} refused the key (${status}). A socket is opened with an organization's key: give one with --key, or set DEMO_KEY to the server's.`;
    return new CallProblem(text, { cause: error });
  }
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND') {
    const text = `Nothing listens at ${url}. Start the server with "npm start", or leave --url out and one is started.`;
    return new CallProblem(text, { cause: error });
  }
  return new CallProblem(`The socket at ${url} could not be opened: ${message}.`, { cause: error });
}
