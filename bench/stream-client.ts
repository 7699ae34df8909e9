import { connect, type Socket } from 'node:net';

/** One answer, as a caller's ear would time it. */
export interface Heard {
  /** From sending the request to the first byte that carries words, in milliseconds. */
  firstContentMs: number;
  totalMs: number;
  /** The words of all frames. */
  text: string;
  status: number;
}

/**
 * Requests over kept connections at as little cost as Node allows, so that what is measured is the other side: bytes
 * are compared, not parsed, until the answer is there.
 */
export class StreamClient implements Disposable {
  readonly #host: string;
  readonly #port: number;
  readonly #idle: Line[] = [];
  readonly #all = new Set<Line>();

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#host = hostname;
    this.#port = Number(port);
  }

  /** @param body JSON; sent with the headers that a voice platform sends */
  async post(path: string, body: string, headers: Record<string, string> = {}): Promise<Heard> {
    let line = this.#idle.pop();
    // The other side closes a connection that nobody has used for a while.
    while (line?.closed) line = this.#idle.pop();
    line ??= this.#open();
    try {
      const heard = await line.ask(
        requestOf(path, body, { host: `${this.#host}:${this.#port}`, ...headers }),
      );
      this.#idle.push(line);
      return heard;
    } catch (error) {
      line.close();
      this.#all.delete(line);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const line of this.#all) line.close();
  }

  #open(): Line {
    const line = new Line(connect({ host: this.#host, port: this.#port, noDelay: true }));
    this.#all.add(line);
    return line;
  }
}

function requestOf(path: string, body: string, headers: Record<string, string>): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\n${lines.join('')}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** The first frame with words in it; a role frame has an empty string. */
const firstWords = /"content": ?"[^"]/;

class Line {
  readonly #socket: Socket;
  #text = '';
  #askedMs = 0;
  #firstContentMs = Number.NaN;
  #answered: PromiseWithResolvers<Heard> | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (bytes: string) => this.#take(bytes));
    const fail = (error?: Error) =>
      this.#answered?.reject(error ?? new Error(`closed after ${this.#text.slice(0, 200)}`));
    socket.on('error', fail);
    socket.on('close', () => fail());
  }

  ask(request: Buffer): Promise<Heard> {
    this.#text = '';
    this.#firstContentMs = Number.NaN;
    this.#answered = Promise.withResolvers();
    this.#askedMs = performance.now();
    this.#socket.write(request);
    return this.#answered.promise;
  }

  get closed(): boolean {
    return this.#socket.destroyed || this.#socket.readyState === 'closed';
  }

  close(): void {
    this.#answered = undefined;
    this.#socket.destroy();
  }

  #take(bytes: string): void {
    this.#text += bytes;
    if (Number.isNaN(this.#firstContentMs) && firstWords.test(this.#text))
      this.#firstContentMs = performance.now() - this.#askedMs;
    if (!isComplete(this.#text)) return;
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.resolve({
      firstContentMs: this.#firstContentMs,
      totalMs: performance.now() - this.#askedMs,
      text: wordsOf(this.#text),
      status: Number(this.#text.slice(9, 12)),
    });
  }
}

function isComplete(text: string): boolean {
  if (text.endsWith('\r\n0\r\n\r\n')) return true;
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return false;
  const length = /content-length: (\d+)/i.exec(text.slice(0, headEnd))?.[1];
  return length !== undefined && text.length >= headEnd + 4 + Number(length);
}

/** The words of all frames; the frames of a chunked body are whole strings, as every target writes them. */
function wordsOf(text: string): string {
  let words = '';
  for (const [, content = ''] of text.matchAll(/"content": ?"((?:[^"\\]|\\.)*)"/g)) words += content;
  return words;
}
