import type { Sql } from 'postgres';
import { z } from 'zod';
import { inTenant, type Statements } from '#storage/postgres.ts';
import { type CallKey, type CallSnapshot, withCall } from './calls.ts';

/** What is known of the patient; absent keys stay as they were. */
export interface PatientDetails {
  name?: string;
  /** E.164. */
  phone?: string;
  email?: string;
  reason?: string;
}

/** A message promised with the booking; what becomes of it is in `texts.ts`: `wording` names its template, `number` is E.164. */
export interface PromisedText {
  number: string;
  wording: 'confirmation';
  language: string;
}

export interface Confirmation {
  /** Version of the hold that is confirmed: one that was delayed past another claim books nothing. */
  holdVersion: string;
  patient: PatientDetails;
  /** `null`: nobody can be texted. */
  text: PromisedText | null;
  turn: number | null;
}

/** Here and below `facts` is what is so in the call afterwards. */
export type ConfirmOutcome =
  | {
      booked: true;
      appointmentId: string;
      slotId: string;
      startsAt: Date;
      practitionerId: string;
      repeated: boolean;
      /** What became of the text: promised, or why not; `null` when there was no number. */
      text: 'queued' | 'opted_out' | 'limit' | 'failed' | null;
      facts: CallSnapshot;
    }
  | { booked: false; reason: 'no_hold'; facts: CallSnapshot | null }
  | { booked: false; reason: 'superseded' };

/**
 * Turns the call's hold into an appointment and promises its text message, all in one transaction. Asked again it
 * tells the same success (`repeated`) and merges corrected details; a corrected number gets a message of its own.
 */
export async function confirmBooking(
  sql: Sql,
  call: CallKey,
  confirmation: Confirmation,
): Promise<ConfirmOutcome> {
  const { holdVersion, patient, text, turn } = confirmation;
  const [row] = await sql`
    select confirm_booking(${call.tenantId}, ${call.callSid}, ${holdVersion},
      ${sql.json({ ...patient })}, ${text === null ? null : sql.json({ ...text })}, ${turn}) as answer`;
  const read = confirmAnswer.parse(row?.['answer']);
  if (!read.success) {
    const { reason, call: facts = null } = read;
    return reason === 'no_hold' ? { booked: false, reason, facts } : { booked: false, reason };
  }
  return {
    booked: true,
    appointmentId: read.appointment_id,
    slotId: read.slot_id,
    startsAt: read.starts_at,
    practitionerId: read.practitioner_id,
    repeated: read.repeated,
    text: read.text,
    facts: read.call,
  };
}

/** One appointment of an organization, whatever became of it. */
export async function findAppointment(
  sql: Sql,
  tenantId: string,
  id: string,
): Promise<{ startsAt: Date; callSid: string; patient: Record<string, string> } | undefined> {
  return inTenant(sql, tenantId, async (tx) => {
    const [row] = await tx<[{ startsAt: Date; callSid: string; patient: Record<string, string> }?]>`
      select starts_at as "startsAt", call_sid as "callSid", patient from appointments
      where tenant_id = ${tenantId} and id = ${id}`;
    return row;
  });
}

export interface Appointment {
  id: string;
  slotId: string;
  startsAt: Date;
  practitionerId: string;
  patient: Record<string, string>;
}

/** More upcoming appointments than this nobody has read out to them. */
const foundMax = 5;

/**
 * The caller's own upcoming appointments: those made under the number they call from, for the name they give.
 * Knowing a name or a number alone shows nothing.
 *
 * @param phone E.164 number the call comes from, never one that was dictated
 */
export async function findAppointments(
  sql: Sql,
  tenantId: string,
  { phone, name }: { phone: string; name: string },
): Promise<Appointment[]> {
  const rows = await inTenant(
    sql,
    tenantId,
    (tx) => tx<Appointment[]>`
      select id, slot_id as "slotId", starts_at as "startsAt", practitioner_id as "practitionerId", patient
      from appointments
      where tenant_id = ${tenantId} and phone = ${phone} and status = 'booked'
        and starts_at > ledger_now()
      order by starts_at`,
  );
  return rows.filter((row) => namesAgree(row.patient['name'] ?? '', name)).slice(0, foundMax);
}

/** What is still to come, the nearest first. */
export async function upcomingAppointments(sql: Sql, tenantId: string): Promise<Appointment[]> {
  const rows = await inTenant(
    sql,
    tenantId,
    (tx) => tx<Appointment[]>`
      select id, slot_id as "slotId", starts_at as "startsAt", practitioner_id as "practitionerId", patient
      from appointments
      where tenant_id = ${tenantId} and status = 'booked' and starts_at > ledger_now()
      order by starts_at, practitioner_id`,
  );
  return [...rows];
}

/** Every word given is one of the recorded name's; at least one of them. Titles, case and accents do not count. */
export function namesAgree(recorded: string, given: string): boolean {
  const known = new Set(words(recorded));
  const said = words(given);
  return said.length > 0 && said.every((word) => known.has(word));
}

