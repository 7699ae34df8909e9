import { fastify } from 'fastify';

/**
 * The least Fastify can do for the same request: parse the JSON body, answer one role frame, one content frame and
 * the end of a stream. What Holdline takes beyond this is Holdline's own share.
 */
const app = fastify({ forceCloseConnections: true });
app.post('/vapi/chat/completions', async (_request, reply) => {
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
  reply.raw.write('data: {"choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":null}]}\n\n');
  reply.raw.write(
    'data: {"choices":[{"index":0,"delta":{"content":"On Tuesday"},"finish_reason":null}]}\n\n',
  );
  reply.raw.end('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
  return reply;
});
const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`${JSON.stringify({ url })}\n`);
process.once('SIGTERM', () => void app.close());
