import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { TurnEvent } from '#conversation/turn-events.ts';

type Finish = Extract<TurnEvent, { type: 'finished' }>['reason'];

/**
 * Writes a turn as the SSE stream Vapi reads: the role first, `choices` in every frame (one without it ends the
 * call), one id throughout, a finish, `[DONE]`. A turn that broke off is finished all the same.
 */
export async function streamReply(
  response: ServerResponse,
  model: string,
  events: AsyncIterable<TurnEvent>,
): Promise<void> {
  const frame = frames(model);
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    // Proxies that buffer would hold the first words back.
    'x-accel-buffering': 'no',
  });
  response.write(frame({ role: 'assistant' }));
  let finish: Finish = 'stop';
  let handOffs = 0;
  for await (const event of events) {
    let flowing = true;
    if (event.type === 'say' && event.text !== '') flowing = response.write(frame({ content: event.text }));
    if (event.type === 'hand-off') {
      flowing = response.write(frame({ tool_calls: [{ index: handOffs, ...wireCall(event) }] }));
      handOffs += 1;
    }
    if (event.type === 'finished') finish = event.reason;
    if (!flowing && !response.destroyed)
      await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end(`${frame({}, finish)}data: [DONE]\n\n`);
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

function frames(model: string): (delta: object, finish?: Finish) => string {
  const head = envelope(model, 'chat.completion.chunk');
  return (delta, finish) => {
    const choices = [{ index: 0, delta, finish_reason: finish ?? null }];
    return `data: ${JSON.stringify({ ...head, choices })}\n\n`;
  };
}

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
