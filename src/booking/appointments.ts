import type { Sql } from 'postgres';
import { z } from 'zod';
import { inTenant } from '#storage/postgres.ts';
import type { CallKey } from './calls.ts';

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

export type ConfirmOutcome =
  | {
      booked: true;
      appointmentId: string;
      slotId: string;
      startsAt: Date;
      repeated: boolean;
      /** What became of the text: promised, or why not; `null` when there was no number. */
      text: 'queued' | 'opted_out' | 'limit' | 'failed' | null;
    }
  | { booked: false; reason: 'no_hold' | 'superseded' };

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
  const read = answer.parse(row?.['answer']);
  if (!read.success) return { booked: false, reason: read.reason };
  return {
    booked: true,
    appointmentId: read.appointment_id,
    slotId: read.slot_id,
    startsAt: read.starts_at,
    repeated: read.repeated,
    text: read.text,
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

const answer = z.discriminatedUnion('success', [
  z.object({
    success: z.literal(true),
    appointment_id: z.string(),
    slot_id: z.string(),
    starts_at: z.string().transform((text) => new Date(text)),
    repeated: z.boolean(),
    // A text that was tried before has the reason it was given up with.
    text: z.enum(['queued', 'opted_out', 'limit', 'failed']).nullable().catch('failed'),
  }),
  z.object({ success: z.literal(false), reason: z.enum(['no_hold', 'superseded']) }),
]);
