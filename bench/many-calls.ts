// How many calls does one process carry, and how does it bend when there are more? Each call takes a turn every ten
// seconds with a paced model; one turn in ten is of a booking. Whoever hangs up is followed by another caller. More
// callers are added step by step, and new ones turned away, unless the generator itself lags.
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
const steps = (process.env['CALLS'] ?? '1000,2000,3000,4000,6000').split(',').map(Number);
const turnEveryMs = 10_000;
const stepMs = 60_000;
/** The first callers are all on after one turn; those that a step adds ring one after another, so many a second. */
const ringsPerSecond = 33;
/** Before the first step, with half of its calls: a server's first minute compiles its code and opens its connections. */
const warmUpMs = 30_000;
/** A call of three minutes. */
const turnsOfCall = 18;
/** Whoever hears that all lines are busy, and to call again in a few minutes, tries so much later. */
const ringsAgainMs = 60_000;
/** A generator that is late itself measures nothing. */
const generatorLagMsMax = 10;
const ownTimeMsMax = 200;
/** Of calls that are on, however many ring: new ones are to be turned away before these suffer. */
const latePercentMax = 1;

/** What one step of the load came to. */
interface Load {
  firstMs: number[];
  errors: string[];
  taken: number;
  turnedAway: number;
  bookings: number;
}

export async function manyCalls(installation: Installation): Promise<Finding> {
  await installation.pace(paced);
  await using holdline = await installation.holdline();
  const dates = await openDates(installation.owner, 14);
  const rows: Row[] = [];
  const goals: Goal[] = [];
  const notes: string[] = [];
  {
    await using warmUp = new Callers(holdline.url, dates);
    warmUp.add(Math.ceil((steps[0] ?? 0) / 2), turnEveryMs);
    await wait(warmUpMs);
  }
  await using callers = new Callers(holdline.url, dates);
  for (const count of steps) {
    const before = await holdline.used();
    using lag = watchLag();
    const more = count - callers.count;
    callers.add(more, count === steps[0] ? turnEveryMs : (more / ringsPerSecond) * 1_000);
    await wait(stepMs);
    const load = callers.takeLoad();
    const lagP99Ms = lag.p99Ms();
    const after = await holdline.used();
    // The model's own first token is not ours.
    const ownMs = load.firstMs.map((ms) => ms - paced.firstMs);
    const late = ownMs.filter((ms) => ms > ownTimeMsMax).length / ownMs.length;
    rows.push({
      about: `callers at once, a turn every ${turnEveryMs / 1000} s each, calls of ${turnsOfCall} turns, ${stepMs / 1000} s a step (own time to the first word of calls that were taken)`,
      target: `${count} callers`,
      figures: {
        ...percentiles(ownMs),
        latePercent: late * 100,
        turns: ownMs.length,
        booked: load.bookings,
        taken: load.taken,
        turnedAway: load.turnedAway,
        on: callers.on,
        errors: load.errors.length,
        coreShare: (after.cpuUs - before.cpuUs) / 1_000 / stepMs,
        memoryMb: after.rssBytes / 1e6,
        lagP99Ms,
      },
    });
    if (load.errors.length > 0) notes.push(`${count} callers: ${load.errors[0]}`);
    if (count === steps[0]) {
      goals.push(
        goal(`${count} calls: errors`, { atMost: 0, rounds: [load.errors.length] }),
        goal(`${count} calls: double bookings`, { atMost: 0, rounds: [await doubleBookings(installation)] }),
        goal(`${count} calls: turns over ${ownTimeMsMax} ms of our own time, percent`, {
          atMost: 0.1,
          rounds: [late * 100],
        }),
      );
    } else {
      goals.push(
        goal(`${count} callers: turns over ${ownTimeMsMax} ms of calls that are on, percent`, {
          atMost: latePercentMax,
          rounds: [late * 100],
        }),
      );
    }
    if (lagP99Ms > generatorLagMsMax) {
      notes.push(
        `at ${count} callers the generator itself lags (p99 ${lagP99Ms.toFixed(1)} ms): what is beyond cannot be told on this machine`,
      );
      return { question, rows, goals, notes };
    }
  }
  notes.push('the generator kept up to the end: new callers were turned away before it lagged');
  return { question, rows, goals, notes };
}

