import { z } from 'zod';
import {
  acceptAdoptedHold,
  type ConfirmOutcome,
  confirmBooking,
  namesAgree,
  type PatientDetails,
} from '#booking/appointments.ts';
import { localDate } from '#organization/clinic-clock.ts';
import { outcomeOf } from '#prompts/template-variables.ts';
import type { Prompts } from '#prompts/templates.ts';
import { clinicIso, type Offering, offerNearest, spokenAppointment } from './offering.ts';
import { readPhone } from './phone-number.ts';
import { heard } from './reserve-slot.ts';
import { learn, type Tool, type ToolContext, type ToolRun } from './tool.ts';

const details = z.object({
  patientName: z.string().optional(),
  reason: z.string().optional(),
  email: z.string().optional(),
});

const args = z.object({
  phone: z
    .string()
    .optional()
    .describe('Only if the text message should go to another number than the caller’s'),
  appointmentDetails: z
    .union([details, z.string()])
    .optional()
    .describe('The patient’s name, and reason or email if the caller gave them'),
});

/**
 * The caller's yes: books the held slot and promises the text message. Called again it corrects the details of the
 * booking and tells the same success.
 *
 * A limit on texts (per call, per number and day, per organization and day) refuses a text and never an appointment: a
 * booking whose text is over one succeeds with `sms: "limit"`, as one of somebody who answered STOP does with
 * `"opted_out"`, and the caller is told that no text comes. A number that is dictated and cannot be texted is asked for
 * again before anything is booked (`invalid_phone`, `country_not_allowed`); a corrected one that is over a limit is
 * noted, and refused with `limit`, as the text was all that was asked for.
 *
 * @param texting whether text messages are really sent; otherwise the caller is promised none
 */
export function sendSmsReminder(offering: Offering, prompts: Prompts, texting: boolean): Tool<typeof args> {
  return {
    name: 'send_sms_reminder',
    description:
      'Books the held time and sends the confirmation by text message. Call it when the caller agrees to the held time, and again when they correct a name or number.',
    arguments: args,
    async run({ phone, appointmentDetails }, context) {
      const { facts, organization } = context;
      if (facts.holdVersion === null) return noHold(offering, prompts, context);
      if (facts.hold?.fromEarlierCall === true) {
        return takeOver(offering, prompts, context, patientOf(appointmentDetails).name);
      }
      const confirmsHold = facts.hold !== null && facts.hold.version === facts.holdVersion;
      if (confirmsHold && !heard(facts.hold?.userTurns ?? null, context.userTurns)) {
        return unconfirmed(prompts, context);
      }
      const dictated = phone === undefined || phone.trim() === '' ? undefined : phone;
      const phoneRead = readPhone(dictated ?? facts.patient['phone'] ?? facts.caller ?? '', organization);
      if (dictated !== undefined && phoneRead === undefined)
        return refused(prompts, context, 'invalid_phone');
      if (dictated !== undefined && phoneRead?.allowed === false) {
        return refused(prompts, context, 'country_not_allowed');
      }
      const number = phoneRead?.number;

      const patient = {
        ...patientOf(appointmentDetails),
        ...(number === undefined ? {} : { phone: number }),
      };
      const outcome = await confirmBooking(offering.sql, context.call, {
        holdVersion: facts.holdVersion,
        patient,
        // The number somebody merely calls from is no reason to refuse a booking: it is made without a text then.
        text: phoneRead?.allowed
          ? { number: phoneRead.number, wording: 'confirmation', language: context.language }
          : null,
        turn: context.turn,
      });
      if (!outcome.booked && outcome.reason === 'superseded') {
        return { result: { success: false, reason: 'superseded' }, speech: '', settled: Promise.resolve() };
      }
      learn(context, outcome.facts);
      if (!outcome.booked) return noHold(offering, prompts, context);
      await offering.openSlots.changed(organization, outcome.startsAt);
      const corrected = outcome.repeated && number !== undefined && number !== facts.patient['phone'];
      if (corrected && outcome.text === 'limit') return refused(prompts, context, 'limit');
      const corrects =
        outcome.repeated && Object.entries(patient).some(([key, value]) => facts.patient[key] !== value);
      return booked({ prompts, context, texting }, outcome, corrects);
    },
  };
}

