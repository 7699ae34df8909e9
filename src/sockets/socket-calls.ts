import type { Organization } from '#organization/organization.ts';
import { closings } from './closings.ts';
import type { Peer } from './peer.ts';
import { type Connection, SocketCall, type SocketCallParts } from './socket-call.ts';

/** The calls that sockets of this process carry. */
export interface SocketCalls {
  /** Takes a call up on a connection, or goes on with it. One that carried it before is closed. */
  open(organization: Organization, callSid: string, connection: Connection): SocketCall;
  /**
   * The call's socket is closed. A platform that is done with a call closes with 1000, or without a code; any other
   * end is a connection that broke and may come back. A socket that was replaced changes nothing.
   */
  left(call: SocketCall, peer: Peer, code: number): void;
  /** Resolves when no turn is running, or `withinMs` are over. */
  quiet(withinMs: number): Promise<void>;
}

/**
 * Retell notices a dead connection after five seconds and then tries three times for seven seconds each; after that
 * the caller is gone.
 */
const backWithinMs = 30_000;

/** As long as nobody can say whether another process carries a call, it is not over; some minutes in all. */
const roundsMax = 10;

export function createSocketCalls(
  parts: SocketCallParts,
  { backMs = backWithinMs }: { backMs?: number | undefined } = {},
): SocketCalls {
  const calls = new Map<string, SocketCall>();
  const awaited = new Map<SocketCall, NodeJS.Timeout>();
  const keyOf = ({ organization, callSid }: { organization: Organization; callSid: string }) =>
    `${organization.id}/${callSid}`;

  function stopWaiting(call: SocketCall): void {
    clearTimeout(awaited.get(call));
    awaited.delete(call);
  }

  return {
    open(organization, callSid, connection) {
      const key = keyOf({ organization, callSid });
      const call = calls.get(key) ?? new SocketCall(parts, organization, callSid);
      calls.set(key, call);
      stopWaiting(call);
      const { peer } = call;
      call.connect(connection);
      peer?.close(closings.replaced);
      return call;
    },
    left(call, peer, code) {
      if (!call.isOn(peer)) return;
      call.cut();
      const forget = () => {
        stopWaiting(call);
        calls.delete(keyOf(call));
      };
      if (code === 1000 || code === 1005) {
        forget();
        void call.over('the platform ended the call');
        return;
      }
      const wait = (rounds: number) => {
        const timer = setTimeout(async () => {
          const where = await call.whereabouts();
          // It came back while that was being asked.
          if (!call.isOn(peer)) return;
          if (where === 'unknown' && rounds < roundsMax) {
            wait(rounds + 1);
            return;
          }
          forget();
          if (where !== 'elsewhere') await call.over('the connection was lost');
        }, backMs);
        awaited.set(call, timer.unref());
      };
      wait(1);
    },
    async quiet(withinMs) {
      const late = new Promise((resolve) => setTimeout(resolve, withinMs).unref());
      await Promise.race([Promise.all([...calls.values()].map((call) => call.quiet)), late]);
    },
  };
}
