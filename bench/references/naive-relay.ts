// The relay that every tutorial has: Fastify, the openai client, and a write for each chunk.
import { fastify } from 'fastify';
import OpenAI from 'openai';
import { announce, modelUrl } from './reference.ts';

const client = new OpenAI({ apiKey: 'none', baseURL: `${modelUrl}/v1` });
const app = fastify({ forceCloseConnections: true, bodyLimit: 5 * 1024 * 1024 });
app.post<{ Body: OpenAI.ChatCompletionCreateParamsStreaming }>(
  '/chat/completions',
  async (request, reply) => {
    const { model, messages, tools } = request.body;
    const stream = await client.chat.completions.create({
      model,
      messages,
      stream: true,
      ...(tools === undefined ? {} : { tools }),
    });
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
    for await (const chunk of stream) reply.raw.write(`data: ${JSON.stringify(chunk)}\n\n`);
    reply.raw.end('data: [DONE]\n\n');
    return reply;
  },
);
announce(await app.listen({ host: '127.0.0.1', port: 0 }));
process.once('SIGTERM', () => process.exit(0));
