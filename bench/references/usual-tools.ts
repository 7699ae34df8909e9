// The tool server of the usual design: one query for a check, one conditional update for a reservation.
import { fastify } from 'fastify';
import postgres from 'postgres';
import { announce } from './reference.ts';

const sql = postgres(process.env['DATABASE_URL'] ?? '', { max: 16, onnotice: () => {} });
const app = fastify({ forceCloseConnections: true });
app.post<{ Body: { name: string; args: { date?: string }; call: string } }>('/tools', async (request) => {
  const { name, args, call } = request.body;
  if (name === 'check_availability') {
    const slots = await sql`
      select id, starts_at from bench_usual_slots
      where starts_at::date = ${args.date ?? ''}::date and call is null order by starts_at limit 4`;
    await sql`insert into bench_usual_calls (call, step) values (${call}, 'check') on conflict (call) do update set step = 'check'`;
    return { success: slots.length > 0, slots };
  }
  const [taken] = await sql`
    update bench_usual_slots set call = ${call}
    where id = (select id from bench_usual_slots where call is null order by random() limit 1) and call is null
    returning id, starts_at`;
  await sql`update bench_usual_calls set step = 'reserve' where call = ${call}`;
  return { success: taken !== undefined, slot: taken };
});
announce(await app.listen({ host: '127.0.0.1', port: 0 }));
process.once('SIGTERM', () => process.exit(0));
