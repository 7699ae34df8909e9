// How many tool calls a second does the tool server answer, each a check from memory with a body of 8 KB that is
// authenticated, parsed and checked? Beside a bare Fastify route that parses the same body.
import { randomUUID } from 'node:crypto';
import autocannon from 'autocannon';
import { type Finding, goal, interleaved, median, percentiles, ratios, rounds } from './finding.ts';
import { type Installation, secret } from './installation.ts';
import { openDates } from './open-dates.ts';
import type { Running } from './processes.ts';
import { toolCallsBody } from './vapi-body.ts';

const question =
  'How many tool calls a second does the tool server answer, each a check from memory with an 8 KB body?';
const connections = 16;
const roundSeconds = 3;
/** Each call is asked about a few times, as calls are; their offers would otherwise grow without an end. */
const callsCount = 4_000;

interface Round {
  perSecond: number;
  cpuUs: number;
  timesMs: number[];
}

export async function toolWebhook(installation: Installation): Promise<Finding> {
  await using stack = new AsyncDisposableStack();
  const holdline = stack.use(await installation.holdline());
  const bare = stack.use(await installation.reference('bare Fastify route', 'bare-route.ts'));
  const [date = ''] = await openDates(installation.owner, 1);
  const bodies = Array.from({ length: callsCount }, () =>
    toolCallsBody(randomUUID(), 'check_availability', { date }),
  );
  for (const target of [holdline, bare]) await load(target, bodies, 1);
  const measured = await interleaved([holdline, bare], rounds, (target) =>
    load(target, bodies, roundSeconds),
  );
  const [ours = [], theirs = []] = [...measured.values()];
  const about = `${connections} connections, ${rounds} rounds of ${roundSeconds} s, bodies of ${bodies[0]?.length} bytes`;
  return {
    question,
    rows: [...measured].map(([{ name }, list]) => ({
      about,
      target: name,
      figures: {
        perSecond: median(list.map(({ perSecond }) => perSecond)),
        cpuUs: median(list.map(({ cpuUs }) => cpuUs)),
        ...percentiles(list.flatMap(({ timesMs }) => timesMs)),
      },
    })),
    goals: [
      goal('tool webhook, requests a second', {
        reference: 'bare Fastify route',
        atLeast: 0.5,
        rounds: ratios(
          ours.map(({ perSecond }) => perSecond),
          theirs.map(({ perSecond }) => perSecond),
        ),
      }),
    ],
    notes: [
      'every one of ours begins a turn in the ledger and keeps what it offers; Postgres shares the other processor with the load',
    ],
  };
}

/** One round of autocannon. A wrong answer ends the benchmark. */
async function load(target: Running, bodies: string[], duration: number): Promise<Round> {
  const before = await target.used();
  const timesMs: number[] = [];
  let next = 0;
  const { promise, resolve, reject } = Promise.withResolvers<autocannon.Result>();
  const running = autocannon(
    {
      url: `${target.url}/tools/booking-handler`,
      connections,
      duration,
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      requests: [
        {
          setupRequest: (request) => {
            next = (next + 1) % bodies.length;
            return { ...request, body: bodies[next] ?? '' };
          },
        },
      ],
      verifyBody: (body) => {
        const text = String(body);
        return (
          text.includes('toolCallId') && (target.name !== 'holdline' || text.includes('\\"success\\":true'))
        );
      },
    },
    (error, result) => (error === null || error === undefined ? resolve(result) : reject(error)),
  );
  running.on('response', (_client, _status, _bytes, responseMs) => timesMs.push(responseMs));
  const result = await promise;
  const wrong = result.mismatches + result.errors + result.non2xx;
  if (wrong > 0)
    throw new Error(`${target.name}: ${wrong} of ${timesMs.length} answers were wrong or missing`);
  const after = await target.used();
  return {
    perSecond: timesMs.length / result.duration,
    cpuUs: (after.cpuUs - before.cpuUs) / timesMs.length,
    timesMs,
  };
}
