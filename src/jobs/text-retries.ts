import type { SmsProblem } from '#sms/outcomes.ts';

// The retry policy of texts: all of it, and nothing else, stands in this file.
//
//  1. An attempt has the text to itself for 45 seconds. Nobody else tries meanwhile.
//  2. An attempt that failed is followed by another one when the reason may pass (`mayPass`): after five seconds, then
//     after twice as long each time, at most a quarter of an hour (`pauseAfterMs`).
//  3. An attempt whose answer was lost may have been accepted. The next one asks Twilio for it before it sends anything,
//     so that nobody gets two.
//  4. A message that Twilio accepted and then could not deliver is sent anew after ten minutes, when the reason may pass.
//  5. A text is given up a day after its first attempt, and at once when the reason does not pass, when the number has
//     answered STOP, when the appointment has begun, or when what it tells is no longer so.
//
// The ledger keeps what happened (`begin_text`, `finish_text`, `note_text_status`) and is told these figures.

/** So long may Twilio take to answer. It answers in well under a second, and no caller waits for it. */
export const twilioAnswerMs = 10_000;

/** So long an attempt has the text to itself: longer than asking and sending take, with the ledger's statements. */
export const attemptLeaseMs = 45_000;

/** So long after the first attempt a text is given up: a confirmation of yesterday's call would only surprise. */
export const giveUpAfterMs = 24 * 3_600_000;

/**
 * More attempts than fit into that day, however the pauses fall. The day ends the attempts; this ends a job that never
 * comes so far as to begin one.
 */
export const attemptsMax = 150;

/** A network that stumbles is back within seconds. */
const firstPauseMs = 5_000;
/** Twilio's longer outages last for hours; a text that is a quarter of an hour later than it could be is still of use. */
const pauseMsMax = 15 * 60_000;
/** A carrier that was too busy for a message is asked again when its queue has had time to drain. */
const undeliveredPauseMs = 10 * 60_000;

/** How long to wait after an attempt, the first being 1. */
export function pauseAfterMs(attempt: number): number {
  return spread(Math.min(firstPauseMs * 2 ** (attempt - 1), pauseMsMax));
}

/** How long to wait before a message that could not be delivered is sent anew. */
export function pauseAfterUndeliveredMs(): number {
  return spread(undeliveredPauseMs);
}

/** Whether sending the same text again later can help. */
export function mayPass(problem: SmsProblem): boolean {
  return passing[problem];
}

const passing: Record<SmsProblem, boolean> = {
  // The provider or a carrier has too much to do.
  rate_limited: true,
  // The provider was not reached, or failed.
  unavailable: true,
  // Somebody who runs this can mend it within the day: a wrong key, no money left.
  account: true,
  // The same answer would come again.
  invalid_number: false,
  landline: false,
  opted_out: false,
  country_not_allowed: false,
  blocked: false,
  refused: false,
};

/** A quarter more or less, so that what failed together does not come back together. */
function spread(ms: number): number {
  return Math.round(ms * (0.75 + Math.random() / 2));
}
