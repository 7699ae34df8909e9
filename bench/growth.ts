// Does a turn stay as quick when everything around it grows: organizations and slots, the length of a call, processes on
// one Postgres and Redis?
import { randomUUID } from 'node:crypto';
import { distribution } from './figures.ts';
import {
  type Finding,
  type Goal,
  goal,
  interleaved,
  median,
  percentiles,
  type Row,
  ratios,
  rounds,
} from './finding.ts';
import { type Installation, openInstallation, secret } from './installation.ts';
import { answerText, callerWords, unpaced } from './model-words.ts';
import { openDates } from './open-dates.ts';
import type { Running } from './processes.ts';
import { StreamClient } from './stream-client.ts';
import { chatBody } from './vapi-body.ts';

const question = 'Does a turn stay as quick when organizations, slots, calls and processes grow?';
const sizes = (process.env['GROWTH'] ?? '10:10000,1000:1000000,10000:10000000').split(',').map((size) => {
  const [organizations = 0, slots = 0] = size.split(':').map(Number);
  return { organizations, slots };
});
const turnsPerRound = 150;
const atOnce = 4;

export async function growth(installation: Installation): Promise<Finding> {
  await installation.pace(unpaced);
  const rows: Row[] = [];
  const goals: Goal[] = [];
  const [smallest, ...larger] = sizes;
  if (smallest === undefined) throw new Error('GROWTH names no size; write it as 10:10000,1000:1000000');
  // One ledger stays as it is, so that each size is compared within one stretch of time.
  await using still = await openInstallation();
  await still.pace(unpaced);
  await withServer(still, async () => {});
  await growTo(still, smallest);
  const notes: string[] = [];
  for (const size of larger) {
    // Whoever was grown before is the clinic that is called: its server must have filled it first.
    await withServer(installation, async () => {});
    const startedMs = performance.now();
    await growTo(installation, size);
    notes.push(`${named(size)}: grown in ${Math.round((performance.now() - startedMs) / 1_000)} s`);
    await using stack = new AsyncDisposableStack();
    const contenders = [];
    for (const [name, one] of [
      [named(smallest), still],
      [named(size), installation],
    ] as const) {
      const server = stack.use(await one.holdline({ name }));
      const dates = await openDates(one.owner, 8);
      contenders.push({ name, turns: () => toolTurns(server, dates) });
    }
    for (const { turns } of contenders) await turns();
    const measured = await interleaved(contenders, rounds, ({ turns }) => turns());
    for (const [{ name }, times] of measured) {
      const about = `a turn that checks a day, by what else the ledger holds, up to ${named(size)}`;
      rows.push({ about, target: name, figures: percentiles(times.flat()) });
    }
    const [few = [], many = []] = [...measured.values()].map((times) =>
      times.map((one) => distribution(one).p50),
    );
    goals.push(
      goal(`tool turn p50, ${named(size)}`, {
        reference: named(smallest),
        atMost: 1.15,
        rounds: ratios(many, few),
      }),
    );
  }
  rows.push(...(await byLength(still)), ...(await byProcesses(still)));
  return { question, rows, goals, notes };
}

function named({ organizations, slots }: { organizations: number; slots: number }): string {
  return `${organizations} organizations, ${slots} slots`;
}

async function withServer<T>(installation: Installation, work: (server: Running) => Promise<T>): Promise<T> {
  await using server = await installation.holdline();
  // Awaited here, as the server ends with this function.
  return await work(server);
}

async function toolTurns(server: Running, dates: string[]): Promise<number[]> {
  using client = new StreamClient(server.url);
  return await lanes(turnsPerRound, async (n) => {
    const words = callerWords.check(dates[n % dates.length] ?? '');
    return (await ask(client, chatBody(randomUUID(), words), /doctor/i)).firstContentMs;
  });
}

async function byLength(installation: Installation): Promise<Row[]> {
  await using server = await installation.holdline();
  using client = new StreamClient(server.url);
  const lengths = [5, 20, 50, 100, 200];
  const talk = async (messages: number) =>
    lanes(
      turnsPerRound,
      async () => (await ask(client, chatBody(randomUUID(), callerWords.talk, { messages }))).firstContentMs,
    );
  for (const length of lengths) await talk(length);
  const measured = await interleaved(lengths, rounds, talk);
  return [...measured].map(([length, list]) => ({
    about: 'a turn of talk, by the length of the call',
    target: `${length} messages`,
    figures: percentiles(list.flat()),
  }));
}

