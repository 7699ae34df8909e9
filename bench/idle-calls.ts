// What does a call cost in memory that is on while nobody speaks? Calls that have each had a turn, and a collection.
import { type Finding, goal, rounds } from './finding.ts';
import type { Installation } from './installation.ts';
import { secret } from './installation.ts';
import { unpaced } from './model-words.ts';
import { Relay } from './relays.ts';

const question = 'What does a call that is on cost in memory while nobody speaks?';
const callsPerRound = 500;

export async function idleCalls(installation: Installation): Promise<Finding> {
  await installation.pace(unpaced);
  await using holdline = await installation.holdline();
  using relay = new Relay(holdline, {
    path: '/vapi/chat/completions',
    headers: { authorization: `Bearer ${secret}` },
  });
  // Code, caches and connections are there before anything is counted.
  await relay.prepare(callsPerRound);
  const perCallKib: number[] = [];
  let before = (await holdline.used({ collect: true })).heapBytes;
  for (let round = 1; round <= rounds; round += 1) {
    await relay.more(callsPerRound);
    const after = (await holdline.used({ collect: true })).heapBytes;
    perCallKib.push((after - before) / callsPerRound / 1024);
    before = after;
  }
  return {
    question,
    rows: [
      {
        about: `heap after a collection, ${rounds} rounds of ${callsPerRound} calls more`,
        target: 'holdline',
        figures: { heapMb: before / 1e6 },
      },
    ],
    goals: [goal('heap per idle open call, KiB', { atMost: 20, rounds: perCallKib })],
    notes: [],
  };
}
