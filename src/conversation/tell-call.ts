import type { Sql } from 'postgres';
import type { CallKey } from '#booking/calls.ts';
import { readCallNews } from '#booking/turns.ts';
import { type Organization, practitionerOf } from '#organization/organization.ts';
import type { Events } from '#telemetry/events.ts';
import type { Log } from '#telemetry/log.ts';
import type { ToolContext } from '#tools/tool.ts';

/** Tells those who watch what a call brought about, behind its turns. While nobody watches, nothing is done. */
export interface TellCall {
  /** A tool has finished. */
  tool(
    context: Pick<ToolContext, 'organization' | 'call'>,
    about: { name: string; result: { success: boolean } & Record<string, unknown>; durationMs: number },
  ): void;
  /**
   * A turn is over.
   *
   * @param written resolves when the ledger has everything the turn brought about
   */
  turn(
    context: ToolContext,
    about: { spans: Record<string, number>; tools: string[]; cut: boolean },
    written: Promise<unknown>,
  ): void;
  /** What changed outside a turn, such as by tool calls of a platform's own model. */
  changes(
    context: { organization: Organization; call: CallKey; facts: { now: Date } },
    written: Promise<unknown>,
  ): void;
}

export function createTellCall({ sql, events, log }: { sql: Sql; events: Events; log: Log }): TellCall {
  /** Steps, hold and appointment, from the ledger: what was done is told, not what was meant. */
  async function ledgerNews(
    organization: Organization,
    call: CallKey,
    since: Date,
    written: Promise<unknown>,
  ): Promise<void> {
    try {
      await written;
      const news = await readCallNews(sql, call, since);
      if (news === undefined) return;
      const named = ({
        practitionerId,
        startsAt,
        slot,
      }: NonNullable<typeof news.hold | typeof news.booked>) => ({
        slot,
        startsAt: startsAt.toISOString(),
        practitioner: practitionerOf(organization, practitionerId)?.name ?? '',
      });
      for (const { to, ...step } of news.steps) {
        if (to !== null) events.stepChanged(organization, call.callSid, { ...step, to });
      }
      const { hold, booked, patientName } = news;
      events.hold(organization, call.callSid, {
        hold: hold === null ? null : { ...named(hold), endsInMs: hold.endsInMs },
        patientName,
      });
      if (booked !== null) {
        events.appointmentBooked(organization, call.callSid, {
          ...named(booked),
          patientName: booked.patientName,
          phone: booked.phone,
        });
      }
    } catch (error) {
      log.debug({ err: error }, 'what a call brought about could not be read for those who watch');
    }
  }

  return {
    tool({ organization, call }, { name, result, durationMs }) {
      if (!events.watched) return;
      const reason = typeof result['reason'] === 'string' ? result['reason'] : null;
      const { success } = result;
      events.toolFinished(organization, call.callSid, { tool: name, success, reason, durationMs });
    },
    turn({ organization, call, facts }, about, written) {
      if (!events.watched) return;
      events.turnFinished(organization, call.callSid, { turn: facts.turn, ...about });
      void ledgerNews(organization, call, facts.now, written);
    },
    changes({ organization, call, facts }, written) {
      if (events.watched) void ledgerNews(organization, call, facts.now, written);
    },
  };
}
