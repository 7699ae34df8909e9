import { type CallDoor, wordCount, wordsBeforeCut } from './call-door.ts';
import type { CallerLine } from './caller.ts';
import type { TurnAnswer } from './frames.ts';
import type { History } from './history.ts';
import { DoorSocket } from './socket-door.ts';
import type { ServerLine, VapiCall } from './vapi-request.ts';

/** Plays Retell's side of a call: the whole transcript with each request, answers by their id. */
export async function openRetellDoor({ url, key }: ServerLine, call: VapiCall): Promise<CallDoor> {
  const socket = await DoorSocket.open(url, `/retell/${encodeURIComponent(key)}/${call.id}`);
  return new RetellDoor(socket, call);
}

class RetellDoor implements CallDoor {
  readonly #socket: DoorSocket;
  readonly #call: VapiCall;
  #responseId = 0;

  constructor(socket: DoorSocket, call: VapiCall) {
    this.#socket = socket;
    this.#call = call;
  }

  async connect(): Promise<string> {
    this.#socket.send({
      interaction_type: 'call_details',
      call: {
        call_id: this.#call.id,
        call_type: 'phone_call',
        direction: 'inbound',
        ...(this.#call.customerNumber === null ? {} : { from_number: this.#call.customerNumber }),
        to_number: '+15550100000',
      },
    });
    while (true) {
      const message = await this.#socket.next();
      if (message['response_type'] === 'response') return String(message['content']);
    }
  }

  async ask(history: History, line: CallerLine): Promise<TurnAnswer> {
    this.#responseId += 1;
    const response_id = this.#responseId;
    const transcript = history.messages.flatMap(({ role, content }) =>
      role === 'system' ? [] : [{ role: role === 'user' ? 'user' : 'agent', content }],
    );
    const startedMs = performance.now();
    this.#socket.send({ interaction_type: 'response_required', response_id, transcript });
    const cutAfterWords = wordsBeforeCut(line);
    const answer: TurnAnswer = { text: '', toolCalls: [], violations: [], firstWordMs: undefined };
    while (true) {
      const message = await this.#socket.next();
      if (message['response_type'] !== 'response') continue;
      if (message['response_id'] !== response_id) {
        // The rest of an answer that was talked over may still be on its way.
        if (Number(message['response_id']) > response_id)
          answer.violations.push('a response was sent that was not asked for');
        continue;
      }
      const content = String(message['content']);
      if (content !== '') answer.firstWordMs ??= performance.now() - startedMs;
      answer.text += content;
      if (cutAfterWords !== undefined && wordCount(answer.text) > cutAfterWords) return answer;
      if (message['content_complete'] !== true) continue;
      answer.toolCalls = toolCallsOf(message);
      if (answer.text.trim() === '' && answer.toolCalls.length === 0)
        answer.violations.push('the answer has no words and no action: the caller would hear silence');
      return answer;
    }
  }

  hangUp(): Promise<void> {
    return this.#socket.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#socket[Symbol.asyncDispose]();
  }
}

function toolCallsOf(message: Record<string, unknown>): TurnAnswer['toolCalls'] {
  if (message['end_call'] === true) return [{ name: 'endCall', arguments: '{}' }];
  const destination = message['transfer_number'];
  if (typeof destination !== 'string') return [];
  return [{ name: 'transferCall', arguments: JSON.stringify({ destination }) }];
}
