// What a careful relay without a framework does: the request is parsed and made anew, and so is every chunk.
import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import { listening, modelUrl } from './reference.ts';

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
const server = createServer(async (incoming, response) => {
  const { model, stream, messages, tools } = JSON.parse(await textOf(incoming));
  const body = JSON.stringify({ model, stream, messages, tools });
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    authorization: 'Bearer none',
  };
  const asked = request(`${modelUrl}/v1/chat/completions`, { agent, method: 'POST', headers }, (answer) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let rest = '';
    answer.setEncoding('utf8');
    answer.on('data', (text: string) => {
      rest += text;
      const events = rest.split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) {
        const data = event.slice('data: '.length);
        response.write(
          data === '[DONE]' ? 'data: [DONE]\n\n' : `data: ${JSON.stringify(JSON.parse(data))}\n\n`,
        );
      }
    });
    answer.on('end', () => response.end());
  });
  asked.end(body);
});
await listening(server);

async function textOf(incoming: IncomingMessage): Promise<string> {
  incoming.setEncoding('utf8');
  let text = '';
  for await (const piece of incoming) text += piece;
  return text;
}
