import { z } from 'zod';
import type { Offer } from '#booking/calls.ts';
import { type ClaimOutcome, claimSlot } from '#booking/holds.ts';
import { localDate } from '#organization/clinic-clock.ts';
import { outcomeOf } from '#prompts/template-variables.ts';
import type { Prompts } from '#prompts/templates.ts';
import {
  clinicIso,
  minuteOfDay,
  type Offered,
  type Offering,
  offerAgain,
  offerNearest,
  spokenAppointment,
} from './offering.ts';
import { learn, type Tool, type ToolContext, type ToolRun } from './tool.ts';

const args = z.object({
  slotId: z.coerce
    .string()
    .describe('The slotId of a time check_availability returned in this call, e.g. "slot_2"'),
  patientName: z.string().optional().describe('The patient’s name, if the caller has said it already'),
});

/** Holds an offered slot for the call. What was offered in the same breath has not been heard and is not held. */
export function reserveSlot(offering: Offering, prompts: Prompts): Tool<typeof args> {
  return {
    name: 'reserve_slot',
    description:
      'Holds one of the offered times for this caller for a few minutes. Call it when the caller picks a time; the appointment is not booked yet.',
    arguments: args,
    async run({ slotId, patientName }, context) {
      const wanted = offerOf(context, slotId);
      if (wanted === undefined || !heard(wanted.userTurns, context.userTurns)) {
        return notOffered(offering, prompts, context);
      }
      const { slotId: id, version } = wanted;
      const outcome = await claimSlot(offering, context.call, { slotId: id, version, turn: context.turn });
      // Whatever the answer, the cached day may no longer be right. Who has the slot need not wait until it is dropped.
      const dropped = offering.openSlots.changed(context.organization, wanted.startsAt);
      if (outcome.held) {
        learn(context, outcome.facts);
        return { ...held({ prompts, context, patientName }, wanted, outcome), settled: dropped };
      }
      await dropped;
      if (outcome.reason === 'superseded') {
        return { result: { success: false, reason: 'superseded' }, speech: '', settled: Promise.resolve() };
      }
      if (outcome.reason === 'limit') return limited(prompts, context);
      return refused(offering, prompts, context, {
        wanted,
        reason: outcome.reason === 'in_the_past' ? 'in_the_past' : 'taken',
      });
    },
  };
}

/**
 * Whether the caller has said something since a thing was said to them. Requests are speculative: one that only
 * extends the words that led to an offer says nothing about the offer.
 */
export function heard(saidAt: number | null, userTurns: number | null): boolean {
  return saidAt === null || userTurns === null || userTurns > saidAt;
}

function offerOf(context: ToolContext, slotId: string): Offer | undefined {
  const number = Number(/\d+/.exec(slotId)?.[0]);
  return context.facts.offers.find((one) => one.number === number);
}

/** @param about `patientName` is only spoken: the booking is where it is written down */
function held(
  about: { prompts: Prompts; context: ToolContext; patientName: string | undefined },
  wanted: Offer,
  outcome: Extract<ClaimOutcome, { held: true }>,
): ToolRun {
  const { prompts, context } = about;
  const { organization, facts } = context;
  const startsAt = clinicIso(wanted.startsAt, organization.zone);
  const slot = spokenAppointment(context, wanted);
  const slotId = `slot_${wanted.number}`;
  if ('alreadyBooked' in outcome) {
    return {
      result: { success: true, slotId, startsAt, booked: true },
      speech: prompts.speak('already-booked', context, { slot }),
      settled: Promise.resolve(),
    };
  }
  const name = facts.patient['name'] ?? (about.patientName?.trim() || undefined);
  return {
    result: { success: true, slotId, startsAt, expiresAt: outcome.expiresAt.toISOString() },
    speech: prompts.speak(name === undefined ? 'reserved' : 'reserved-named', context, {
      slot,
      name: name ?? null,
    }),
    settled: Promise.resolve(),
  };
}

async function notOffered(offering: Offering, prompts: Prompts, context: ToolContext): Promise<ToolRun> {
  const { organization, now } = context;
  const again =
    context.facts.offers.length > 0
      ? offerAgain(context)
      : await offerNearest(offering, context, localDate(organization.zone, now));
  return withNearest(prompts, context, 'not_offered', again);
}

function limited(prompts: Prompts, context: ToolContext): ToolRun {
  return {
    result: { success: false, reason: 'limit', nearest: [] },
    speech: prompts.speak('limit', context, {}),
    settled: Promise.resolve(),
  };
}

async function refused(
  offering: Offering,
  prompts: Prompts,
  context: ToolContext,
  { wanted, reason }: { wanted: Offer; reason: 'taken' | 'in_the_past' },
): Promise<ToolRun> {
  const { organization } = context;
  const minute = minuteOfDay(wanted.startsAt, organization.zone);
  const wish = { kind: 'at' as const, fromMinute: minute, toMinute: minute };
  const nearest = await offerNearest(offering, context, localDate(organization.zone, wanted.startsAt), {
    wish,
  });
  return withNearest(prompts, context, reason, nearest);
}

function withNearest(
  prompts: Prompts,
  context: ToolContext,
  reason: 'taken' | 'in_the_past' | 'not_offered',
  nearest: Offered,
): ToolRun {
  return {
    result: { success: false, reason, nearest: nearest.slots },
    speech: prompts.speak(outcomeOf(reason), context, { ...nearest.words }),
    settled: nearest.settled,
  };
}
