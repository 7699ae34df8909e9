import twilioWebhooks from 'twilio/lib/webhooks/webhooks.js';
import { z } from 'zod';
import { problemOf, type SmsProblem } from './outcomes.ts';

/**
 * Whether a request is Twilio's: its signature is over the url it was sent to and every field of the form, keyed with
 * the account's token. It has no time in it, so an old request stays validly signed for ever: whoever acts on one
 * remembers that it did.
 *
 * @param url as Twilio knows it, with the query
 */
export function isTwilios(
  { url, form, signature }: { url: string; form: Record<string, string>; signature: string | undefined },
  authToken: string,
): boolean {
  return signature !== undefined && twilioWebhooks.validateRequest(authToken, signature, url, form);
}

/** What became of a message Twilio had accepted: Twilio's word, and what it means. */
export type StatusReport = { sid: string; status: TwilioStatus } & (
  | { outcome: 'sent' | 'delivered' }
  | { outcome: 'failed'; reason: SmsProblem; code: number | null }
);

/** Reads a status callback; nothing when it is none, or one of another account. */
export function readStatus(form: Record<string, string>, accountSid: string): StatusReport | undefined {
  const read = statusForm.safeParse(form);
  if (!read.success || read.data.AccountSid !== accountSid) return undefined;
  const { MessageSid: sid, MessageStatus: status, ErrorCode: code } = read.data;
  if (status === 'delivered' || status === 'read') return { sid, status, outcome: 'delivered' };
  if (status === 'failed' || status === 'undelivered' || status === 'canceled') {
    const reason = problemOf(code) ?? 'refused';
    return { sid, status, outcome: 'failed', reason, code: code ?? null };
  }
  return { sid, status, outcome: 'sent' };
}

const sid = z.string().regex(/^(SM|MM)[0-9a-fA-F]{32}$/);

const statuses = [
  'accepted',
  'scheduled',
  'queued',
  'sending',
  'sent',
  'partially_delivered',
  'delivered',
  'read',
  'undelivered',
  'failed',
  'canceled',
] as const;
type TwilioStatus = (typeof statuses)[number];

const statusForm = z.object({
  AccountSid: z.string(),
  MessageSid: sid,
  MessageStatus: z.enum(statuses),
  ErrorCode: z.coerce.number().int().positive().optional().catch(undefined),
});

/** What somebody answered. */
export interface IncomingText {
  sid: string;
  /** E.164. */
  from: string;
  meaning: 'stop' | 'start' | 'help' | 'cancel' | 'call-back' | 'other';
  /** Whether Twilio has answered a stop, start or help by itself. */
  answered: boolean;
}

/**
 * Reads an incoming message; nothing when it is none, or one of another account.
 *
 * @param answer what a word means that is not Twilio's own
 */
export function readIncoming(
  form: Record<string, string>,
  accountSid: string,
  answer: (word: string) => IncomingText['meaning'] | undefined,
): IncomingText | undefined {
  const read = incomingForm.safeParse(form);
  if (!read.success || read.data.AccountSid !== accountSid) return undefined;
  const { MessageSid, From, Body, OptOutType } = read.data;
  const told = OptOutType?.toLowerCase();
  const word = oneWord(Body);
  const by = told === 'stop' || told === 'start' || told === 'help' ? told : undefined;
  return {
    sid: MessageSid,
    from: From,
    meaning: by ?? twilios.get(word) ?? answer(word) ?? 'other',
    answered: by !== undefined,
  };
}

const incomingForm = z.object({
  AccountSid: z.string(),
  MessageSid: sid,
  From: z.string().regex(/^\+[1-9]\d{4,14}$/),
  Body: z.string().default(''),
  OptOutType: z.string().optional(),
});

/** The words Twilio itself takes for these. They come first: CANCEL stops all texts there, so it cannot mean an appointment. */
const twilios = new Map<string, IncomingText['meaning']>([
  ...['STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT'].map(
    (word) => [word, 'stop'] as const,
  ),
  ...['START', 'UNSTOP'].map((word) => [word, 'start'] as const),
  ...['HELP', 'INFO'].map((word) => [word, 'help'] as const),
]);

/** What was answered, in capitals and without the marks around it. */
function oneWord(body: string): string {
  return body
    .trim()
    .replace(/^["'“”.]+|["'“”.!]+$/g, '')
    .toUpperCase();
}

/** Twilio's answer format, with a message to send back or without. */
export function twiml(message?: string): string {
  const inner = message === undefined ? '' : `<Message>${escapeXml(message)}</Message>`;
  return `<?xml version="1.0" encoding="UTF-8"?><Response>${inner}</Response>`;
}

function escapeXml(text: string): string {
  return text.replace(/[<>&]/g, (sign) => ({ '<': '&lt;', '>': '&gt;' })[sign] ?? '&amp;');
}