/**
 * The caller was cut off and is back. Caller ids can be forged: nothing of the hold is told before the caller gives
 * the name on it; then it is read out, and the yes comes in a later turn.
 */
async function takeOver(
  offering: Offering,
  prompts: Prompts,
  context: ToolContext,
  name: string | undefined,
): Promise<ToolRun> {
  const { facts, call } = context;
  if (name === undefined) {
    return {
      result: { success: false, reason: 'name_needed' },
      speech: prompts.speak('name-needed', context, {}),
      settled: Promise.resolve(),
    };
  }
  const recorded = facts.patient['name'];
  if (recorded !== undefined && !namesAgree(recorded, name)) return noHold(offering, prompts, context);
  learn(context, await acceptAdoptedHold(offering.sql, call, name));
  // It may have ended just now.
  return context.facts.hold === null ? noHold(offering, prompts, context) : unconfirmed(prompts, context);
}

function booked(
  { prompts, context, texting }: { prompts: Prompts; context: ToolContext; texting: boolean },
  outcome: Extract<ConfirmOutcome, { booked: true }>,
  corrects: boolean,
): ToolRun {
  const { facts, organization } = context;
  const texted = texting && outcome.text === 'queued';
  return {
    result: {
      success: true,
      appointmentId: outcome.appointmentId,
      startsAt: clinicIso(outcome.startsAt, organization.zone),
      sms: texting ? (outcome.text ?? 'none') : 'recorded',
    },
    speech: prompts.speak(corrects ? 'corrected' : 'booked', context, {
      slot: spokenAppointment(context, outcome),
      name: facts.patient['name'] ?? null,
      texted,
      untexted: texting && !texted,
    }),
    settled: Promise.resolve(),
  };
}

async function noHold(offering: Offering, prompts: Prompts, context: ToolContext): Promise<ToolRun> {
  const { organization, now } = context;
  const nearest = await offerNearest(offering, context, localDate(organization.zone, now));
  return {
    result: { success: false, reason: 'no_hold', nearest: nearest.slots },
    speech: prompts.speak('no-hold', context, { ...nearest.words }),
    settled: nearest.settled,
  };
}

function unconfirmed(prompts: Prompts, context: ToolContext): ToolRun {
  const slot = context.facts.hold === null ? '' : spokenAppointment(context, context.facts.hold);
  return {
    result: { success: false, reason: 'unconfirmed' },
    speech: prompts.speak('unconfirmed', context, { slot }),
    settled: Promise.resolve(),
  };
}

/** The booking stands where there was one; only the text is refused, each reason in a sentence of its own. */
function refused(
  prompts: Prompts,
  context: ToolContext,
  reason: 'invalid_phone' | 'country_not_allowed' | 'limit',
): ToolRun {
  return {
    result: { success: false, reason },
    speech: prompts.speak(reason === 'limit' ? 'text-limit' : outcomeOf(reason), context, {}),
    settled: Promise.resolve(),
  };
}

/** Models send the details as an object, as JSON in a string, or as plain words. */
function patientOf(given: z.infer<typeof args>['appointmentDetails']): PatientDetails {
  const read = typeof given === 'string' ? detailsInText(given) : given;
  const patient: PatientDetails = {};
  if (read?.patientName?.trim()) patient.name = read.patientName.trim();
  if (read?.reason?.trim()) patient.reason = read.reason.trim();
  if (read?.email?.trim()) patient.email = read.email.trim();
  return patient;
}

function detailsInText(text: string): z.infer<typeof details> {
  try {
    const read = details.safeParse(JSON.parse(text));
    if (read.success) return read.data;
  } catch {
    // Plain words.
  }
  return { reason: text };
}
