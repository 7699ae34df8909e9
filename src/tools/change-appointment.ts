import { z } from 'zod';
import { cancelAppointment, findAppointments, moveAppointment, recordFound } from '#booking/appointments.ts';
import type { CallSnapshot } from '#booking/calls.ts';
import { spokenList } from '#language/spoken-time.ts';
import { outcomeOf } from '#prompts/template-variables.ts';
import type { Prompts } from '#prompts/templates.ts';
import { clinicIso, type Offering, offerAgain, spokenAppointment } from './offering.ts';
import { heard } from './reserve-slot.ts';
import { learn, type Tool, type ToolContext, type ToolRun } from './tool.ts';

const findArgs = z.object({
  patientName: z.string().min(1).describe('The name the appointment was made for, as the caller gives it'),
});

/** The caller's own upcoming appointments, after name and number agree. */
export function findOwnAppointments({ sql }: Offering, prompts: Prompts): Tool<typeof findArgs> {
  return {
    name: 'find_appointments',
    description:
      'Finds the caller’s own upcoming appointments, to cancel or move one. Ask for the name first; the number is known from the call.',
    arguments: findArgs,
    async run({ patientName }, context) {
      const { facts, call, language, languages, organization, userTurns } = context;
      const own =
        facts.caller === null
          ? []
          : await findAppointments(sql, call.tenantId, { phone: facts.caller, name: patientName });
      if (own.length === 0) {
        const reason = facts.caller === null ? 'number_withheld' : 'not_found';
        return said({ success: false, reason }, prompts.speak(outcomeOf(reason), context, {}));
      }
      const ids = own.map((one) => one.id);
      learn(context, await recordFound(sql, call, userTurns, ids));
      const appointments = context.facts.found.map((one) => ({
        appointmentId: `appointment_${one.number}`,
        startsAt: clinicIso(one.startsAt, organization.zone),
        spoken: spokenAppointment(context, one),
      }));
      const times = spokenList(
        appointments.map((one) => one.spoken),
        languages.of(language),
      );
      return said(
        { success: true, appointments },
        prompts.speak('found', context, { times, count: appointments.length }),
      );
    },
  };
}

const appointmentId = z.coerce
  .string()
  .describe('An appointmentId that find_appointments returned in this call');
const cancelArgs = z.object({ appointmentId });

/** Cancels an appointment that was read out in an earlier turn of this call. */
export function cancelOwnAppointment(offering: Offering, prompts: Prompts): Tool<typeof cancelArgs> {
  return {
    name: 'cancel_appointment',
    description:
      'Cancels one of the found appointments. Call it only after the caller has agreed to cancel that one.',
    arguments: cancelArgs,
    async run(wanted, context) {
      const { call, organization } = context;
      const own = foundOf(context, wanted.appointmentId);
      if (own === undefined || !heard(own.userTurns, context.userTurns)) return notFound(prompts, context);
      const outcome = await cancelAppointment(offering.sql, call, own.id);
      learn(context, outcome.facts);
      await offering.openSlots.changed(organization, own.startsAt);
      if (!outcome.cancelled) return notFound(prompts, context);
      const slot = spokenAppointment(context, own);
      return said(
        {
          success: true,
          appointmentId: wanted.appointmentId,
          startsAt: clinicIso(own.startsAt, organization.zone),
        },
        prompts.speak('cancelled', context, { slot }),
      );
    },
  };
}

const moveArgs = z.object({
  appointmentId,
  slotId: z.coerce
    .string()
    .describe('The slotId of the new time, one that check_availability returned in this call'),
});

/** Moves an appointment to a time that was offered; it keeps its old time if the new one is gone. */
export function moveOwnAppointment(offering: Offering, prompts: Prompts): Tool<typeof moveArgs> {
  return {
    name: 'move_appointment',
    description:
      'Moves one of the found appointments to an offered time. Call it when the caller has picked the new time; the old time is kept if it fails.',
    arguments: moveArgs,
    async run(wanted, context) {
      const { call, facts, organization } = context;
      const own = foundOf(context, wanted.appointmentId);
      if (own === undefined) return notFound(prompts, context);
      const target = facts.offers.find((one) => one.number === Number(/\d+/.exec(wanted.slotId)?.[0]));
      if (target === undefined || !heard(target.userTurns, context.userTurns))
        return chooseFirst(prompts, context);
      const outcome = await moveAppointment(offering.sql, call, own.id, target);
      learn(context, outcome.facts);
      await offering.openSlots.changed(organization, own.startsAt);
      await offering.openSlots.changed(organization, target.startsAt);
      if (!outcome.moved) {
        const again = offerAgain(context);
        return said(
          {
            success: false,
            reason: outcome.reason === 'changed' ? 'taken' : outcome.reason,
            nearest: again.slots,
          },
          prompts.speak('not-moved', context, { slot: spokenAppointment(context, own) }),
        );
      }
      return said(
        {
          success: true,
          appointmentId: outcome.appointmentId,
          startsAt: clinicIso(outcome.startsAt, organization.zone),
        },
        prompts.speak('moved', context, {
          old: spokenAppointment(context, own),
          slot: spokenAppointment(context, target),
        }),
      );
    },
  };
}

function foundOf({ facts }: ToolContext, id: string): CallSnapshot['found'][number] | undefined {
  return facts.found.find((one) => one.number === Number(/\d+/.exec(id)?.[0]));
}

function notFound(prompts: Prompts, context: ToolContext): ToolRun {
  return said({ success: false, reason: 'not_found' }, prompts.speak('not-found', context, {}));
}

function chooseFirst(prompts: Prompts, context: ToolContext): ToolRun {
  const again = offerAgain(context);
  return said(
    { success: false, reason: 'not_offered', nearest: again.slots },
    prompts.speak('not-offered', context, { ...again.words }),
  );
}

function said(result: ToolRun['result'], speech: string): ToolRun {
  return { result, speech, settled: Promise.resolve() };
}
