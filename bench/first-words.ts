// How long until the caller's first word leaves us? One turn that checks a day's availability (ledger turn, prompt,
// model, tool, template), timed to its first content byte, beside a bare Fastify route in the same rounds.
import { chatBody, hear, newCall } from './caller.ts';
import { distribution, printComparison } from './figures.ts';
import { startBareRoute, startHoldline, type Target } from './targets.ts';

const rounds = 5;
const requestsPerRound = 200;

await using holdline = await startHoldline();
await using bare = await startBareRoute();

for (const concurrency of [1, 16]) {
  const times = new Map<Target, number[]>([
    [holdline, []],
    [bare, []],
  ]);
  for (const target of times.keys()) await round(target, concurrency, 50);
  for (let n = 0; n < rounds; n += 1) {
    for (const [target, list] of times) list.push(...(await round(target, concurrency, requestsPerRound)));
  }
  printComparison(
    `First content byte of a turn with check_availability, ${concurrency} at a time (rehearsal model)`,
    [...times].map(([target, list]) => [target.name, distribution(list)]),
  );
}

async function round(target: Target, concurrency: number, count: number): Promise<number[]> {
  const times: number[] = [];
  let left = count;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      const heard = await hear(target.url, chatBody(newCall(), ['Next Tuesday, please.']));
      if (!/tuesday/i.test(heard.text))
        throw new Error(`${target.name} did not offer Tuesday: ${heard.text}`);
      times.push(heard.firstContentMs);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return times;
}
