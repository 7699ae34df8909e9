import { randomUUID } from 'node:crypto';
import type { Sql } from 'postgres';
import { usualSchedule } from '../src/organization/settings.ts';
import { openPostgres } from '../src/storage/postgres.ts';
import { createLog } from '../src/telemetry/log.ts';
import { distribution } from './figures.ts';
import { interleaved, median, ratios, rounds } from './finding.ts';

const concurrencies = [1, 8];
const bookingsPerRound = 160;
/** A changed function is planned anew by each connection at its first booking. */
const uncounted = 40;
const practitioners = 40;

/** One way to promise a text and its reminder with a booking: the ledger's functions, with these instead. */
interface Way {
  name: string;
  text: boolean;
  functions: string[];
}

interface Round {
  p50Ms: number;
  perSecond: number;
}

/**
 * What does a promise cost the booking that makes it? Confirms held slots without a text, with one as it is, and in the
 * other ways there are, in turns, by one connection and by eight; prints the medians of the rounds and their ratios to
 * the booking without a text in the same round. Leaves the ledger's functions as they were.
 */
export async function comparePromises(owner: Sql, appUrl: string): Promise<void> {
  const log = createLog({ level: 'error', pretty: true });
  await using app = await openPostgres({ url: appUrl, poolSize: Math.max(...concurrencies), log });
  const asIs = new Map<string, string>();
  for (const name of ['enqueue_job', 'write_text', 'promise_text']) asIs.set(name, await source(owner, name));
  const ways = waysOf(asIs);
  const tenantId = await makeClinic(owner, concurrencies.length * ways.length * rounds * bookingsPerRound);
  await owner.unsafe(bothInOneStatement);
  let slot = 0;
  for (const concurrency of concurrencies) {
    const measured = await interleaved(ways, rounds, async ({ text, functions }) => {
      for (const one of [...asIs.values(), ...functions]) await owner.unsafe(one);
      const first = slot;
      slot += bookingsPerRound;
      return book({ sql: app.sql, owner, tenantId, first }, { concurrency, text });
    });
    const [reference] = measured.values();
    console.log(`\nconfirming a booking, ${concurrency} at a time, medians of ${rounds} rounds`);
    console.log(
      `${''.padEnd(44)}${'p50 ms'.padStart(9)}${'ratio'.padStart(8)}${'a second'.padStart(10)}${'ratio'.padStart(8)}`,
    );
    for (const [{ name }, figures] of measured) {
      const column = (of: keyof Round) => {
        const ours = figures.map((round) => round[of]);
        return [median(ours), median(ratios(ours, reference?.map((round) => round[of]) ?? []))];
      };
      const [p50 = 0, p50Ratio = 0, rate = 0, rateRatio = 0] = [...column('p50Ms'), ...column('perSecond')];
      console.log(
        `${name.padEnd(44)}${p50.toFixed(2).padStart(9)}${p50Ratio.toFixed(2).padStart(8)}${rate.toFixed(0).padStart(10)}${rateRatio.toFixed(2).padStart(8)}`,
      );
    }
  }
  for (const one of asIs.values()) await owner.unsafe(one);
}

function waysOf(asIs: Map<string, string>): Way[] {
  const edited = (name: string, from: RegExp, to: string) => {
    const before = asIs.get(name) ?? '';
    const after = before.replace(from, to);
    if (after === before) throw new Error(`${name} is not as this benchmark expects it`);
    return after;
  };
  const addJob = edited(
    'enqueue_job',
    /select id into task[\s\S]*end if;\s*end\s*$/m,
    `perform graphile_worker.add_job(p_task, p_payload::json, run_at => p_run_at, job_key => p_job_key,
      max_attempts => 104); end`,
  );
  const notEnqueued = edited('write_text', /if found then[\s\S]*?end if;/, '');
  const bothBy = (how: string) =>
    edited('promise_text', /return 'queued';/, `perform bench_enqueue_by_${how}(about.id); return 'queued';`);
  const noReminder = edited('promise_text', /if remind_at > moment[\s\S]*?end if;/, '');
  return [
    { name: 'no text', text: false, functions: [] },
    { name: 'text and reminder, as it is', text: true, functions: [] },
    { name: 'each by add_job, which notifies (before)', text: true, functions: [addJob] },
    { name: 'both by one add_jobs', text: true, functions: [notEnqueued, bothBy('add_jobs')] },
    { name: 'both by one insert of ours', text: true, functions: [notEnqueued, bothBy('insert')] },
    { name: 'add_job, the reminder left to a daily job', text: true, functions: [addJob, noReminder] },
    { name: 'written, and nothing enqueued', text: true, functions: [notEnqueued] },
  ];
}

const jobsOfTexts = `
  from text_messages t where t.appointment_id = p_appointment_id and t.status = 'recorded'`;
