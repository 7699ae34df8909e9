import type { Sql, TransactionSql } from 'postgres';
import { z } from 'zod';
import { inTenant, type Statements } from '#storage/postgres.ts';

/** What a text message is about; also its template's name. */
export const textWording = z.enum(['confirmation', 'reminder', 'cancelled', 'moved']);
export type TextWording = z.output<typeof textWording>;

/** One text message of one organization. */
export interface TextKey {
  tenantId: string;
  textId: string;
}

/** What a text has to tell, whoever words it. */
export interface TextFacts {
  status: 'recorded' | 'sending' | 'sent' | 'delivered' | 'failed' | 'replaced' | 'withdrawn';
  wording: TextWording;
  language: string;
  /** The patient's name, where it is known. */
  name: string | null;
  startsAt: Date;
  practitionerId: string;
  /** The appointment this one took the place of. */
  old: { startsAt: Date; practitionerId: string } | null;
}

/** Reads what a text is about; nothing when there is no such text any more. */
export async function textFacts(sql: Sql, { tenantId, textId }: TextKey): Promise<TextFacts | undefined> {
  const [row] = await sql`select text_facts(${tenantId}, ${textId}) as facts`;
  return facts.nullable().parse(row?.['facts'] ?? null) ?? undefined;
}

export type BegunText =
  /** There is nothing to send, or not any more. */
  | { do: 'nothing' }
  /** Another process is at it. */
  | { do: 'busy' }
  | {
      do: 'send';
      /** E.164. */
      number: string;
      /** What to send: earlier words, where an earlier attempt may have got through with them. */
      body: string;
      /** Whether an earlier attempt may have been accepted: look for it first. */
      look: boolean;
      /** When the first attempt began. */
      since: Date;
      /** Why it must not be sent any more, if nothing is found. */
      giveUp: 'withdrawn' | 'opted_out' | 'expired' | null;
      /** Messages for this text that could not be delivered. */
      pastSids: string[];
    };

/**
 * Begins an attempt to send a text: until `finishText`, or the end of the lease, nobody else tries.
 *
 * @param body how it would be worded now
 * @param leaseMs longer than an attempt can take
 * @param giveUpAfterMs since the first attempt
 */
export async function beginText(
  sql: Sql,
  { tenantId, textId }: TextKey,
  { body, leaseMs, giveUpAfterMs }: { body: string; leaseMs: number; giveUpAfterMs: number },
): Promise<BegunText> {
  const [row] = await sql`
    select begin_text(${tenantId}, ${textId}, ${body}, ${leaseMs} * interval '1 millisecond',
      ${giveUpAfterMs} * interval '1 millisecond') as begun`;
  return begun.parse(row?.['begun']);
}

export type TextEnding =
  | { status: 'sent'; sid: string }
  | { status: 'failed'; reason: string; code?: number | undefined }
  | { status: 'withdrawn' }
  /** To be tried again; `unclear` when it may have got through. */
  | { status: 'sending'; reason: string; code?: number | undefined; unclear: boolean };

/** Ends an attempt. Gives false when the message named is another text's: that one was not ours. */
export async function finishText(
  sql: Sql,
  { tenantId, textId }: TextKey,
  ending: TextEnding,
): Promise<boolean> {
  const sid = ending.status === 'sent' ? ending.sid : null;
  const { reason, code } = 'reason' in ending ? ending : { reason: null, code: undefined };
  const unclear = ending.status === 'sending' && ending.unclear;
  const [row] = await sql<[{ ours: boolean }]>`
    select finish_text(${tenantId}, ${textId}, ${ending.status}, ${sid}, ${reason},
      ${code ?? null}, ${unclear}) as ours`;
  return row.ours;
}

/**
 * What became of a message after the provider had it: its own word for it, and what that means; `later` when it was not
 * delivered and is to be sent anew.
 */
export type TextProgress = { status: string } & (
  | { outcome: 'sent' | 'delivered' }
  | { outcome: 'failed'; reason: string; code: number | null }
  /** It is sent anew after so long, unless the text is to be given up: so long after its first attempt. */
  | { outcome: 'later'; reason: string; code: number | null; againAfterMs: number; giveUpAfterMs: number }
);

/** `repeated`: told before; `late`: the message has come further, or to its end; `unknown`: none that we sent. */
export type ProgressNoted = 'noted' | 'repeated' | 'late' | 'unknown';

/** Notes what the provider tells of a message: each word once, and forwards only. Anything but `noted` changed nothing. */
export async function noteTextProgress(
  sql: Sql,
  { tenantId, textId }: TextKey,
  sid: string,
  progress: TextProgress,
): Promise<ProgressNoted> {
  const none = { reason: null, code: null, againAfterMs: null, giveUpAfterMs: null };
  const { status, outcome, reason, code, againAfterMs, giveUpAfterMs } = { ...none, ...progress };
  const [row] = await sql<[{ noted: ProgressNoted }]>`
    select note_text_status(${tenantId}, ${textId}, ${sid}, ${status}, ${outcome}, ${reason}, ${code},
      ${againAfterMs} * interval '1 millisecond', ${giveUpAfterMs} * interval '1 millisecond') as noted`;
  return row.noted;
}