/** Callers who ring, talk, hang up and are followed by others, until they are disposed of. */
class Callers implements AsyncDisposable {
  count = 0;
  /** Calls that were taken and are not over. */
  on = 0;
  readonly #client: StreamClient;
  readonly #dates: string[];
  readonly #stopped = new AbortController();
  readonly #lines: Promise<void>[] = [];
  #load = newLoad();

  constructor(url: string, dates: string[]) {
    this.#client = new StreamClient(url);
    this.#dates = dates;
  }

  /** Adds so many callers, who ring one after another over `overMs`. */
  add(more: number, overMs: number): void {
    for (let n = 0; n < more; n += 1) this.#lines.push(this.#line(this.count + n, (n / more) * overMs));
    this.count += more;
  }

  /** What has come to pass since it was last asked for. */
  takeLoad(): Load {
    const load = this.#load;
    this.#load = newLoad();
    return load;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#lines);
    this.#client[Symbol.dispose]();
  }

  async #line(index: number, afterMs: number): Promise<void> {
    await this.#pause(afterMs);
    // The first call of a line is on already for some while, or all of them would end together.
    for (let turns = 1 + (index % turnsOfCall); !this.#stopped.signal.aborted; turns = turnsOfCall) {
      await this.#call(index, turns);
    }
  }

  async #call(index: number, turns: number): Promise<void> {
    const call = randomUUID();
    // Three of twenty callers book: they talk, check a day and take a time, over and over, which is one turn in ten.
    const books = index % 20 === 0 || index % 20 === 7 || index % 20 === 13;
    for (let turn = 0; turn < turns && !this.#stopped.signal.aborted; turn += 1) {
      const startedMs = performance.now();
      const words = books ? this.#bookingWords(index, turn) : callerWords.talk;
      const heard = await this.#turn(call, words, turn);
      if (turn === 0 && heard !== 'turned away') {
        this.on += 1;
        this.#load.taken += 1;
      }
      if (heard === 'turned away') return this.#pause(ringsAgainMs);
      await this.#pause(turnEveryMs - (performance.now() - startedMs));
    }
    this.on -= 1;
  }

  #bookingWords(index: number, turn: number): string {
    const date = this.#dates[(index + turn) % this.#dates.length] ?? '';
    // Whoever asks at the same time is offered the same times: not all want the first of them.
    const slot = `slot_${1 + (Math.floor(index / 20) % 4)}`;
    return [callerWords.talk, callerWords.check(date), callerWords.reserve.replace('slot_1', slot)][
      turn % 3
    ] as string;
  }

  async #turn(call: string, words: string, turn: number): Promise<'answered' | 'turned away' | 'failed'> {
    const load = this.#load;
    try {
      const body = chatBody(call, words, { messages: 1 + 2 * turn });
      const authorization = `Bearer ${secret}`;
      const heard = await this.#client.post('/vapi/chat/completions', body, { authorization });
      if (heard.status !== 200 || heard.text === '')
        throw new Error(`${heard.status} ${heard.text.slice(0, 100)}`);
      if (/lines are busy/i.test(heard.text)) {
        load.turnedAway += 1;
        if (turn > 0) throw new Error('a call that was on was told that all lines are busy');
        return 'turned away';
      }
      if (words === callerWords.talk && heard.text !== answerText)
        throw new Error(`not whole: ${heard.text.slice(0, 100)}`);
      load.firstMs.push(heard.firstContentMs);
      if (/holding/i.test(heard.text)) load.bookings += 1;
      return 'answered';
    } catch (error) {
      load.errors.push(String(error));
      return 'failed';
    }
  }

  async #pause(ms: number): Promise<void> {
    // Rejects only when the callers are stopped, who then see it for themselves.
    await wait(Math.max(0, ms), undefined, { signal: this.#stopped.signal }).catch(() => {});
  }
}

function newLoad(): Load {
  return { firstMs: [], errors: [], taken: 0, turnedAway: 0, bookings: 0 };
}

const lagResolutionMs = 2;

function watchLag(): Disposable & { p99Ms(): number } {
  const lag = monitorEventLoopDelay({ resolution: lagResolutionMs });
  lag.enable();
  return {
    p99Ms: () => Math.max(0, lag.percentile(99) / 1e6 - lagResolutionMs),
    [Symbol.dispose]: () => lag.disable(),
  };
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