const bothInOneStatement = `
  create or replace function bench_enqueue_by_add_jobs(p_appointment_id uuid) returns void
    language plpgsql security definer set search_path = public, pg_temp as $$
  begin
    perform graphile_worker.add_jobs(array(
      select ('send-text', json_build_object('tenantId', t.tenant_id, 'textId', t.id), null, t.send_after, 104,
        'text/' || t.appointment_id || '/' || t.wording, null, null)::graphile_worker.job_spec ${jobsOfTexts}));
  end $$;
  create or replace function bench_enqueue_by_insert(p_appointment_id uuid) returns void
    language plpgsql security definer set search_path = public, pg_temp as $$
  begin
    insert into graphile_worker._private_jobs (task_id, payload, run_at, max_attempts, key)
    select task.id, json_build_object('tenantId', t.tenant_id, 'textId', t.id), t.send_after, 104,
      'text/' || t.appointment_id || '/' || t.wording
    from graphile_worker._private_tasks task, text_messages t
    where task.identifier = 'send-text' and t.appointment_id = p_appointment_id and t.status = 'recorded'
    on conflict (key) do update set payload = excluded.payload, run_at = excluded.run_at;
  end $$;
  grant execute on function bench_enqueue_by_add_jobs(uuid), bench_enqueue_by_insert(uuid) to holdline_app`;

/** Holds slots, and then confirms them, so many at a time; only the confirming is timed. */
async function book(
  { sql, owner, tenantId, first }: { sql: Sql; owner: Sql; tenantId: string; first: number },
  { concurrency, text }: { concurrency: number; text: boolean },
): Promise<Round> {
  const slots = await owner<{ slotId: string; version: string; number: number }[]>`
    select slot_id as "slotId", version, split_part(slot_id, ' ', 2)::integer as number from available_slots
    where tenant_id = ${tenantId} and split_part(slot_id, ' ', 2)::integer > ${first} order by 3 limit ${bookingsPerRound}`;
  const held = await Promise.all(
    slots.map(async ({ slotId, version, number }) => {
      const call = randomUUID();
      const phone = `+1212${5_000_000 + number}`;
      await sql`select begin_turn(${tenantId}, ${call}, ${phone}, 1)`;
      const [row] = await sql`select claim_slot_atomic(${tenantId}, ${slotId}, ${call}, ${version}) as claim`;
      if (row?.['claim'].success !== true) throw new Error(`not held: ${JSON.stringify(row)}`);
      return { call, phone, version: row['claim'].version as string };
    }),
  );
  const confirm = async ({ call, phone, version }: (typeof held)[number]) => {
    const promised = text ? sql.json({ number: phone, wording: 'confirmation', language: 'en' }) : null;
    const [row] = await sql`
      select confirm_booking(${tenantId}, ${call}, ${version}, '{"name":"Ann Miller"}', ${promised}, null) as answer`;
    const answer = row?.['answer'];
    if (answer?.success !== true || (text && answer.text !== 'queued'))
      throw new Error(JSON.stringify(answer));
  };
  const each = async (some: typeof held) => {
    const left = [...some];
    const timesMs: number[] = [];
    const one = async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        const startedMs = performance.now();
        await confirm(next);
        timesMs.push(performance.now() - startedMs);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, one));
    return timesMs;
  };
  await each(held.slice(0, uncounted));
  const startedMs = performance.now();
  const timesMs = await each(held.slice(uncounted));
  const tookMs = performance.now() - startedMs;
  return { p50Ms: distribution(timesMs).p50, perSecond: timesMs.length / (tookMs / 1_000) };
}

/** A clinic so large that no two of the bookings made at once are of the same practitioner. */
async function makeClinic(owner: Sql, slots: number): Promise<string> {
  const id = randomUUID();
  const organization = {
    id,
    key: 'promises',
    name: 'The Clinic',
    schedule: owner.json(usualSchedule as never),
  };
  await owner`insert into organizations ${owner({ ...organization, live_holds_max: null, texts_per_day_max: null })}`;
  await owner`
    insert into practitioners (tenant_id, key, name, spoken_name)
    select ${id}, 'p' || n, 'Dr. ' || n, 'Doctor ' || n from generate_series(1, ${practitioners}) n`;
  await owner`
    insert into available_slots (tenant_id, practitioner_id, slot_id, starts_at, during, occupies)
    select ${id}, p.id, 'slot ' || n, at, tstzrange(at, at + interval '1 minute'), tstzrange(at, at + interval '1 minute')
    from (select n, date_trunc('hour', now()) + interval '48 hours' + n * interval '1 minute' as at
      from generate_series(1, ${slots}) n) as minute
    join practitioners p on p.tenant_id = ${id} and p.key = 'p' || (1 + n % ${practitioners})`;
  await owner`analyze available_slots`;
  return id;
}

async function source(owner: Sql, name: string): Promise<string> {
  const [row] = await owner<[{ source: string }?]>`
    select pg_get_functiondef(oid) as source from pg_proc where proname = ${name}`;
  if (row === undefined) throw new Error(`${name} is missing`);
  return row.source;
}
