import type { CallSnapshot } from '#booking/calls.ts';
import type { Organization } from '#organization/organization.ts';
import type { Prompts } from '#prompts/templates.ts';
import { clinicIso, spokenAppointment } from '#tools/offering.ts';
import type { createTemporalContexts } from './temporal-context.ts';

export interface PromptParts {
  organization: Organization;
  facts: CallSnapshot;
  language: string;
  now: Date;
  /** What is written in Vapi's dashboard, if the platform sent it. */
  dashboardPrompt: string | null;
}

/**
 * The one system message in front of the history: the stable part, the same bytes for the whole call; then what
 * changes with the minute; then what is so in this call. A provider's prompt cache holds the first, and the time
 * and the facts are right on every turn.
 */
export function createSystemPrompt(prompts: Prompts, contexts: ReturnType<typeof createTemporalContexts>) {
  const stableParts = new Map<string, { version: number; text: string }>();

  function stable({ organization, dashboardPrompt, language }: PromptParts): string {
    const key = `${organization.id} ${language}`;
    let part = stableParts.get(key);
    if (part === undefined || part.version !== prompts.version) {
      const values = { clinic: organization.name, receptionist: organization.receptionistName, language };
      part = { version: prompts.version, text: prompts.render('system', values) };
      stableParts.set(key, part);
    }
    return dashboardPrompt === null || organization.vapiPrompt === 'ignore'
      ? part.text
      : `${part.text}\n\n${dashboardPrompt}`;
  }

  return (parts: PromptParts): string => {
    const { organization, facts, now } = parts;
    const context = prompts.render('context', {
      ...contexts({ organization, now }),
      confirmDate: confirmDate(parts),
      tenantId: organization.id,
      patientPhone:
        (facts.hold?.fromEarlierCall ? undefined : facts.patient['phone']) ?? facts.caller ?? null,
    });
    return `${stable(parts)}\n\n${context}\n\n${callState(parts)}`;
  };
}

/** The day being discussed: of the hold, else of what was offered last. */
function confirmDate({ facts, organization }: PromptParts): string | null {
  const instant =
    (facts.hold?.fromEarlierCall ? undefined : facts.hold?.startsAt) ?? facts.offers.at(-1)?.startsAt;
  return instant === undefined ? null : clinicIso(instant, organization.zone).slice(0, 10);
}

/** What the tools returned in this call. Vapi's history holds only what was spoken, so it is told every turn. */
function callState({ facts, organization, language, now }: PromptParts): string {
  const { zone, practitioners } = organization;
  const latest = facts.offers.at(-1)?.offeredAt.getTime();
  const say = (slot: { startsAt: Date; practitionerId: string }) => ({
    startsAt: clinicIso(slot.startsAt, zone),
    practitioner: practitioners.find((one) => one.id === slot.practitionerId)?.name ?? '',
    spoken: spokenAppointment({ organization, language, now }, slot),
  });
  const holdNumber = facts.offers.findLast((one) => one.slotId === facts.hold?.slotId)?.number;
  const state = {
    step: facts.step,
    language,
    offers: facts.offers
      .filter((one) => one.offeredAt.getTime() === latest)
      .map((one) => ({ slotId: `slot_${one.number}`, ...say(one) })),
    hold:
      facts.hold === null
        ? null
        : // Whose hold this is, the caller has to say first; until then not even the model is told more.
          facts.hold.fromEarlierCall
          ? { fromEarlierCall: true }
          : {
              ...(holdNumber === undefined ? {} : { slotId: `slot_${holdNumber}` }),
              ...say(facts.hold),
              expiresAt: facts.hold.expiresAt.toISOString(),
            },
    appointment:
      facts.appointment === null ? null : { appointmentId: facts.appointment.id, ...say(facts.appointment) },
    patient: facts.hold?.fromEarlierCall ? {} : facts.patient,
    ...(facts.found.length === 0
      ? {}
      : { found: facts.found.map((one) => ({ appointmentId: `appointment_${one.number}`, ...say(one) })) }),
  };
  return `What is so in this call:\n<call_state>${JSON.stringify(state)}</call_state>`;
}
