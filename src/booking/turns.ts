import type { Sql } from 'postgres';
import { z } from 'zod';
import { adaptiveBatch } from '#storage/adaptive-batch.ts';
import { inTenant } from '#storage/postgres.ts';
import type { Log } from '#telemetry/log.ts';
import {
  askToBegin,
  type CallKey,
  type CallSnapshot,
  readSnapshot,
  type TurnStart,
  withCall,
} from './calls.ts';

/** The ledger's side of turns, of all calls of this process: what they ask at one moment travels together. */
export interface TurnLedger {
  /**
   * Begins a turn: takes the call's next number, waits for an operation of the same call that is still committing on
   * any process, and reads what is so afterwards.
   *
   * @param known what an earlier turn of the call found; a call without goes alone, as nobody has begun it here
   * @returns nothing when a request that was sent later has begun its turn already, on whichever process
   */
  begin(call: CallKey, start: TurnStart, known: CallFacts | undefined): Promise<CallFacts | undefined>;
  /** Keeps how long a turn took. */
  record(call: CallKey, turn: TurnTimes): Promise<void>;
}

/** What was so in a call when a turn began. */
export interface CallFacts {
  snapshot: CallSnapshot;
  /** The same for two turns between which nothing changed but their numbers and the time. */
  fingerprint: string;
}

/** How long a turn took, for the call's record. `null`: nothing was spoken, or no tool ran. */
export interface TurnTimes {
  number: number;
  firstWordMs: number | null;
  toolMs: number | null;
  tools: string[];
}

/** In one round trip: a statement of so many takes some milliseconds, which each of them waits. */
const togetherMax = 32;
/** Nobody waits for the record of a turn, and written by itself each costs Postgres as much as beginning one. */
const recordsGatherMs = 100;
/** Two, so that while one is committed the next is on its way. */
const tripsMax = 2;

export function createTurnLedger({ sql, log }: { sql: Sql; log: Log }): TurnLedger {
  const begin = adaptiveBatch<CallKey & TurnStart, unknown>({
    sizeMax: togetherMax,
    tripsMax,
    ask: async (turns) => {
      const [row] = await sql`select begin_turns(${sql.json(turns.map(asJson))}) as calls`;
      return row?.['calls'] as unknown[];
    },
  });
  const record = adaptiveBatch<CallKey & TurnTimes, true>({
    sizeMax: togetherMax,
    tripsMax: 1,
    gatherMs: recordsGatherMs,
    ask: async (turns) => {
      await sql`select record_turns(${sql.json(turns.map((turn) => ({ ...turn })))})`;
      return turns.map(() => true);
    },
  });

  async function beginTogether(call: CallKey, start: TurnStart): Promise<unknown> {
    try {
      const answer = await begin({ ...call, ...start });
      if (!isAlone(answer)) return answer;
    } catch (error) {
      // One turn that cannot be begun fails those it travelled with; each of them tries by itself.
      log.warn({ err: error }, 'turns could not be begun together');
    }
    return askToBegin(sql, call, start);
  }

  return {
    async begin(call, start, known) {
      const answer = await (known === undefined ? askToBegin(sql, call, start) : beginTogether(call, start));
      return readFacts(answer, known);
    },
    async record(call, turn) {
      await record({ ...call, ...turn });
    },
  };
}

/**
 * Notes that a call started, by whichever message says so first, and lets a caller who was cut off have the hold of
 * the call before.
 *
 * @returns what its first turn will find, and how many appointments of the caller's are to come
 */
export async function startCall(
  sql: Sql,
  { tenantId, callSid }: CallKey,
  caller: string | null,
): Promise<{ first: boolean; upcoming: number; facts: CallFacts }> {
  const [row] = await sql`select start_call(${tenantId}, ${callSid}, ${caller}) as started`;
  const started = row?.['started'];
  const { first, upcoming, call } = startedCall.parse(started);
  return { first, upcoming, facts: { snapshot: call, fingerprint: fingerprintOf(started.call) } };
}

