import { randomUUID } from 'node:crypto';
import type { Installation } from './installation.ts';
import { secret } from './installation.ts';
import type { Used } from './measured.ts';
import { answerText, callerWords } from './model-words.ts';
import { startPortkey } from './portkey.ts';
import type { Running } from './processes.ts';
import { StreamClient } from './stream-client.ts';
import { chatBody } from './vapi-body.ts';

/** Something that passes a model's answer on. */
export class Relay implements Disposable {
  readonly name: string;
  readonly #running: Running;
  readonly #path: string;
  readonly #headers: Record<string, string>;
  readonly #client: StreamClient;
  /** Each lane is a call of its own, as one call's turns follow each other. */
  readonly #calls: string[] = [];

  constructor(
    running: Running,
    {
      name = running.name,
      path,
      headers = {},
    }: { name?: string; path: string; headers?: Record<string, string> },
  ) {
    this.name = name;
    this.#running = running;
    this.#path = path;
    this.#headers = headers;
    this.#client = new StreamClient(running.url);
  }

  /** Lets so many calls be on: each has had a turn, as all but one of a call's have. */
  async prepare(lanes: number): Promise<void> {
    await this.more(lanes - this.#calls.length);
  }

  /** Lets so many calls more be on. */
  async more(lanes: number): Promise<void> {
    const first = this.#calls.length;
    for (let lane = 0; lane < lanes; lane += 20) {
      await Promise.all(
        Array.from({ length: Math.min(20, lanes - lane) }, (_, n) => this.ask(first + lane + n)),
      );
    }
  }

  /** One turn; gives when its first words came. An answer that is not whole and right ends the benchmark. */
  async ask(lane: number): Promise<number> {
    this.#calls[lane] ??= randomUUID();
    const body = chatBody(this.#calls[lane], callerWords.talk);
    const heard = await this.#client.post(this.#path, body, this.#headers);
    if (heard.status !== 200 || heard.text !== answerText)
      throw new Error(`${this.name} answered ${heard.status}: ${heard.text.slice(0, 200)}`);
    return heard.firstContentMs;
  }

  used(): Promise<Used> {
    return this.#running.used();
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}

/** Everything that is compared; each one that could be started. */
export async function relays(
  installation: Installation,
  stack: AsyncDisposableStack,
): Promise<{ direct: Relay; others: Relay[]; holdline: Relay }> {
  const open = async (running: Promise<Running>, path: string, headers?: Record<string, string>) => {
    const started = stack.use(await running);
    return stack.use(new Relay(started, { path, ...(headers === undefined ? {} : { headers }) }));
  };
  const others = [
    await open(installation.reference('raw pipe', 'raw-pipe.ts'), '/chat/completions'),
    await open(installation.reference('parse proxy', 'parse-proxy.ts'), '/chat/completions'),
    await open(installation.reference('naive relay', 'naive-relay.ts'), '/chat/completions'),
  ];
  const portkey = await startPortkey(installation);
  if (portkey !== undefined) {
    const { running, path, headers } = portkey;
    others.push(await open(Promise.resolve(running), path, headers));
  }
  const holdline = await open(installation.holdline(), '/vapi/chat/completions', {
    authorization: `Bearer ${secret}`,
  });
  const direct = stack.use(new Relay(installation.model, { name: 'direct', path: '/v1/chat/completions' }));
  return { direct, others, holdline };
}
