import { type CallDoor, wordCount, wordsBeforeCut } from './call-door.ts';
import type { CallerLine } from './caller.ts';
import type { TurnAnswer } from './frames.ts';
import { firstWords, type History } from './history.ts';
import { DoorSocket } from './socket-door.ts';
import type { ServerLine, VapiCall } from './vapi-request.ts';

/** Plays a relay's side of a call: words in, words out, and what was heard when the caller talks over them. */
export async function openRelayDoor({ url, key }: ServerLine, call: VapiCall): Promise<CallDoor> {
  const socket = await DoorSocket.open(url, `/twilio/relay/${encodeURIComponent(key)}`);
  return new RelayDoor(socket, call);
}

class RelayDoor implements CallDoor {
  readonly #socket: DoorSocket;
  readonly #call: VapiCall;

  constructor(socket: DoorSocket, call: VapiCall) {
    this.#socket = socket;
    this.#call = call;
  }

  async connect(): Promise<string> {
    this.#socket.send({
      type: 'setup',
      sessionId: 'VX00000000000000000000000000000001',
      callSid: this.#call.id,
      from: this.#call.customerNumber ?? 'anonymous',
      to: '+15550100000',
      direction: 'inbound',
      callType: 'PSTN',
      callStatus: 'RINGING',
      customParameters: {},
    });
    let greeting = '';
    while (true) {
      const message = await this.#socket.next();
      greeting += String(message['token'] ?? '');
      if (message['last'] === true) return greeting;
    }
  }

  /** A relay keeps no history for the server: the caller's new words are all it sends. */
  async ask(_history: History, line: CallerLine): Promise<TurnAnswer> {
    const voicePrompt = line.say ?? '';
    const startedMs = performance.now();
    this.#socket.send({ type: 'prompt', voicePrompt, lang: 'en-US', last: true });
    const cutAfterWords = wordsBeforeCut(line);
    const answer: TurnAnswer = { text: '', toolCalls: [], violations: [], firstWordMs: undefined };
    while (true) {
      const message = await this.#socket.next();
      if (message['type'] !== 'text') continue;
      const token = String(message['token']);
      if (token !== '') answer.firstWordMs ??= performance.now() - startedMs;
      answer.text += token;
      if (cutAfterWords !== undefined && wordCount(answer.text) > cutAfterWords) {
        await this.#talkOver(answer.text, cutAfterWords);
        return answer;
      }
      if (message['last'] === true) break;
    }
    // The voice speaks it all; only then does the server say what comes after it.
    for (const value of ['on', 'off']) this.#socket.send({ type: 'info', name: 'agentSpeaking', value });
    answer.toolCalls = (await this.#socket.settled()).flatMap(toolCallsOf);
    if (answer.text.trim() === '' && answer.toolCalls.length === 0)
      answer.violations.push('the answer has no words and no end: the caller would hear silence');
    return answer;
  }

  hangUp(): Promise<void> {
    return this.#socket.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#socket[Symbol.asyncDispose]();
  }

  async #talkOver(text: string, words: number): Promise<void> {
    this.#socket.send({
      type: 'interrupt',
      utteranceUntilInterrupt: firstWords(text, words),
      durationUntilInterruptMs: words * 400,
    });
    await this.#socket.settled();
  }
}

function toolCallsOf(message: Record<string, unknown>): TurnAnswer['toolCalls'] {
  if (message['type'] !== 'end') return [];
  const data = message['handoffData'];
  return data === undefined
    ? [{ name: 'endCall', arguments: '{}' }]
    : [{ name: 'transferCall', arguments: String(data) }];
}
