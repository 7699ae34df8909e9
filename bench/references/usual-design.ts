// The booking assistant as it is usually built, on the relay of every tutorial: the model asks for a tool, the
// platform calls it over HTTP, and the result goes through the model once more to be worded. Platform and model server
// are this process; the tool server is another (`usual-tools.ts`).
import { fastify } from 'fastify';
import OpenAI from 'openai';
import { announce, modelUrl } from './reference.ts';

const toolsUrl = process.env['TOOLS_URL'] ?? '';
const client = new OpenAI({ apiKey: 'none', baseURL: `${modelUrl}/v1` });
const app = fastify({ forceCloseConnections: true, bodyLimit: 5 * 1024 * 1024 });
app.post<{ Body: OpenAI.ChatCompletionCreateParamsStreaming & { call: { id: string } } }>(
  '/chat/completions',
  async (request, reply) => {
    const { model, tools, call } = request.body;
    const messages = [...request.body.messages];
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let pass = 1; pass <= 2; pass += 1) {
      const stream = await client.chat.completions.create({
        model,
        messages,
        stream: true,
        ...(tools && { tools }),
      });
      const asked = { id: '', name: '', args: '' };
      for await (const chunk of stream) {
        const delta = chunk.choices[0]?.delta;
        const piece = delta?.tool_calls?.[0];
        asked.id ||= piece?.id ?? '';
        asked.name ||= piece?.function?.name ?? '';
        asked.args += piece?.function?.arguments ?? '';
        if (delta?.content) reply.raw.write(`data: ${JSON.stringify(chunk)}\n\n`);
      }
      if (asked.name === '') break;
      const result = await fetch(`${toolsUrl}/tools`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: asked.name, args: JSON.parse(asked.args), call: call.id }),
      });
      const content = await result.text();
      messages.push(
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: asked.id, type: 'function', function: { name: asked.name, arguments: asked.args } },
          ],
        },
        { role: 'tool', tool_call_id: asked.id, content },
      );
    }
    reply.raw.end('data: [DONE]\n\n');
    return reply;
  },
);
announce(await app.listen({ host: '127.0.0.1', port: 0 }));
process.once('SIGTERM', () => process.exit(0));
