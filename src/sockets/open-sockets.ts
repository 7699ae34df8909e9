import type { WebSocket } from 'ws';
import { gauge } from '#telemetry/metrics.ts';
import { type Closing, closings, countClosed } from './closings.ts';
import { Peer, type PeerEvents, type PeerLimits } from './peer.ts';

/** Every open socket of this process: counted per organization, asked for signs of life, closed together. */
export interface OpenSockets extends Disposable {
  /**
   * Takes a socket in, or closes it when its organization has too many.
   *
   * @param whose the organization's id, or what else shares a limit
   */
  admit(socket: WebSocket, whose: string, limits: PeerLimits, events: PeerEvents): Peer | undefined;
  /** Counts a socket for the organization its first message named; false, and closed, when that has too many. */
  move(peer: Peer, whose: string): boolean;
  closeAll(closing: Closing): void;
  readonly size: number;
}

/**
 * Far above what one clinic's lines carry (a call is one socket), far below what one process can hold: a socket
 * with its call takes some ten kilobytes.
 */
const socketsPerOrganizationMax = 1_000;
/** A peer that gave no sign between two looks is gone: noticed within twice this. */
const checkEveryMs = 15_000;

export function createOpenSockets({
  perOrganizationMax = socketsPerOrganizationMax,
  everyMs = checkEveryMs,
}: {
  perOrganizationMax?: number | undefined;
  everyMs?: number | undefined;
} = {}): OpenSockets {
  const peers = new Map<Peer, string>();
  const counts = new Map<string, number>();
  gauge('holdline_sockets_open', 'Sockets that are open.', () => peers.size);
  const timer = setInterval(() => {
    const nowMs = performance.now();
    for (const peer of peers.keys()) peer.check(nowMs);
  }, everyMs).unref();

  function count(whose: string): boolean {
    const before = counts.get(whose) ?? 0;
    if (before >= perOrganizationMax) return false;
    counts.set(whose, before + 1);
    return true;
  }

  function uncount(whose: string): void {
    const left = (counts.get(whose) ?? 1) - 1;
    if (left === 0) counts.delete(whose);
    else counts.set(whose, left);
  }

  return {
    admit(socket, whose, limits, events) {
      if (!count(whose)) {
        const { code, reason } = closings.tooManySockets;
        countClosed(limits.door, closings.tooManySockets);
        socket.on('error', () => {});
        socket.close(code, reason);
        return undefined;
      }
      const peer: Peer = new Peer(socket, limits, {
        onMessage: events.onMessage,
        onClosed(code) {
          uncount(peers.get(peer) ?? whose);
          peers.delete(peer);
          events.onClosed(code);
        },
      });
      peers.set(peer, whose);
      return peer;
    },
    move(peer, whose) {
      const before = peers.get(peer);
      if (before === undefined || before === whose) return before === whose;
      if (!count(whose)) {
        peer.close(closings.tooManySockets);
        return false;
      }
      uncount(before);
      peers.set(peer, whose);
      return true;
    },
    closeAll(closing) {
      for (const peer of peers.keys()) peer.close(closing);
    },
    get size() {
      return peers.size;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
