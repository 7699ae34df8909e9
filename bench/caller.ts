import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { secret } from './targets.ts';

/** One request's answer, as a caller's ear would time it. */
export interface Heard {
  /** From sending the request to the first byte that carries words, in milliseconds. */
  firstContentMs: number;
  totalMs: number;
  text: string;
}

export const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/** A request body as Vapi sends it, for one turn of a call that said these things so far. */
export function chatBody(callSid: string, said: string[]): string {
  const messages = [
    { role: 'system', content: 'You answer the phone.' },
    ...said.flatMap((words, index) =>
      index === 0
        ? [{ role: 'user', content: words }]
        : [
            { role: 'assistant', content: 'As you heard.' },
            { role: 'user', content: words },
          ],
    ),
  ];
  return JSON.stringify({
    model: 'receptionist',
    stream: true,
    messages,
    call: { id: callSid, type: 'inboundPhoneCall', assistantId: 'demo-clinic' },
    metadata: { numUserTurns: said.length, numAssistantTurns: said.length },
  });
}

/** Sends one turn and times its first word. A wrong or broken answer throws: a benchmark of wrong answers is none. */
export function hear(url: string, body: string): Promise<Heard> {
  const { promise, resolve, reject } = Promise.withResolvers<Heard>();
  const startedMs = performance.now();
  let firstContentMs = Number.NaN;
  let text = '';
  const sent = request(
    `${url}/vapi/chat/completions`,
    {
      agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        authorization: `Bearer ${secret}`,
      },
    },
    (response) => {
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (Number.isNaN(firstContentMs) && text.includes('"content":"'))
          firstContentMs = performance.now() - startedMs;
      });
      response.on('end', () => {
        if (
          response.statusCode !== 200 ||
          !text.endsWith('data: [DONE]\n\n') ||
          Number.isNaN(firstContentMs)
        ) {
          reject(new Error(`not a complete answer (${response.statusCode}): ${text.slice(0, 300)}`));
        } else resolve({ firstContentMs, totalMs: performance.now() - startedMs, text });
      });
      response.on('error', reject);
    },
  );
  sent.on('error', reject);
  sent.end(body);
  return promise;
}

export function newCall(): string {
  return randomUUID();
}
