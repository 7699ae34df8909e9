import type { Sql } from 'postgres';
import { z } from 'zod';
import {
  type BegunText,
  beginText,
  finishText,
  setOptedOut,
  type TextKey,
  textFacts,
} from '#booking/texts.ts';
import type { Languages } from '#language/languages.ts';
import type { Directory } from '#organization/directory.ts';
import type { Prompts } from '#prompts/templates.ts';
import type { TextSender } from '#sms/twilio.ts';
import type { Log } from '#telemetry/log.ts';
import { counter } from '#telemetry/metrics.ts';
import { FinalFailure, type Handler, TryAgain } from './job.ts';
import { attemptLeaseMs, attemptsMax, giveUpAfterMs, mayPass, pauseAfterMs } from './text-retries.ts';
import { wordText } from './text-words.ts';

export interface SendTextParts {
  sql: Sql;
  directory: Directory;
  prompts: Prompts;
  languages: Languages;
  /** Without one, texts stay recorded and are not sent. */
  sender: TextSender | undefined;
  /** Where Twilio reaches us; without it nobody tells what became of a message. */
  publicUrl: string | undefined;
  log: Log;
  /** How long an attempt has the text to itself; shorter for tests. */
  leaseMs?: number;
}

const payload = z.object({ tenantId: z.uuid(), textId: z.uuid() });

const counted = counter('holdline_texts_total', 'Attempts to send a text message, by how they ended', [
  'outcome',
]);

/**
 * Sends one text message, once: an attempt is written down before it is made, and one whose answer was lost is looked
 * for before another is made. What cannot be delivered is kept with the reason. `text-retries.ts` says when it is
 * tried again, and for how long.
 */
export function sendText(parts: SendTextParts): Handler {
  return async (given, job) => {
    const read = payload.safeParse(given);
    if (!read.success) throw new FinalFailure('the payload names no text message');
    try {
      await sendOnce(parts, read.data);
    } catch (error) {
      if (job.attempt >= attemptsMax) throw new FinalFailure('tried too often', { cause: error });
      throw new TryAgain(pauseAfterMs(job.attempt), error);
    }
  };
}

/** @throws when it is to be tried again */
async function sendOnce(parts: SendTextParts, key: TextKey): Promise<void> {
  const { sql, directory, sender } = parts;
  const facts = await textFacts(sql, key);
  if (sender === undefined || facts === undefined) return;
  if (facts.status !== 'recorded' && facts.status !== 'sending') return;
  const organization = directory.byId(key.tenantId);
  if (organization === undefined) throw new Error('the organization is not in the directory, or not yet');

  const body = wordText(parts, organization, facts);
  const beganMs = performance.now();
  const leaseMs = parts.leaseMs ?? attemptLeaseMs;
  const begun = await beginText(sql, key, { body, leaseMs, giveUpAfterMs });
  if (begun.do === 'nothing') return;
  if (begun.do === 'busy') throw new Error('another attempt to send it is under way');
  if (begun.look && (await foundEarlier(parts, sender, key, begun))) return;
  if (begun.giveUp !== null) {
    counted({ outcome: begun.giveUp });
    await finishText(sql, key, begun.giveUp === 'withdrawn' ? { status: 'withdrawn' } : gaveUp(begun.giveUp));
    return;
  }
  // A process that was stopped in between no longer knows that nobody else is at it.
  if (performance.now() - beganMs > leaseMs / 2) throw new Error('too much time has passed to send it now');
  await attempt(parts, sender, key, begun);
}

type SendingText = Extract<BegunText, { do: 'send' }>;

/** Whether an earlier attempt had been accepted. When Twilio cannot be asked and time is up, we say we do not know. */
async function foundEarlier(
  { sql, log }: SendTextParts,
  sender: TextSender,
  key: TextKey,
  { number, body, since, pastSids, giveUp }: SendingText,
): Promise<boolean> {
  let found: string[];
  try {
    found = await sender.find({ to: number, body }, since);
  } catch (error) {
    if (giveUp !== null) {
      await finishText(sql, key, gaveUp('unknown'));
      return true;
    }
    await finishText(sql, key, { status: 'sending', reason: 'unavailable', unclear: true });
    throw new Error('Twilio could not be asked whether an earlier attempt was accepted', { cause: error });
  }
  for (const sid of found.filter((one) => !pastSids.includes(one))) {
    // The same words to the same number may also be another text's: then it is not ours.
    if (!(await finishText(sql, key, { status: 'sent', sid }))) continue;
    counted({ outcome: 'found' });
    log.info({ text: key.textId }, 'an earlier attempt had been accepted; nothing is sent again');
    return true;
  }
  return false;
}

async function attempt(
  { sql, publicUrl, log }: SendTextParts,
  sender: TextSender,
  key: TextKey,
  { number, body }: SendingText,
): Promise<void> {
  const outcome = await sender.send({ to: number, body, statusCallback: callbackUrl(publicUrl, key) });
  if (outcome.accepted) {
    counted({ outcome: 'sent' });
    await finishText(sql, key, { status: 'sent', sid: outcome.sid });
    return;
  }
  const { problem: reason, code, unclear } = outcome;
  counted({ outcome: reason });
  if (!unclear && !mayPass(reason)) {
    if (reason === 'opted_out') await setOptedOut(sql, number, true);
    await finishText(sql, key, { status: 'failed', reason, code });
    log.warn({ text: key.textId, reason, code }, 'a text message cannot be sent');
    return;
  }
  await finishText(sql, key, { status: 'sending', reason, code, unclear });
  throw new Error(
    `the text message could not be sent now: ${reason}${code === undefined ? '' : ` (${code})`}`,
  );
}

function gaveUp(reason: string) {
  return { status: 'failed', reason } as const;
}

/** The ids in it are signed with the rest, so that what comes back is known even when our own answer was lost. */
function callbackUrl(publicUrl: string | undefined, { tenantId, textId }: TextKey): string | undefined {
  return publicUrl === undefined ? undefined : `${publicUrl}/twilio/status?tenant=${tenantId}&text=${textId}`;
}
