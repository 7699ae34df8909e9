// How many calls does one process carry, and how does it bend when there are more? Each call takes a turn every ten
// seconds with a paced model; one turn in ten books. More calls are added until the generator itself lags.
import { randomUUID } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { type Finding, type Goal, goal, percentiles, type Row } from './finding.ts';
import { type Installation, secret } from './installation.ts';
import { answerText, callerWords, paced } from './model-words.ts';
import { openDates } from './open-dates.ts';
import { StreamClient } from './stream-client.ts';
import { chatBody } from './vapi-body.ts';

const question = 'How many calls does one process carry, and how does it bend when there are more?';
const steps = (process.env['CALLS'] ?? '1000,2000,3000,4000,5000,6000,8000').split(',').map(Number);
const turnEveryMs = 10_000;
const stepMs = 60_000;
/** Before the first step, with half of its calls: a server's first minute compiles its code and opens its connections. */
const warmUpMs = 30_000;
/** A generator that is late itself measures nothing. */
const generatorLagMsMax = 10;
const ownTimeMsMax = 200;

interface Load {
  firstMs: number[];
  errors: string[];
  turnedAway: number;
  bookings: number;
  lagP99Ms: number;
}

export async function manyCalls(installation: Installation): Promise<Finding> {
  await installation.pace(paced);
  await using holdline = await installation.holdline();
  using client = new StreamClient(holdline.url);
  const dates = await openDates(installation.owner, 10);
  const rows: Row[] = [];
  const goals: Goal[] = [];
  const notes: string[] = [];
  await carry({ client, calls: Math.ceil((steps[0] ?? 0) / 2), dates, forMs: warmUpMs });
  for (const calls of steps) {
    const before = await holdline.used();
    const load = await carry({ client, calls, dates, forMs: stepMs });
    const after = await holdline.used();
    // The model's own first token is not ours.
    const ownMs = load.firstMs.map((ms) => ms - paced.firstMs);
    const late = ownMs.filter((ms) => ms > ownTimeMsMax).length / ownMs.length;
    const doubles = await doubleBookings(installation);
    rows.push({
      about: `calls at once, a turn every ${turnEveryMs / 1000} s each, ${stepMs / 1000} s a step (own time to the first word)`,
      target: `${calls} calls`,
      figures: {
        ...percentiles(ownMs),
        turns: ownMs.length,
        booked: load.bookings,
        turnedAway: load.turnedAway,
        errors: load.errors.length,
        latePercent: late * 100,
        coreShare: (after.cpuUs - before.cpuUs) / 1_000 / stepMs,
        memoryMb: after.rssBytes / 1e6,
        lagP99Ms: load.lagP99Ms,
      },
    });
    if (load.errors.length > 0) notes.push(`${calls} calls: ${load.errors[0]}`);
    if (calls === steps[0]) {
      goals.push(
        goal(`${calls} calls: errors`, { atMost: 0, rounds: [load.errors.length] }),
        goal(`${calls} calls: double bookings`, { atMost: 0, rounds: [doubles] }),
        goal(`${calls} calls: turns over ${ownTimeMsMax} ms of our own time, percent`, {
          atMost: 0.1,
          rounds: [late * 100],
        }),
      );
    }
    if (load.lagP99Ms > generatorLagMsMax) {
      notes.push(
        `at ${calls} calls the generator itself lags (p99 ${load.lagP99Ms.toFixed(1)} ms): what is beyond cannot be told on this machine`,
      );
      break;
    }
  }
  return { question, rows, goals, notes };
}

async function carry({
  client,
  calls,
  dates,
  forMs,
}: {
  client: StreamClient;
  calls: number;
  dates: string[];
  forMs: number;
}): Promise<Load> {
  const load: Load = { firstMs: [], errors: [], turnedAway: 0, bookings: 0, lagP99Ms: 0 };
  const lag = monitorEventLoopDelay({ resolution: 2 });
  lag.enable();
  const endsAtMs = performance.now() + forMs;
  await Promise.all(
    Array.from({ length: calls }, async (_, index) => {
      const call = randomUUID();
      await wait((index / calls) * turnEveryMs);
      // One turn in ten is a booking's: two of twenty calls check a day and take a time, in their second and third turn.
      const books = index % 10 === 0 ? (dates[(index / 10) % dates.length] ?? '') : undefined;
      for (let turn = 0; performance.now() < endsAtMs - 2_000; turn += 1) {
        const startedMs = performance.now();
        const words =
          books === undefined || turn % 3 === 0
            ? callerWords.talk
            : turn % 3 === 1
              ? callerWords.check(books)
              : // Whoever asks at the same time is offered the same times: not all want the first of them.
                callerWords.reserve.replace('slot_1', `slot_${1 + (Math.floor(index / 100) % 4)}`);
        await oneTurn(client, { call, words, turn }, load);
        await wait(Math.max(0, turnEveryMs - (performance.now() - startedMs)));
      }
    }),
  );
  lag.disable();
  load.lagP99Ms = Math.max(0, lag.percentile(99) / 1e6 - 2);
  return load;
}

async function oneTurn(
  client: StreamClient,
  { call, words, turn }: { call: string; words: string; turn: number },
  load: Load,
): Promise<void> {
  try {
    const body = chatBody(call, words, { messages: 1 + 2 * turn });
    const heard = await client.post('/vapi/chat/completions', body, { authorization: `Bearer ${secret}` });
    if (heard.status !== 200 || heard.text === '')
      throw new Error(`${heard.status} ${heard.text.slice(0, 100)}`);
    if (/line is busy|lines are busy/i.test(heard.text)) load.turnedAway += 1;
    else if (words === callerWords.talk && heard.text !== answerText)
      throw new Error(`not whole: ${heard.text.slice(0, 100)}`);
    else load.firstMs.push(heard.firstContentMs);
    if (/holding/i.test(heard.text)) load.bookings += 1;
  } catch (error) {
    load.errors.push(String(error));
  }
}

/** Live claims of one practitioner that overlap, buffers included; the database should have refused them. */
async function doubleBookings({ owner }: Installation): Promise<number> {
  const [row] = await owner<[{ count: number }]>`
    select count(*)::integer as count from available_slots a
    join available_slots b on b.practitioner_id = a.practitioner_id and b.id > a.id and b.occupies && a.occupies
    where a.status in ('reserved', 'booked') and b.status in ('reserved', 'booked')
      and (a.status = 'booked' or a.expires_at > now()) and (b.status = 'booked' or b.expires_at > now())`;
  return row.count;
}
