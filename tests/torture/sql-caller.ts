import { randomUUID } from 'node:crypto';
import type { Sql } from 'postgres';
import { z } from 'zod';
import type { Operation, Operations, Told } from './operations.ts';
import type { Random } from './random.ts';

/** Where callers ask the database's functions themselves. */
export interface Ledger {
  sql: Sql;
  tenantId: string;
}

/** How many days ahead the run's slots reach, at least; a caller looks at a few hours of one of them. */
const daysAhead = 5;
const lookHours = 6;

/**
 * One call straight at the ledger's functions, past everything in front of them: it claims versions that are no
 * longer true, confirms holds it has given up, repeats itself and asks for overlapping times.
 */
export async function callBySql(ledger: Ledger, operations: Operations, random: Random): Promise<void> {
  const call = `sql-${randomUUID()}`;
  const ask = (kind: Operation['kind'], about: Operation['about'], attempt: () => Promise<Told>) =>
    operations.run({ by: 'sql', call, kind, about }, attempt);
  const open = await openSlots(ledger, random);
  const wanted = random.pick(open);
  if (wanted === undefined) return cancelSomething(ledger, operations, random);

  const claimOne = (slot: Slot) => ask('claim', slot, () => claim(ledger, call, slot));
  const first = random.chance(0.2)
    ? (await Promise.all([claimOne(wanted), claimOne(wanted)]))[0]
    : await claimOne(wanted);
  let held = first;
  if (random.chance(0.3)) {
    const other = random.pick(open);
    if (other !== undefined && other.slotId !== wanted.slotId) held = await claimOne(other);
  }
  if (held.outcome === 'ok' && random.chance(0.1)) {
    await ask('release', {}, () => release(ledger, call));
    return;
  }
  if (random.chance(0.15)) return;

  const confirmOne = (version: string | undefined) =>
    ask('confirm', version === undefined ? {} : { version }, () =>
      confirm(ledger, call, {
        version: version ?? randomUUID(),
        number: `+1212555${1_000 + random.below(9_000)}`,
      }),
    );
  // A confirmation that was delayed past another claim of the same call.
  if (held !== first && random.chance(0.5)) await confirmOne(first.answer?.version);
  const version = held.answer?.version ?? first.answer?.version;
  const confirmed = random.chance(0.2)
    ? (await Promise.all([confirmOne(version), confirmOne(version)]))[0]
    : await confirmOne(version);
  const appointmentId = confirmed.answer?.appointmentId;
  if (appointmentId === undefined || random.chance(0.1)) return;
  if (random.chance(0.2)) {
    const target = random.pick(await openSlots(ledger, random));
    if (target !== undefined) {
      await ask('move', { appointmentId }, () => move(ledger, call, { appointmentId, target }));
    }
    return;
  }
  await ask('cancel', { appointmentId }, () => cancel(ledger, call, appointmentId));
}

/** The clinic's own people make room when nothing is open, or a run would stand still. */
export async function cancelSomething(ledger: Ledger, operations: Operations, random: Random): Promise<void> {
  const [row] = await ledger.sql.begin(async (tx) => {
    await tx`select set_config('holdline.tenant_id', ${ledger.tenantId}, true)`;
    return tx<{ ids: string[] }[]>`
      select coalesce(array_agg(id), '{}') as ids from appointments where status = 'booked'`;
  });
  const appointmentId = random.pick(row?.ids ?? []);
  if (appointmentId === undefined) return;
  await operations.run({ by: 'sql', call: 'clinic', kind: 'cancel', about: { appointmentId } }, () =>
    cancel(ledger, null, appointmentId),
  );
}

interface Slot {
  slotId: string;
  version: string;
}

async function openSlots({ sql, tenantId }: Ledger, random: Random): Promise<Slot[]> {
  const startMs = Date.now() + random.below(daysAhead * 24) * 3_600_000;
  const [from, to] = [startMs, startMs + lookHours * 3_600_000].map((ms) => new Date(ms).toISOString());
  return sql<Slot[]>`
    select slot_id as "slotId", version
    from open_slots(${tenantId}, ${from ?? ''}, ${to ?? ''})`.catch(() => []);
}

const answered = z.object({
  success: z.boolean().optional(),
  released: z.boolean().optional(),
  reason: z.string().optional(),
  slot_id: z.string().optional(),
  version: z.string().optional(),
  appointment_id: z.string().optional(),
});

function told(row: { answer?: unknown } | undefined): Told {
  const { success, released, reason, ...given } = answered.parse(row?.answer);
  if (!(success ?? released)) return { outcome: 'refused', reason: reason ?? 'there was nothing to release' };
  return {
    outcome: 'ok',
    answer: {
      ...(given.slot_id === undefined ? {} : { slotId: given.slot_id }),
      ...(given.version === undefined ? {} : { version: given.version }),
      ...(given.appointment_id === undefined ? {} : { appointmentId: given.appointment_id }),
    },
  };
}

async function claim({ sql, tenantId }: Ledger, call: string, { slotId, version }: Slot): Promise<Told> {
  return told(
    (await sql`select claim_slot_atomic(${tenantId}, ${slotId}, ${call}, ${version}) as answer`)[0],
  );
}

async function confirm(
  { sql, tenantId }: Ledger,
  call: string,
  // Another number at each yes: the text goes to the last one.
  { version, number }: { version: string; number: string },
): Promise<Told> {
  const patient = sql.json({ name: 'Ben Otto', phone: number });
  const text = sql.json({ number, wording: 'confirmation', language: 'en' });
  return told(
    (await sql`select confirm_booking(${tenantId}, ${call}, ${version}, ${patient}, ${text}) as answer`)[0],
  );
}

async function release({ sql, tenantId }: Ledger, call: string): Promise<Told> {
  return told((await sql`select release_hold(${tenantId}, ${call}, 'given back') as answer`)[0]);
}

async function cancel({ sql, tenantId }: Ledger, call: string | null, appointmentId: string): Promise<Told> {
  return told((await sql`select cancel_appointment(${tenantId}, ${appointmentId}, ${call}) as answer`)[0]);
}

async function move(
  { sql, tenantId }: Ledger,
  call: string,
  { appointmentId, target: { slotId, version } }: { appointmentId: string; target: Slot },
): Promise<Told> {
  return told(
    (
      await sql`select move_appointment(${tenantId}, ${appointmentId}, ${slotId}, ${version}, ${call}) as answer`
    )[0],
  );
}
