// How long does a caller wait for the first word of a booking turn, with a model that takes half a second to begin?
// Beside the usual design: a webhook for the tool and a second pass of the model for its result. And what of that is
// ours: the tools' own time, and a whole booking with a model that takes none.
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { distribution } from './figures.ts';
import { type Finding, goal, interleaved, median, percentiles, type Row, ratios, rounds } from './finding.ts';
import { type Installation, secret } from './installation.ts';
import { callerWords, type Pace, unpaced } from './model-words.ts';
import { openDates } from './open-dates.ts';
import { StreamClient } from './stream-client.ts';
import { chatBody, startedBody } from './vapi-body.ts';

const question = 'How long until the first word of a booking turn, and how much of it is ours?';
/** One for each date: calls that want the same slot would only show that one of them gets it. */
const callsAtOnce = 8;
const thinking: Pace = { firstMs: 500, apartMs: 1, argumentPieces: 1, argumentsApartMs: 0 };
const paces: [about: string, pace: Pace, goalAtMost: number | undefined][] = [
  ['first token after 500 ms, arguments in one chunk', thinking, 0.52],
  [
    'first token after 500 ms, arguments in 15 chunks, 20 ms apart',
    { ...thinking, argumentPieces: 15, argumentsApartMs: 20 },
    undefined,
  ],
];
/** Without waiting for a model: checks of days that nobody books on, which memory answers; then bookings. */
const quickChecks = 400;
const quickBookings = 60;
const quickAtOnce = 4;
/** A greeting that is spoken, or a caller who listens and thinks; most take longer. */
const pauseMs = 500;

/** Somebody who books, turn by turn; gives when the first word of each turn came. */
interface Line {
  name: string;
  /** Says that the call has started, where somebody wants to know, and lets the greeting be spoken. */
  ring(call: string): Promise<void>;
  turn(call: string, words: string): Promise<number>;
}

export async function toolTurn(installation: Installation): Promise<Finding> {
  await using stack = new AsyncDisposableStack();
  const holdline = stack.use(await installation.holdline());
  await makeUsualTables(installation);
  const tools = stack.use(await installation.reference('usual tools', 'usual-tools.ts'));
  const usual = stack.use(
    await installation.reference('usual design', 'usual-design.ts', { TOOLS_URL: tools.url }),
  );
  const lines = [
    stack.use(
      line('holdline', holdline.url, {
        path: '/vapi/chat/completions',
        right: /is free|have|would you like|holding|booked/i,
        events: '/vapi/events',
      }),
    ),
    stack.use(line('usual design', usual.url, { path: '/chat/completions', right: /^Word0 / })),
  ];
  // Days of their own for what comes last: a day has no more than some twenty slots after noon.
  const all = await openDates(installation.owner, callsAtOnce + quickAtOnce);
  const [dates, quickDates] = [all.slice(0, callsAtOnce), all.slice(callsAtOnce)];
  const rows: Row[] = [];
  const goals = [];
  for (const [about, pace, atMost] of paces) {
    await installation.pace(pace);
    await bookOnce(lines[0], dates);
    const measured = await interleaved(lines, rounds, (one) => bookOnce(one, dates));
    for (const [{ name }, list] of measured)
      rows.push({ about, target: name, figures: percentiles(list.flat()) });
    const [ours, theirs] = [...measured.values()].map((list) => list.map((times) => distribution(times).p50));
    const against = ratios(ours ?? [], theirs ?? []);
    rows.push({ about, target: 'ratio of the p50s, median', figures: { p50Ms: median(against) } });
    if (atMost !== undefined) {
      goals.push(goal(`booking turn, ${about}`, { reference: 'usual design', atMost, rounds: against }));
      const p95 = [...measured.values()][0]?.map((times) => distribution(times).p95) ?? [];
      goals.push(goal('target: p95 of a booking turn, ms', { atMost: 2_000, rounds: p95 }));
    }
  }
  await installation.pace(unpaced);
  const quick = await quickly(installation, lines[0], quickDates);
  rows.push(...quick.rows);
  goals.push(...quick.goals);
  return { question, rows, goals, notes: [] };
}

/** A check and a reservation in each of some calls. */
async function bookOnce(line: Line | undefined, dates: string[]): Promise<number[]> {
  if (line === undefined) return [];
  const calls = await Promise.all(
    dates.map(async (date) => {
      const call = randomUUID();
      await line.ring(call);
      const checkMs = await line.turn(call, callerWords.check(date));
      await wait(pauseMs);
      return [checkMs, await line.turn(call, callerWords.reserve)];
    }),
  );
  return calls.flat();
}

