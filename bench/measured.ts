// Loaded into every process under measurement (`--import`): tells what it has used when the benchmark asks.
import { setTimeout } from 'node:timers/promises';

/** What one process has used up to now. */
export interface Used {
  cpuUs: number;
  rssBytes: number;
  /** After a collection, when one was asked for. */
  heapBytes: number;
  /** Beside the heap: buffers and what libraries keep of their own. */
  externalBytes: number;
}

process.on('message', async (question: { used?: { collect: boolean } }) => {
  if (question.used === undefined) return;
  if (question.used.collect) await collect();
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  process.send?.({
    cpuUs: user + system,
    rssBytes: rss,
    heapBytes: heapUsed,
    externalBytes: external,
  } satisfies Used);
});
// A process that has nothing else to do may end.
process.channel?.unref();

/** Twice, with a pause: what a first collection sets free is often what a second one can take. */
async function collect(): Promise<void> {
  for (let n = 0; n < 3; n += 1) {
    (globalThis as { gc?: () => void }).gc?.();
    await setTimeout(50);
  }
}