const startedCall = withCall.extend({ first: z.boolean(), upcoming: z.number() });

/** What the ledger says of a call to somebody who watches it. */
export type CallNews = z.infer<typeof news>;

/**
 * Reads what a call brought about since a moment, and what it holds now. For those who watch: no caller waits for it.
 *
 * @param since by the ledger's clock
 */
export async function readCallNews(
  sql: Sql,
  { tenantId, callSid }: CallKey,
  since: Date,
): Promise<CallNews | undefined> {
  const [row] = await inTenant(
    sql,
    tenantId,
    (tx) => tx`
      select jsonb_build_object(
        'steps', coalesce((
          select jsonb_agg(jsonb_build_object('id', h.id::text, 'from', h.from_step, 'to', h.to_step,
            'cause', h.cause, 'slot', h.slot_id) order by h.id)
          from call_history h
          where h.tenant_id = c.tenant_id and h.call_sid = c.call_sid and h.at >= ${since}), '[]'),
        'hold', (
          select jsonb_build_object('slot', s.slot_id, 'startsAt', s.starts_at, 'practitionerId', s.practitioner_id,
            'endsInMs', round(extract(epoch from s.expires_at - ledger_now()) * 1000))
          from available_slots s
          where s.tenant_id = c.tenant_id and s.reserved_by = c.call_sid and s.status = 'reserved'
            and s.expires_at > ledger_now()),
        'booked', (
          select jsonb_build_object('slot', a.slot_id, 'startsAt', a.starts_at, 'practitionerId', a.practitioner_id,
            'patientName', a.patient ->> 'name', 'phone', a.patient ->> 'phone')
          from appointments a
          where a.tenant_id = c.tenant_id and a.call_sid = c.call_sid and a.status = 'booked'
            and a.created_at >= ${since}
          order by a.created_at desc limit 1),
        'patientName', c.patient_data ->> 'name') as news
      from call_states c
      where c.tenant_id = ${tenantId} and c.call_sid = ${callSid}`,
  );
  return row === undefined ? undefined : news.parse(row['news']);
}

/** @param answer of begin_turn: an object from JSON */
function readFacts(answer: unknown, known: CallFacts | undefined): CallFacts | undefined {
  const fingerprint = fingerprintOf(answer as Facts);
  // What is known already need not be checked and made once more.
  if (known !== undefined && known.fingerprint === fingerprint) {
    const { turn, now, userTurns } = answer as { turn: number; now: string; userTurns: number | null };
    return { snapshot: { ...known.snapshot, turn, now: new Date(now), userTurns }, fingerprint };
  }
  const snapshot = readSnapshot(answer);
  return snapshot === undefined ? undefined : { snapshot, fingerprint };
}

type Facts = Record<
  'step' | 'caller' | 'patient' | 'holdVersion' | 'hold' | 'appointment' | 'found' | 'offers',
  unknown
>;

function fingerprintOf({
  step,
  caller,
  patient,
  holdVersion,
  hold,
  appointment,
  found,
  offers,
}: Facts): string {
  return JSON.stringify([step, caller, patient, holdVersion, hold, appointment, found, offers]);
}

function isAlone(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'alone' in answer;
}

function asJson({ tenantId, callSid, caller, userTurns, requestedAt }: CallKey & TurnStart) {
  return { tenantId, callSid, caller, userTurns, requestedAt: requestedAt?.toISOString() ?? null };
}

const instant = z.string().transform((text) => new Date(text));
const slot = { slot: z.string(), startsAt: instant, practitionerId: z.string() };

const news = z.object({
  steps: z.array(
    z.object({
      id: z.string(),
      from: z.string().nullable(),
      to: z.string().nullable(),
      cause: z.string(),
      slot: z.string().nullable(),
    }),
  ),
  hold: z.object({ ...slot, endsInMs: z.number() }).nullable(),
  booked: z.object({ ...slot, patientName: z.string().nullable(), phone: z.string().nullable() }).nullable(),
  patientName: z.string().nullable(),
});