async function byProcesses(installation: Installation): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const clients: StreamClient[] = [];
  const rows: Row[] = [];
  for (let processes = 1; processes <= 4; processes += 1) {
    const server = stack.use(await installation.holdline({ name: `holdline ${processes}` }));
    clients.push(stack.use(new StreamClient(server.url)));
    const perSecond: number[] = [];
    const times: number[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const startedMs = performance.now();
      const heard = await lanes(turnsPerRound * 2, async (n) => {
        const client = clients[n % clients.length];
        if (client === undefined) throw new Error('no process');
        return (await ask(client, chatBody(randomUUID(), callerWords.talk))).firstContentMs;
      });
      if (round === 0) continue;
      times.push(...heard);
      perSecond.push((heard.length / (performance.now() - startedMs)) * 1_000);
    }
    rows.push({
      about:
        'turns of talk over several processes on one Postgres and Redis, which share the processors here',
      target: `${processes} processes`,
      figures: { perSecond: median(perSecond), ...percentiles(times) },
    });
  }
  return rows;
}

async function ask(client: StreamClient, body: string, right?: RegExp) {
  const heard = await client.post('/vapi/chat/completions', body, { authorization: `Bearer ${secret}` });
  const fits = right === undefined ? heard.text === answerText : right.test(heard.text);
  if (heard.status !== 200 || !fits)
    throw new Error(`wrong answer (${heard.status}): ${heard.text.slice(0, 200)}`);
  return heard;
}

async function lanes(count: number, one: (n: number) => Promise<number>): Promise<number[]> {
  const times: number[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) {
        next += 1;
        times.push(await one(next));
      }
    }),
  );
  return times;
}

/** Other organizations with slots of their own, up to so many in all; half of the time lies behind us, some is taken. */
async function growTo(
  { owner }: Installation,
  { organizations, slots }: { organizations: number; slots: number },
): Promise<void> {
  const [there] = await owner<
    [{ organizations: number }]
  >`select count(*)::integer as organizations from organizations`;
  const more = organizations - there.organizations;
  if (more <= 0) return;
  const each = Math.ceil(slots / organizations);
  await owner.unsafe(
    'alter table organizations disable trigger announce; alter table practitioners disable trigger announce',
  );
  await owner.unsafe(`
    insert into organizations (key, name, schedule)
      select 'grown-' || n, 'Grown ' || n, schedule from organizations o, generate_series(${there.organizations}, ${organizations - 1}) n
      where o.key = 'demo-clinic';
    insert into practitioners (tenant_id, key, name, spoken_name)
      select id, 'one', 'Dr. One', 'Doctor One' from organizations o
      where key like 'grown-%' and not exists (select from practitioners p where p.tenant_id = o.id)`);
  const practitioners = await owner<{ id: string }[]>`
    select p.id from practitioners p join organizations o on o.id = p.tenant_id
    where o.key like 'grown-%' and not exists (select from available_slots s where s.practitioner_id = p.id)`;
  for (let at = 0; at < practitioners.length; at += 50) {
    const ids = practitioners.slice(at, at + 50).map(({ id }) => id);
    await owner`
      insert into available_slots (tenant_id, practitioner_id, slot_id, starts_at, during, occupies, status)
      select p.tenant_id, p.id, to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z/"') || p.key, t,
        tstzrange(t, t + interval '30 minutes'), tstzrange(t, t + interval '30 minutes'),
        case when n % 3 = 0 then 'booked' else 'available' end
      from practitioners p, generate_series(1, ${each}::integer) n,
        lateral (select date_trunc('hour', now()) + (n - ${Math.floor(each / 2)}::integer) * interval '30 minutes' as t) as at
      where p.id = any(${ids})`;
  }
  await owner.unsafe(
    'alter table organizations enable trigger announce; alter table practitioners enable trigger announce',
  );
  await owner.unsafe('vacuum analyze');
}
