// The least Fastify can do with the same request: parse its JSON body and answer a small object.
import { fastify } from 'fastify';
import { announce } from './reference.ts';

const app = fastify({ forceCloseConnections: true, bodyLimit: 5 * 1024 * 1024 });
app.post<{ Body: { message: { toolCallList: { id: string; function: { name: string } }[] } } }>(
  '/tools/booking-handler',
  async (request) => ({
    results: request.body.message.toolCallList.map((call) => ({
      toolCallId: call.id,
      name: call.function.name,
      result: '{}',
    })),
  }),
);
announce(await app.listen({ host: '127.0.0.1', port: 0 }));
process.once('SIGTERM', () => process.exit(0));
