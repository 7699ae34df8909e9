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
