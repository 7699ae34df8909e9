import { randomUUID } from 'node:crypto';
import { SocketLine } from './socket-line.ts';

/** Retell's side of one call: keeps the transcript as it was spoken and asks for responses. */
export class RetellCaller implements AsyncDisposable {
  readonly callSid: string;
  readonly transcript: { role: 'agent' | 'user'; content: string }[] = [];
  line: SocketLine;
  readonly #url: string;
  readonly #number: string | undefined;
  #responseId = 0;

  constructor(
    app: { url: string },
    { key, number = '+12125550142', callSid = `call_${randomUUID()}` }: Retelling,
  ) {
    this.callSid = callSid;
    this.#number = number === null ? undefined : number;
    this.#url = `${app.url}/retell/${key}/${callSid}`;
    this.line = new SocketLine(this.#url);
  }

  /** Connects, says who is calling, and hears the first response. */
  async connect(): Promise<string> {
    if (this.line.socket.readyState > 1) this.line = new SocketLine(this.#url);
    await this.line.open();
    await this.line.next((message) => message['response_type'] === 'config');
    this.line.send({
      interaction_type: 'call_details',
      call: { call_id: this.callSid, from_number: this.#number, direction: 'inbound' },
    });
    const first = await this.line.next((message) => message['response_id'] === 0);
    const greeting = String(first['content']);
    if (greeting !== '') this.transcript.push({ role: 'agent', content: greeting });
    return greeting;
  }

  /** Says something and hears the answer to its end. */
  async say(words: string): Promise<string> {
    this.transcript.push({ role: 'user', content: words });
    return this.answer(this.ask('response_required'));
  }

  /** @returns the response's id */
  ask(interaction_type: 'response_required' | 'reminder_required'): number {
    this.#responseId += 1;
    this.line.send({ interaction_type, response_id: this.#responseId, transcript: this.transcript });
    return this.#responseId;
  }

  async answer(id: number): Promise<string> {
    await this.line.next((message) => message['response_id'] === id && message['content_complete'] === true);
    const words = this.wordsOf(id).join('');
    this.transcript.push({ role: 'agent', content: words });
    return words;
  }

  wordsOf(id: number): string[] {
    return this.line.received.flatMap((message) =>
      message['response_type'] === 'response' && message['response_id'] === id
        ? [String(message['content'])]
        : [],
    );
  }

  /** The call ends, as Retell ends one. */
  async hangUp(): Promise<void> {
    this.line.socket.close(1000);
    await this.line.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.line[Symbol.asyncDispose]();
  }
}

interface Retelling {
  key: string;
  number?: string | null;
  callSid?: string;
}