/** Whoever answers STOP gets no texts from any organization; START undoes it. `number` is E.164. */
export async function setOptedOut(sql: Statements, number: string, optedOut: boolean): Promise<void> {
  await sql`select set_text_opt_out(${number}, ${optedOut})`;
}

/**
 * Acts on an answer that came in, once: that it was is committed with what it did, or neither is. The provider may
 * deliver one twice, also at the same moment, and whoever has got hold of one may send it again in a year: so its id,
 * which tells nothing of anybody, is kept for good.
 *
 * @returns what acting gave, or `repeated` when the answer was acted on before
 */
export async function oncePerReply<T extends object>(
  sql: Sql,
  sid: string,
  act: (tx: TransactionSql) => Promise<T>,
): Promise<T | 'repeated'> {
  const acted = await sql.begin(async (tx) => {
    const { count } = await tx`
      insert into text_replies (provider_sid) values (${sid}) on conflict do nothing`;
    return count === 0 ? ('repeated' as const) : act(tx);
  });
  return acted as T | 'repeated';
}

/** Which appointment whoever answers a text means: the one they were texted about last. */
export async function textedAppointment(
  sql: Statements,
  number: string,
): Promise<{ tenantId: string; appointmentId: string; language: string } | undefined> {
  const [row] = await sql`select texted_appointment(${number}) as found`;
  const found = texted.nullable().parse(row?.['found'] ?? null);
  if (found === null) return undefined;
  return { tenantId: found.tenant_id, appointmentId: found.appointment_id, language: found.language };
}

/** Whether an appointment is still to come. */
export async function isUpcoming(
  sql: Sql | TransactionSql,
  tenantId: string,
  appointmentId: string,
): Promise<boolean> {
  const [row] = await inTenant(
    sql,
    tenantId,
    (tx) => tx<[{ upcoming: boolean }]>`
      select exists (select from appointments
        where tenant_id = ${tenantId} and id = ${appointmentId} and status = 'booked' and starts_at > ledger_now()
      ) as upcoming`,
  );
  return row.upcoming;
}

/** Somebody who wants to be called back. */
export interface CallBackRequest {
  id: string;
  /** E.164. */
  number: string;
  /** The patient's name on the appointment they were texted about. */
  name: string | null;
  askedAt: Date;
}

/** Notes that somebody wants to be called back; asked again before it was done, it stays one wish. */
export async function askForCallBack(
  sql: Sql | TransactionSql,
  { tenantId, number, appointmentId }: { tenantId: string; number: string; appointmentId: string | null },
): Promise<void> {
  await inTenant(
    sql,
    tenantId,
    (tx) => tx`
      insert into call_back_requests (tenant_id, number, appointment_id)
      values (${tenantId}, ${number}, ${appointmentId})
      on conflict (tenant_id, number) where done_at is null do update set appointment_id = excluded.appointment_id`,
  );
}

/** Who waits to be called back, longest first. */
export async function callBackRequests(sql: Sql, tenantId: string): Promise<CallBackRequest[]> {
  const rows = await inTenant(
    sql,
    tenantId,
    (tx) => tx<CallBackRequest[]>`
      select r.id, r.number, a.patient ->> 'name' as name, r.asked_at as "askedAt"
      from call_back_requests r left join appointments a on a.id = r.appointment_id
      where r.tenant_id = ${tenantId} and r.done_at is null order by r.asked_at`,
  );
  return [...rows];
}

/** Notes that somebody was called back. Gives false when nobody waits under that id. */
export async function endCallBack(sql: Sql, tenantId: string, id: string): Promise<boolean> {
  const result = await inTenant(
    sql,
    tenantId,
    (tx) => tx`
      update call_back_requests set done_at = ledger_now()
      where tenant_id = ${tenantId} and id = ${id} and done_at is null`,
  );
  return result.count === 1;
}

const instant = z.string().transform((text) => new Date(text));
const appointment = z.object({ startsAt: instant, practitionerId: z.string() });

const facts = appointment.extend({
  status: z.enum(['recorded', 'sending', 'sent', 'delivered', 'failed', 'replaced', 'withdrawn']),
  wording: textWording,
  language: z.string(),
  name: z.string().nullable(),
  old: appointment.nullable(),
});

const begun = z.discriminatedUnion('do', [
  z.object({ do: z.literal('nothing') }),
  z.object({ do: z.literal('busy') }),
  z
    .object({
      do: z.literal('send'),
      number: z.string(),
      body: z.string(),
      look: z.boolean(),
      since: instant.nullable(),
      give_up: z.enum(['withdrawn', 'opted_out', 'expired']).nullable(),
      past_sids: z.array(z.string()),
    })
    .transform(({ give_up: giveUp, past_sids: pastSids, since, ...rest }) => {
      return { ...rest, since: since ?? new Date(), giveUp, pastSids };
    }),
]);

const texted = z.object({ tenant_id: z.string(), appointment_id: z.string(), language: z.string() });
