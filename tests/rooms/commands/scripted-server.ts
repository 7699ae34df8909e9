import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export const key = 'a-key-for-this-test';

type Scripted = string | { say?: string; tool?: string; raw?: string; status?: number; open?: boolean };

interface Body {
  messages: { role: string; content: string }[];
  metadata: object;
  call: { id: string; monitor: { controlUrl: string } };
  tools: { function: { name: string } }[];
}

/** Answers one request after the other from a list; `open` leaves the stream open until the client goes. */
export async function scriptedServer(answers: Scripted[]) {
  const bodies: Body[] = [];
  const brokenOff = Promise.withResolvers<void>();
  const left = [...answers];
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    if (request.headers.authorization !== `Bearer ${key}`) {
      response.writeHead(401).end('unauthorized');
      return;
    }
    bodies.push(JSON.parse(body));
    response.on('close', () => {
      if (!response.writableFinished) brokenOff.resolve();
    });
    answerWith(left.shift() ?? 'Goodbye.', response);
  }
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    bodies: bodies as [Body, Body, Body, Body],
    /** Resolves when a client has left before its answer was over. */
    brokenOff: brokenOff.promise,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerWith(scripted: Scripted, response: ServerResponse): void {
  const { say, tool, raw, status = 200, open } = typeof scripted === 'string' ? { say: scripted } : scripted;
  response.writeHead(status, { 'content-type': 'text/event-stream' });
  if (raw !== undefined) {
    response.end(raw);
    return;
  }
  const frame = (delta: object, finish: string | null = null) =>
    response.write(
      `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`,
    );
  frame({ role: 'assistant' });
  for (const word of say?.match(/\S+\s*/g) ?? []) frame({ content: word });
  if (open) return;
  if (tool)
    frame({
      tool_calls: [{ index: 0, id: 'c1', type: 'function', function: { name: tool, arguments: '{}' } }],
    });
  frame({}, tool ? 'tool_calls' : 'stop');
  response.end('data: [DONE]\n\n');
}
