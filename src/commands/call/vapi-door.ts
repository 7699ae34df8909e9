import { type CallDoor, wordsBeforeCut } from './call-door.ts';
import { askTurn, type ServerLine, turnBody, type VapiCall } from './vapi-request.ts';

/** Plays Vapi's side of a call: one request per turn. Vapi speaks the first message by itself. */
export function vapiDoor(
  server: ServerLine,
  call: VapiCall,
  { now, deadlineMs }: { now: () => Date; deadlineMs?: number | undefined },
): CallDoor {
  return {
    connect: async () => undefined,
    ask: (history, line) =>
      askTurn(server, turnBody(call, history, now()), { cutAfterWords: wordsBeforeCut(line), deadlineMs }),
    hangUp: async () => {},
    async [Symbol.asyncDispose]() {},
  };
}
