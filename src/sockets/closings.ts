import { counter } from '#telemetry/metrics.ts';

/** Why a socket is closed: the code and the words its peer is told. */
export interface Closing {
  code: number;
  reason: string;
}

/** Every close of ours. Codes below 4000 are RFC 6455's; the reasons are part of the doors' contract. */
export const closings = {
  callOver: { code: 1000, reason: 'the call is over' },
  outOfOrder: {
    code: 1002,
    reason: 'a message came before the one that begins the call, or began another call',
  },
  binary: { code: 1003, reason: 'a binary frame; send text' },
  notJson: { code: 1007, reason: 'a frame that is no JSON object' },
  tooManyMessages: { code: 1008, reason: 'too many messages in a short time' },
  unknownMessages: { code: 1008, reason: 'too many messages of unknown types' },
  readOnly: { code: 1008, reason: 'this socket takes no messages' },
  tooBig: { code: 1009, reason: 'a frame is too big' },
  fault: { code: 1011, reason: 'a fault on this side; connect again' },
  restarting: { code: 1012, reason: 'this server stops; connect again' },
  tooManySockets: { code: 1013, reason: 'too many open sockets of this organization; try again later' },
  unread: { code: 1013, reason: 'what was sent is not being read' },
  idle: { code: 4408, reason: 'nothing was sent for too long' },
  replaced: { code: 4409, reason: 'another connection carries this call now' },
} as const satisfies Record<string, Closing>;

const names = new Map<Closing, string>(Object.entries(closings).map(([name, closing]) => [closing, name]));
const closed = counter('holdline_sockets_closed_total', 'Sockets that were closed, by why.', [
  'door',
  'reason',
]);

/**
 * Counts a socket that is closed.
 *
 * @param why a closing of ours, `lifeless` when it gave no sign of life, `broke` when the connection ended or a frame
 * was against the protocol's own rules, `peer` when the other end closed it
 */
export function countClosed(door: string, why: Closing | 'lifeless' | 'broke' | 'peer'): void {
  closed({ door, reason: typeof why === 'string' ? why : (names.get(why) ?? 'other') });
}