async function quickly({ owner }: Installation, line: Line | undefined, dates: string[]) {
  if (line === undefined) throw new Error('nobody to book with');
  // Days of its own for each lane: whoever wants another's slot is told so, which is another answer.
  const inLanes = (count: number, work: (day: string, call: string) => Promise<void>) =>
    Promise.all(
      Array.from({ length: quickAtOnce }, async (_, lane) => {
        const day = dates[lane] ?? '';
        for (let n = 0; n < count / quickAtOnce; n += 1) await work(day, randomUUID());
      }),
    );
  const ofTool = async (calls: string[], tool: string) => {
    // The records of turns are written together, a moment after them.
    await wait(500);
    const times = await owner<{ ms: number }[]>`
      select tool_ms as ms from call_turns where call_sid = any(${calls}) and tools = ${[tool]}`;
    return times.map(({ ms }) => ms);
  };
  const checksOnly = async (count: number) => {
    const calls: string[] = [];
    await inLanes(count, async (day, call) => {
      await line.turn(call, callerWords.check(day));
      calls.push(call);
    });
    return ofTool(calls, 'check_availability');
  };
  // The first ones find code cold; some two thousand on it is as quick as it gets.
  await checksOnly(5 * quickChecks);
  const checks: number[][] = [];
  for (let round = 0; round < rounds; round += 1) checks.push(await checksOnly(quickChecks));

  const wholeMs: number[] = [];
  const bookings: string[] = [];
  await inLanes(quickBookings, async (day, call) => {
    bookings.push(call);
    wholeMs.push(
      (await line.turn(call, callerWords.check(day))) +
        (await line.turn(call, callerWords.reserve)) +
        (await line.turn(call, callerWords.confirm)),
    );
  });
  const afterBooking = await ofTool(bookings, 'check_availability');
  const [reserve, confirm] = [
    await ofTool(bookings, 'reserve_slot'),
    await ofTool(bookings, 'send_sms_reminder'),
  ];
  const about = `our own time, ${quickAtOnce} calls at a time (tools: arguments complete to result ready)`;
  const named: [string, number[]][] = [
    ['check_availability from memory', checks.flat()],
    ['check_availability of a day just booked on', afterBooking],
    ['reserve_slot', reserve],
    ['send_sms_reminder', confirm],
    ['three turns of a booking, whole', wholeMs],
  ];
  const p95 = (list: number[]) => [distribution(list).p95];
  return {
    rows: named.map(([target, list]) => ({ about, target, figures: percentiles(list) })),
    goals: [
      goal('our own time of a check from memory, p99, ms', {
        atMost: 2,
        rounds: checks.map((list) => distribution(list).p99),
      }),
      goal('target: check from the cache, p95, ms', {
        atMost: 200,
        rounds: p95([...checks.flat(), ...afterBooking]),
      }),
      goal('target: reserve, p95, ms', { atMost: 100, rounds: p95(reserve) }),
      goal('target: SMS promised, p95, ms', { atMost: 300, rounds: p95(confirm) }),
      goal('target: the whole flow without the model, p95, ms', { atMost: 1_500, rounds: p95(wholeMs) }),
    ],
  };
}

/** @param options.events where a platform says that a call has started; the usual design prepares nothing */
function line(
  name: string,
  url: string,
  { path, right, events }: { path: string; right: RegExp; events?: string },
): Line & Disposable {
  const client = new StreamClient(url);
  return {
    name,
    async ring(call) {
      if (events !== undefined) {
        const response = await fetch(`${url}${events}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
          body: startedBody(call),
        });
        if (!response.ok) throw new Error(`the start of a call was answered ${response.status}`);
      }
      await wait(pauseMs);
    },
    async turn(call, words) {
      const heard = await client.post(path, chatBody(call, words, { messages: 1 + 2 * said(words) }), {
        authorization: `Bearer ${secret}`,
      });
      if (heard.status !== 200 || !right.test(heard.text) || /sorry|taken|just gone/i.test(heard.text))
        throw new Error(`${name} answered ${heard.status} to "${words}": ${heard.text.slice(0, 200)}`);
      return heard.firstContentMs;
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

/** How often the caller has spoken before: an offer counts only when they have heard it. */
function said(words: string): number {
  return words === callerWords.confirm ? 2 : words === callerWords.reserve ? 1 : 0;
}

async function makeUsualTables({ owner }: Installation): Promise<void> {
  await owner.unsafe(`
    create table if not exists bench_usual_slots (id uuid primary key default gen_random_uuid(), starts_at timestamptz not null, call text);
    create table if not exists bench_usual_calls (call text primary key, step text not null);
    truncate bench_usual_slots, bench_usual_calls;
    insert into bench_usual_slots (starts_at) select starts_at from available_slots;
    insert into bench_usual_slots (starts_at) select starts_at from available_slots;
    grant select, insert, update on bench_usual_slots, bench_usual_calls to holdline_app`);
}
