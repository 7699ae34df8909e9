// Bytes in, bytes out: an http server that sends each request's body on and pipes the answer back, untouched.
import { Agent, createServer, request } from 'node:http';
import { listening, modelUrl } from './reference.ts';

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
const server = createServer((incoming, response) => {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer none' };
  const length = incoming.headers['content-length'];
  const asked = request(
    `${modelUrl}/v1/chat/completions`,
    {
      agent,
      method: 'POST',
      headers: length === undefined ? headers : { ...headers, 'content-length': length },
    },
    (answer) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      answer.pipe(response);
    },
  );
  incoming.pipe(asked);
});
await listening(server);