/** `facts` is `null` where no call asked. */
export type CancelOutcome = { facts: CallSnapshot | null } & (
  | { cancelled: true; startsAt: Date; slotId: string; repeated: boolean }
  | { cancelled: false; reason: 'unknown_appointment' | 'moved' }
);

/** Cancels an appointment and opens its slot. `callSid` is the call that asked, `null` for the clinic's own people. */
export async function cancelAppointment(
  sql: Statements,
  { tenantId, callSid }: { tenantId: string; callSid: string | null },
  appointmentId: string,
): Promise<CancelOutcome> {
  const [row] = await sql`select cancel_appointment(${tenantId}, ${appointmentId}, ${callSid}) as answer`;
  const answer = cancelAnswer.parse(row?.['answer']);
  const { call: facts } = answer;
  return answer.success
    ? {
        cancelled: true,
        startsAt: answer.starts_at,
        slotId: answer.slot_id,
        repeated: answer.repeated,
        facts,
      }
    : { cancelled: false, reason: answer.reason, facts };
}

export type MoveOutcome = { facts: CallSnapshot | null } & (
  | { moved: true; appointmentId: string; slotId: string; startsAt: Date; repeated: boolean }
  | { moved: false; reason: 'unknown_appointment' | 'unknown_slot' | 'in_the_past' | 'taken' | 'changed' }
);

/**
 * Moves an appointment to an offered slot in one transaction: on any failure the old one stays. A slot that is open
 * under another version than the one offered is tried once more, as with a hold.
 */
export async function moveAppointment(
  sql: Sql,
  call: CallKey,
  appointmentId: string,
  offer: { slotId: string; version: string },
): Promise<MoveOutcome> {
  const move = async (version: string) => {
    const [row] = await sql`
      select move_appointment(${call.tenantId}, ${appointmentId}, ${offer.slotId}, ${version}, ${call.callSid}) as answer`;
    return moveAnswer.parse(row?.['answer']);
  };
  const first = await move(offer.version);
  const answer =
    !first.success && first.reason === 'changed' && first.version !== undefined
      ? await move(first.version)
      : first;
  const { call: facts } = answer;
  if (!answer.success) return { moved: false, reason: answer.reason, facts };
  return {
    moved: true,
    appointmentId: answer.appointment_id,
    slotId: answer.slot_id,
    startsAt: answer.starts_at,
    repeated: answer.repeated,
    facts,
  };
}

/**
 * Keeps which appointments this call found, so that its later turns may change them.
 *
 * @returns what is so in the call afterwards
 */
export async function recordFound(
  sql: Sql,
  { tenantId, callSid }: CallKey,
  userTurns: number | null,
  ids: string[],
): Promise<CallSnapshot> {
  const [row] =
    await sql`select record_found(${tenantId}, ${callSid}, ${userTurns}, ${ids}::uuid[]) as answer`;
  return withCall.parse(row?.['answer']).call;
}

/**
 * The caller gave the name on the hold of the earlier call: it is this call's from now on.
 *
 * @returns what is so in the call afterwards
 */
export async function acceptAdoptedHold(
  sql: Sql,
  { tenantId, callSid }: CallKey,
  name: string,
): Promise<CallSnapshot> {
  const [row] = await sql`select accept_adopted_hold(${tenantId}, ${callSid}, ${name}) as answer`;
  return withCall.parse(row?.['answer']).call;
}

const instant = z.string().transform((text) => new Date(text));

/** Of calls that may not be there. */
const withAnyCall = z.object({ call: withCall.shape.call.nullable() });

const confirmAnswer = z.discriminatedUnion('success', [
  withCall.extend({
    success: z.literal(true),
    appointment_id: z.string(),
    slot_id: z.string(),
    starts_at: instant,
    practitioner_id: z.string(),
    repeated: z.boolean(),
    // A text that was tried before has the reason it was given up with.
    text: z.enum(['queued', 'opted_out', 'limit', 'failed']).nullable().catch('failed'),
  }),
  withAnyCall.partial().extend({ success: z.literal(false), reason: z.enum(['no_hold', 'superseded']) }),
]);

const cancelAnswer = z.discriminatedUnion('success', [
  withAnyCall.extend({
    success: z.literal(true),
    starts_at: instant,
    slot_id: z.string(),
    repeated: z.boolean(),
  }),
  withAnyCall.extend({ success: z.literal(false), reason: z.enum(['unknown_appointment', 'moved']) }),
]);

const moveAnswer = z.discriminatedUnion('success', [
  withAnyCall.extend({
    success: z.literal(true),
    appointment_id: z.string(),
    slot_id: z.string(),
    starts_at: instant,
    repeated: z.boolean(),
  }),
  withAnyCall.extend({
    success: z.literal(false),
    reason: z.enum(['unknown_appointment', 'unknown_slot', 'in_the_past', 'taken', 'changed']),
    version: z.string().optional(),
  }),
]);

function words(name: string): string[] {
  return name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter((word) => word.length > 1 && !titles.has(word));
}

const titles = new Set(['mr', 'mrs', 'ms', 'miss', 'dr', 'doctor', 'herr', 'frau', 'senor', 'senora']);
