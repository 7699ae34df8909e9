import type { Sql } from 'postgres';
import type { OpenSlots } from '#availability/open-slots.ts';
import { type CallKey, callIsKnown, endCall } from '#booking/calls.ts';
import { startCall } from '#booking/turns.ts';
import type { Organization } from '#organization/organization.ts';
import type { Events } from '#telemetry/events.ts';
import type { Log } from '#telemetry/log.ts';
import type { Admission } from './admission.ts';
import type { CallMemory, LiveCalls } from './live-calls.ts';
import { type PromptParts, preparePrompt } from './prompt.ts';

/** A call from its first sign to its end, whichever message brings either. */
export interface CallLife {
  /**
   * The call has started: what its first booking turn will need is fetched now, while the greeting is spoken. Nobody
   * waits for it, and the second message to say so finds it done. While there is no room for the call, nothing is:
   * whoever is going to be turned away must cost those who are on nothing.
   */
  started(about: { organization: Organization; callSid: string; caller: string | null; now: Date }): void;
  /**
   * Whether the ledger knows the call already: then it is no new one, and nobody is greeted again.
   *
   * @throws when the ledger cannot be reached
   */
  known(about: { organization: Organization; callSid: string }): Promise<boolean>;
  /**
   * A turn of a call that was taken; when it is the first sign of the call, its preparation begins with it. In the ledger
   * the turn begins the call by itself.
   */
  firstTurn(about: { organization: Organization; callSid: string; caller: string | null; now: Date }): void;
  /**
   * The call is over; said twice it is noted once.
   *
   * @param reason the platform's own word for why, e.g. `customer-ended-call`
   * @throws when the ledger cannot be reached, so that the platform may say it again
   */
  ended(about: { organization: Organization; callSid: string; reason: string | null }): Promise<void>;
}

export function createCallLife(parts: {
  sql: Sql;
  openSlots: OpenSlots;
  liveCalls: LiveCalls;
  admission: Admission;
  systemPrompt: (about: PromptParts) => string;
  events: Events;
  log: Log;
}): CallLife {
  const { sql, openSlots, liveCalls, admission, events, log } = parts;

  function begin(
    call: CallKey,
    organization: Organization,
    work: (memory: CallMemory) => Promise<unknown>,
  ): void {
    liveCalls.startOnce(call, async (memory) => {
      try {
        await work(memory);
      } catch (error) {
        // The turn fetches what it needs itself; it only takes longer.
        log.warn({ err: error, organization: organization.key }, 'a call could not be prepared');
      }
    });
  }

  return {
    started({ organization, callSid, caller, now }) {
      if (!admission.open) return;
      const call = { tenantId: organization.id, callSid };
      begin(call, organization, async (memory) => {
        // Whoever has been greeted is not turned away at their first words.
        memory.admitted ??= admission.take();
        const [{ first, facts, upcoming }] = await Promise.all([
          startCall(sql, call, caller),
          openSlots.preload(organization, now),
        ]);
        preparePrompt(parts.systemPrompt, { organization, now });
        if (!first) return;
        // What its first turn will find, so that the model can be asked while the ledger still is.
        memory.facts ??= facts;
        const hold = facts.snapshot.hold !== null;
        log.info({ organization: organization.key, call: callSid, hold, upcoming }, 'call started');
        events.callStarted(organization, callSid, { caller });
      });
    },
    known: ({ organization, callSid }) => callIsKnown(sql, { tenantId: organization.id, callSid }),
    firstTurn({ organization, callSid, caller, now }) {
      const call = { tenantId: organization.id, callSid };
      begin(call, organization, () => {
        events.callStarted(organization, callSid, { caller });
        return openSlots.preload(organization, now);
      });
    },
    async ended({ organization, callSid, reason }) {
      const call = { tenantId: organization.id, callSid };
      liveCalls.forget(call);
      const fault = reason !== null && /error|fault|failed/i.test(reason) ? reason : null;
      const { first } = await endCall(sql, call, { releaseHold: organization.releaseOnHangUp, fault });
      if (!first) return;
      log.info({ organization: organization.key, call: callSid, reason }, 'call ended');
      events.callEnded(organization, callSid, { reason, holdKept: !organization.releaseOnHangUp });
    },
  };
}
