import type { WebSocket } from 'ws';
import { type Closing, closings, countClosed } from './closings.ts';

/** What a door lets a peer do; each door says why its figures are as they are. */
export interface PeerLimits {
  /** Whose limits these are, for the figures. */
  door: 'retell' | 'relay' | 'live';
  /** Bytes of one frame. */
  frameBytesMax: number;
  /** Sustained, with `burst` in one go. */
  messagesPerSecond: number;
  burst: number;
  /** Without a message of the peer's for so long it is closed; `null` where a peer may be silent. */
  idleMs: number | null;
  /** What we sent and the peer has not taken; beyond it the peer is closed, not waited for. */
  unreadBytesMax: number;
}

export interface PeerEvents {
  /** A frame that is a JSON object. */
  onMessage(message: Record<string, unknown>): void;
  /** The socket is closed, whoever closed it. `code` as the protocol has it; 1006 when the connection just ended. */
  onClosed(code: number): void;
}

/** A peer that was told to close and does not take part in it loses the connection. */
const closeWithinMs = 2_000;

/** The other end of a socket, behind the limits: nothing reaches `onMessage` that is not a JSON object within them. */
export class Peer {
  readonly #socket: WebSocket;
  readonly #limits: PeerLimits;
  #isOpen = true;
  /** Why we ended it; nothing when we did not. */
  #ended: Closing | 'lifeless' | 'broke' | undefined;
  #askedForLife = false;
  #heardAtMs = performance.now();
  #countedAtMs = this.#heardAtMs;
  #allowance: number;

  constructor(socket: WebSocket, limits: PeerLimits, events: PeerEvents) {
    this.#socket = socket;
    this.#limits = limits;
    this.#allowance = limits.burst;
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (!this.#isOpen) return;
      const read = this.#read(data, isBinary);
      if ('refused' in read) this.close(read.refused);
      else events.onMessage(read.message);
    });
    socket.on('pong', () => {
      this.#askedForLife = false;
    });
    // The engine closes by itself, with the right code, on what is no WebSocket frame or too big for any door.
    socket.on('error', () => {
      this.#isOpen = false;
      this.#ended ??= 'broke';
    });
    socket.on('close', (code) => {
      this.#isOpen = false;
      countClosed(limits.door, this.#ended ?? (code === 1006 ? 'broke' : 'peer'));
      events.onClosed(code);
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Hands a frame on; one that is not read in time closes the socket instead. Never throws. */
  send(frame: string): void {
    if (!this.#isOpen) return;
    if (this.#socket.bufferedAmount > this.#limits.unreadBytesMax) this.close(closings.unread);
    else this.#socket.send(frame);
  }

  /** After this nothing of the peer's is heard. Closing twice changes nothing. */
  close(closing: Closing): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#ended = closing;
    this.#socket.close(closing.code, closing.reason);
    // Whoever does not read does not see the close either.
    setTimeout(() => this.#socket.terminate(), closeWithinMs).unref();
  }

  /** Asks for a sign of life, and closes a peer that has given none since it was asked, or has been idle too long. */
  check(nowMs: number): void {
    if (!this.#isOpen) return;
    const { idleMs } = this.#limits;
    if (idleMs !== null && nowMs - this.#heardAtMs > idleMs) this.close(closings.idle);
    else if (this.#askedForLife) {
      // Nobody is there who could be told why.
      this.#isOpen = false;
      this.#ended = 'lifeless';
      this.#socket.terminate();
    } else {
      this.#askedForLife = true;
      this.#socket.ping();
    }
  }

  #read(data: Buffer, isBinary: boolean): { message: Record<string, unknown> } | { refused: Closing } {
    this.#askedForLife = false;
    if (!this.#isWithinRate()) return { refused: closings.tooManyMessages };
    if (isBinary) return { refused: closings.binary };
    if (data.byteLength > this.#limits.frameBytesMax) return { refused: closings.tooBig };
    const message = objectOf(data.toString());
    return message === undefined ? { refused: closings.notJson } : { message };
  }

  #isWithinRate(): boolean {
    const { burst, messagesPerSecond } = this.#limits;
    const nowMs = performance.now();
    const earned = ((nowMs - this.#countedAtMs) / 1000) * messagesPerSecond;
    this.#allowance = Math.min(burst, this.#allowance + earned) - 1;
    this.#countedAtMs = nowMs;
    this.#heardAtMs = nowMs;
    return this.#allowance >= 0;
  }
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return value as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
