import { createHmac, randomUUID } from 'node:crypto';
import { SocketLine } from './socket-line.ts';

/** Twilio's side of one relay session: speaks what it is sent, word by word, and says what was heard when cut. */
export class RelayCaller implements AsyncDisposable {
  readonly callSid: string;
  readonly line: SocketLine;
  readonly #number: string | null;
  readonly #dialled: string;
  #heardTo = 0;

  constructor(
    app: { url: string },
    {
      number = '+12125550142',
      dialled = '+15550100000',
      callSid = `CA${randomUUID().replaceAll('-', '')}`,
      key,
      headers = {},
    }: Relaying,
  ) {
    this.callSid = callSid;
    this.#number = number;
    this.#dialled = dialled;
    this.line = new SocketLine(`${app.url}/twilio/relay${key === undefined ? '' : `/${key}`}`, headers);
  }

  async connect({ greeted = false, direction = 'inbound' } = {}): Promise<string> {
    await this.line.open();
    this.line.send({
      type: 'setup',
      sessionId: 'VX00000000000000000000000000000001',
      accountSid: 'AC00000000000000000000000000000001',
      callSid: this.callSid,
      from: this.#number ?? 'anonymous',
      to: this.#dialled,
      callType: 'PSTN',
      direction,
      callStatus: 'RINGING',
      customParameters: greeted ? { greeted: 'yes' } : {},
    });
    return greeted ? '' : this.hear();
  }

  /** Says something and hears the answer to its end. */
  async say(words: string): Promise<string> {
    this.line.send({ type: 'prompt', voicePrompt: words, lang: 'en-US', last: true });
    return this.hear();
  }

  /** Everything up to the next last token. */
  async hear(): Promise<string> {
    const from = this.#heardTo;
    const last = await this.line.next(({ type, last: isLast }) => type === 'text' && isLast === true, from);
    this.#heardTo = this.line.received.indexOf(last, from) + 1;
    this.speaks('on');
    this.speaks('off');
    return this.line.received
      .slice(from, this.#heardTo)
      .map(({ type, token }) => (type === 'text' ? String(token) : ''))
      .join('');
  }

  /** The agent's voice starts, or has come to the end of what there is. */
  speaks(value: 'on' | 'off'): void {
    this.line.send({ type: 'info', name: 'agentSpeaking', value, ts: Date.now() });
  }

  async hangUp(): Promise<void> {
    this.line.socket.close(1000);
    await this.line.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.line[Symbol.asyncDispose]();
  }
}

interface Relaying {
  number?: string | null;
  dialled?: string;
  callSid?: string;
  key?: string;
  headers?: Record<string, string>;
}

/** Signs a request as Twilio does: the url, then each parameter's name and value in order, by HMAC-SHA1. */
export function twilioSignature(token: string, url: string, parameters: Record<string, string> = {}): string {
  const sorted = Object.keys(parameters).toSorted();
  const signed = sorted.reduce((text, name) => `${text}${name}${parameters[name]}`, url);
  return createHmac('sha1', token).update(signed).digest('base64');
}
