import type { Sql } from 'postgres';
import type { CallKey } from '#booking/calls.ts';
import { holdInLastMinute } from '#booking/holds.ts';
import type { Organization } from '#organization/organization.ts';
import type { Prompts } from '#prompts/templates.ts';
import type { Events } from '#telemetry/events.ts';
import type { Log } from '#telemetry/log.ts';
import { spokenAppointment } from '#tools/offering.ts';
import type { ToolContext } from '#tools/tool.ts';
import type { CallerSpeech } from './caller-speech.ts';
import type { CallMemory } from './live-calls.ts';
import type { Spoken, SpokenWords } from './speech.ts';
import type { SpeakingLine } from './turn-events.ts';

/** The caller is warned when so much of the hold is left. */
const warnBeforeMs = 60_000;
/** Past this nobody waits any longer for a pause in the caller's words. */
const waitForPauseUntilMs = 15_000;
const lookForPauseEveryMs = 300;

export interface HoldWatch {
  /**
   * Waits for the last minute of the call's hold, and then extends it or warns the caller, once and by one process
   * only: the ledger says which. Replaces an earlier wait for the same call; without a live hold there is none.
   *
   * @param beganAtMs when `context.facts` was read, by `performance.now()`
   */
  watch(context: ToolContext, line: SpeakingLine, memory: CallMemory, beganAtMs: number): void;
}

export function createHoldWatch(parts: {
  sql: Sql;
  prompts: Prompts;
  spoken: Spoken;
  callerSpeech: CallerSpeech;
  events: Events;
  log: Log;
}): HoldWatch {
  return {
    watch(context, line, memory, beganAtMs) {
      memory.stopWatchingHold?.();
      memory.stopWatchingHold = undefined;
      const { hold, now: ledgerNow } = context.facts;
      if (hold === null || hold.fromEarlierCall) return;
      // Lengths only: this process's clock may be wrong, the ledger's is the hold's.
      const endsAtMs = beganAtMs + hold.expiresAt.getTime() - ledgerNow.getTime();
      const stop = new AbortController();
      memory.stopWatchingHold = () => stop.abort();
      const { organization } = context;
      const slot = spokenAppointment(context, hold);
      const words = parts.spoken(parts.prompts.speak('hold-ending', context, { slot }), 'template');
      wait(
        { ...parts, organization, call: context.call, version: hold.version, words, line, stop: stop.signal },
        endsAtMs,
      );
    },
  };
}

interface Waiting {
  sql: Sql;
  callerSpeech: CallerSpeech;
  events: Events;
  log: Log;
  organization: Organization;
  call: CallKey;
  /** Which hold it is about. */
  version: string;
  words: SpokenWords;
  line: SpeakingLine;
  stop: AbortSignal;
}

function wait(waiting: Waiting, endsAtMs: number): void {
  const delayMs = Math.max(0, endsAtMs - warnBeforeMs - performance.now());
  const timer = setTimeout(() => {
    lastMinute(waiting, endsAtMs).catch((error: unknown) => {
      waiting.log.warn({ err: error }, 'the caller could not be warned that a hold ends');
    });
  }, delayMs);
  timer.unref();
  waiting.stop.addEventListener('abort', () => clearTimeout(timer), { once: true });
}

async function lastMinute(waiting: Waiting, endsAtMs: number): Promise<void> {
  const { sql, callerSpeech, events, organization, call, version, words, line, stop } = waiting;
  while (endsAtMs - performance.now() > waitForPauseUntilMs && (await callerSpeech.speaking(call))) {
    await new Promise((resolve) => setTimeout(resolve, lookForPauseEveryMs).unref());
    if (stop.aborted) return;
  }
  const askedAtMs = performance.now();
  const { action, remainingMs } = await holdInLastMinute(sql, call, version);
  if (action === 'extended') events.holdExtended(organization, call.callSid, { endsInMs: remainingMs ?? 0 });
  if (stop.aborted) return;
  if (action === 'warn') {
    await line.say(words);
    events.holdWarned(organization, call.callSid, { endsInMs: remainingMs ?? 0 });
  }
  // Extended, by us or by another process: the same question comes again before the new end.
  else if (remainingMs !== undefined && remainingMs > warnBeforeMs) wait(waiting, askedAtMs + remainingMs);
}
