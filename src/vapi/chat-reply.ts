import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { TurnEvent } from '#conversation/turn-events.ts';

type Finish = Extract<TurnEvent, { type: 'finished' }>['reason'];

/**
 * Writes a turn as the SSE stream Vapi reads: the role first, `choices` in every frame (one without it ends the
 * call), one id throughout, a finish, `[DONE]`. A turn that broke off is finished all the same. What is said in one
 * tick leaves in one write; a listener who reads slowly makes the turn wait.
 */
export async function streamReply(
  response: ServerResponse,
  model: string,
  events: AsyncIterable<TurnEvent>,
): Promise<void> {
  const frames = new Frames(model);
  const written = new JoinedWrites(response);
  let finish: Finish = 'stop';
  let handOffs = 0;
  written.add(frames.of({ role: 'assistant' }), 'with what follows');
  for await (const event of events) {
    if (event.type === 'say' && event.text !== '') written.add(frames.words(event.text));
    if (event.type === 'hand-off') {
      written.add(frames.of({ tool_calls: [{ index: handOffs, ...wireCall(event) }] }));
      handOffs += 1;
    }
    if (event.type === 'finished') finish = event.reason;
    if (response.writableNeedDrain) await drained(response);
  }
  written.end(`${frames.of({}, finish)}data: [DONE]\n\n`);
}

/** Resolves when the listener has read enough, or has gone. */
async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  const gone = new AbortController();
  const { signal } = gone;
  try {
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  } finally {
    gone.abort();
  }
}

/** The same turn as one JSON object, for clients that asked for `stream: false`. */
export async function collectReply(model: string, events: AsyncIterable<TurnEvent>): Promise<object> {
  let content = '';
  let finish: Finish = 'stop';
  const calls: object[] = [];
  for await (const event of events) {
    if (event.type === 'say') content += event.text;
    if (event.type === 'hand-off') calls.push(wireCall(event));
    if (event.type === 'finished') finish = event.reason;
  }
  const message = {
    role: 'assistant',
    content: content === '' && calls.length > 0 ? null : content,
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
  return {
    ...envelope(model, 'chat.completion'),
    choices: [{ index: 0, message, finish_reason: finish }],
    usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
  };
}

/** Frames of one stream. What is the same in all of them is made once. */
class Frames {
  readonly #head: string;

  constructor(model: string) {
    const head = JSON.stringify({ ...envelope(model, 'chat.completion.chunk'), choices: [] });
    this.#head = `data: ${head.slice(0, -'[]}'.length)}`;
  }

  of(delta: object, finish?: Finish): string {
    const choices = [{ index: 0, delta, finish_reason: finish ?? null }];
    return `${this.#head}${JSON.stringify(choices)}}\n\n`;
  }

  words(text: string): string {
    return `${this.#head}[{"index":0,"delta":{"content":${JSON.stringify(text)}},"finish_reason":null}]}\n\n`;
  }
}

/** Joins what is written in one tick. The head of the response goes out with the first of it. */
class JoinedWrites {
  readonly #response: ServerResponse;
  #text = '';
  #due = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** @param when later: with the next write, so that a turn that says nothing for a while costs no packet of its own */
  add(text: string, when: 'in this tick' | 'with what follows' = 'in this tick'): void {
    this.#text += text;
    if (this.#due || when === 'with what follows') return;
    this.#due = true;
    process.nextTick(() => this.#flush());
  }

  end(text: string): void {
    this.#begin();
    this.#response.end(this.#text + text);
    this.#text = '';
  }

  #flush(): void {
    this.#due = false;
    if (this.#text === '') return;
    this.#begin();
    this.#response.write(this.#text);
    this.#text = '';
  }

  #begin(): void {
    if (!this.#response.headersSent) this.#response.writeHead(200, headers);
  }
}

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // Proxies that buffer would hold the first words back.
  'x-accel-buffering': 'no',
};

function envelope(model: string, object: string) {
  return { id: `chatcmpl-${randomUUID()}`, object, created: Math.floor(Date.now() / 1000), model };
}

function wireCall(event: Extract<TurnEvent, { type: 'hand-off' }>): object {
  return {
    id: event.id,
    type: 'function',
    function: { name: event.name, arguments: JSON.stringify(event.arguments) },
  };
}
