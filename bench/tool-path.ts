// How many tool turns does one process carry, and how long does each take as a whole? autocannon sends turns that
// check availability, each of a call of its own, beside a bare Fastify route in the same rounds.
import autocannon from 'autocannon';
import { chatBody, newCall } from './caller.ts';
import { distribution, printComparison } from './figures.ts';
import { secret, startBareRoute, startHoldline, type Target } from './targets.ts';

const connections = 16;
const roundSeconds = 4;
const rounds = 3;

await using holdline = await startHoldline();
await using bare = await startBareRoute();

await round(holdline, 2);
await round(bare, 2);
const times = new Map<Target, number[]>([
  [holdline, []],
  [bare, []],
]);
for (let n = 0; n < rounds; n += 1) {
  for (const [target, list] of times) for (const ms of await round(target, roundSeconds)) list.push(ms);
}
for (const [target, list] of times) {
  console.log(`${target.name}: ${(list.length / (rounds * roundSeconds)).toFixed(0)} turns a second`);
}
printComparison(
  `Whole answer of a turn with check_availability, ${connections} connections, ${rounds} rounds of ${roundSeconds} s`,
  [...times].map(([target, list]) => [target.name, distribution(list)]),
);

/** One round of autocannon; gives the time of every answer. A wrong answer ends the benchmark. */
function round(target: Target, duration: number): Promise<number[]> {
  const { promise, resolve, reject } = Promise.withResolvers<number[]>();
  const answersMs: number[] = [];
  const running = autocannon(
    {
      url: `${target.url}/vapi/chat/completions`,
      connections,
      duration,
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      requests: [
        { setupRequest: (request) => ({ ...request, body: chatBody(newCall(), ['Next Tuesday, please.']) }) },
      ],
      verifyBody: (body) => String(body).includes('uesday') && String(body).endsWith('data: [DONE]\n\n'),
    },
    (error, result) => {
      const wrong = result.mismatches + result.errors + result.non2xx;
      if (error !== null && error !== undefined) reject(error);
      else if (wrong > 0) reject(new Error(`${target.name}: ${wrong} answers were wrong or missing`));
      else resolve(answersMs);
    },
  );
  running.on('response', (_client, _status, _bytes, responseMs) => answersMs.push(responseMs));
  return promise;
}
