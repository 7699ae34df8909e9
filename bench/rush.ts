// Is a lock in front of Postgres worth its price when 200 callers want one slot? Rushes with the lock and without it
// follow each other in one run, by one process and by two; meanwhile other callers want other slots. The price is what
// a claim costs that nobody else wants.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { makeClinic } from './claims-clinic.ts';
import { distribution } from './figures.ts';
import { type Finding, interleaved, median, percentiles, type Row, ratios, rounds } from './finding.ts';
import type { Installation } from './installation.ts';
import { root, standIn } from './processes.ts';
import type { Answered, LockName, Order, Slot } from './rush-callers.ts';

const question = 'Is a lock in front of Postgres worth its price when 200 callers want one slot?';
const callers = 200;
/** A rush takes a tenth of a second: more of them tell more than longer rounds. */
const rushes = rounds * 10;
/** They ring while a rush is on, one after another: whoever wants another time must not wait for those. */
const othersPerRush = 10;
const othersApartMs = 3;
/** Claims that nobody else wants, one after another: what nearly every claim is. */
const quietClaims = 10;

interface Contender {
  lock: LockName;
  processes: number;
}

/** One rush, and some quiet claims after it. */
type Round = Record<'winner' | 'losers' | 'others' | 'quiet', number[]>;

const about: Record<keyof Round, string> = {
  winner: `the one of ${callers} callers who gets the slot`,
  losers: 'those who do not get it',
  others: 'callers who want other slots meanwhile',
  quiet: 'a claim that nobody else wants, one at a time',
};

export async function rush({ owner, appUrl, redisUrl }: Installation): Promise<Finding> {
  if (redisUrl === undefined) {
    return {
      question,
      rows: [],
      goals: [],
      notes: ['redis-server is not installed: there is no lock to measure'],
    };
  }
  await using stack = new AsyncDisposableStack();
  const tenantId = await makeClinic(owner);
  // The callers' processes are what is measured: they have one processor, Postgres and Redis the others.
  using _ = standIn();
  const servers = [
    stack.use(await startCallers(appUrl, redisUrl)),
    stack.use(await startCallers(appUrl, redisUrl)),
  ];
  const contenders: Contender[] = [
    { lock: 'none', processes: 1 },
    { lock: 'Redis', processes: 1 },
    { lock: 'memory', processes: 1 },
    { lock: 'none', processes: 2 },
    { lock: 'Redis', processes: 2 },
  ];
  const slots = [
    ...(await owner<Slot[]>`
      select slot_id as "slotId", version from available_slots where tenant_id = ${tenantId} order by random()`),
  ];
  const oneRush = (contender: Contender) => rushOf(contender, { tenantId, servers, slots });
  // Connections, prepared statements and compiled code are there before anything is counted.
  for (const contender of [...contenders, ...contenders, ...contenders]) await oneRush(contender);
  const measured = await interleaved(contenders, rushes, oneRush);
  return { question, rows: rowsOf(measured), goals: [], notes: [] };
}

/** @param place.slots those that nobody wanted yet; each is used once */
async function rushOf(
  { lock, processes }: Contender,
  { tenantId, servers, slots }: { tenantId: string; servers: Callers[]; slots: Slot[] },
): Promise<Round> {
  const taking = servers.slice(0, processes);
  const [wanted] = slots.splice(0, 1);
  const order = { lock, tenantId, callers: callers / processes };
  const answers = await Promise.all(
    taking.map((server) => {
      const alone = slots.splice(0, othersPerRush / processes);
      return server.claim({ ...order, wanted, alone, apartMs: othersApartMs * processes });
    }),
  );
  const winner = answers.flatMap(({ winnersMs }) => winnersMs);
  if (winner.length !== 1) throw new Error(`${winner.length} callers hold one slot`);
  const alone = slots.splice(0, quietClaims);
  const quiet = await taking[0]?.claim({ ...order, wanted: undefined, alone, apartMs: undefined });
  return {
    winner,
    losers: answers.flatMap(({ losersMs }) => losersMs),
    others: answers.flatMap(({ aloneMs }) => aloneMs),
    quiet: quiet?.aloneMs ?? [],
  };
}

function rowsOf(measured: Map<Contender, Round[]>): Row[] {
  const kinds = Object.keys(about) as (keyof Round)[];
  return kinds.flatMap((kind) =>
    [...measured].flatMap(([{ lock, processes }, list]) => {
      const subject = `${about[kind]}, ${processes === 1 ? 'one process' : 'two processes'}`;
      const row = {
        about: subject,
        target: lock === 'none' ? 'no lock' : `lock in ${lock}`,
        figures: percentiles(list.flatMap((round) => round[kind])),
      };
      const bare = [...measured].find(([other]) => other.lock === 'none' && other.processes === processes);
      if (lock === 'none' || bare === undefined) return [row];
      const [these, those] = [list, bare[1]].map((rushesOf) =>
        rushesOf.map((one) => distribution(one[kind])),
      );
      const of = (which: 'p50' | 'p95' | 'p99') =>
        median(
          ratios(
            (these ?? []).map((one) => one[which]),
            (those ?? []).map((one) => one[which]),
          ),
        );
      // One rush has one winner and ten others: what has no tail has no ratio of tails.
      const [count = 0] = (these ?? []).map((one) => one.count);
      const figures = {
        p50Ms: of('p50'),
        ...(count < 10 ? {} : { p95Ms: of('p95') }),
        ...(count < 100 ? {} : { p99Ms: of('p99') }),
      };
      return [row, { about: subject, target: `  of no lock, median of ${rushes}`, figures }];
    }),
  );
}

/** One server's callers. */
interface Callers extends AsyncDisposable {
  claim(order: Order): Promise<Answered>;
}

async function startCallers(appUrl: string, redisUrl: string): Promise<Callers> {
  const child: ChildProcess = fork(join(root, 'bench/rush-callers.ts'), [appUrl, redisUrl]);
  const ended = once(child, 'exit').then(() => {
    throw new Error('the callers’ process has ended');
  });
  ended.catch(() => {});
  const next = async () => (await Promise.race([once(child, 'message'), ended]))[0];
  await next();
  return {
    claim(order) {
      const answer = next();
      child.send(order);
      return answer;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      const exit = once(child, 'exit');
      child.disconnect();
      await exit;
    },
  };
}
