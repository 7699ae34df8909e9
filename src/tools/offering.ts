import { chooseSlots } from '#availability/choose-slots.ts';
import type { OpenSlot, OpenSlots } from '#availability/open-slots.ts';
import { type Offer, recordOffers } from '#booking/calls.ts';
import type { Claiming } from '#booking/holds.ts';
import type { TimeWish } from '#language/read-time.ts';
import {
  type SpokenSlot,
  spokenDate,
  spokenSlot,
  spokenSlotWithDay,
  spokenTimes,
} from '#language/spoken-time.ts';
import { clinicClock, localDate } from '#organization/clinic-clock.ts';
import { type Organization, type Practitioner, practitionerOf } from '#organization/organization.ts';
import { learn, type ToolContext } from './tool.ts';

/** More than this many times in one breath nobody remembers; the contract allows five. */
const offersMax = 4;
/** After a refusal the caller is still thinking of the time that is gone: fewer. */
const nearestMax = 3;

/** What the tools work on. */
export interface Offering extends Claiming {
  openSlots: OpenSlots;
}

/** Offers in the form of a tool result, the words for them, and their being written. */
export interface Offered {
  slots: { slotId: string; startsAt: string; practitioner: string; spoken: string }[];
  /** For templates. */
  words: OfferedWords;
  settled: Promise<void>;
}

export interface OfferedWords {
  /** What is read out; `null`, which is false in a template, when there is nothing. */
  times: string | null;
  /** The day it is on. */
  nearestDay: string | null;
  count: number;
}

/**
 * Chooses among open slots by the caller's wish, gives each its short id in this call, and keeps them. They are told
 * before they are written, so that until then the facts have them as they will be.
 */
export function offerSlots(
  { sql }: Offering,
  context: ToolContext,
  open: OpenSlot[],
  { wish, max = offersMax }: { wish?: TimeWish | undefined; max?: number } = {},
): Offered {
  const { facts, call, userTurns, now, organization } = context;
  const chosen = chooseSlots(open, wish, max, (slot) => minuteOfDay(slot.startsAt, organization.zone));
  const last = facts.offers.at(-1)?.number ?? 0;
  const offers: Offer[] = chosen.map((slot, index) => ({
    ...slot,
    number: last + index + 1,
    userTurns,
    offeredAt: now,
  }));
  if (offers.length === 0) return { ...tell(context, offers), settled: Promise.resolve() };
  learn(context, { ...facts, offers: [...facts.offers, ...offers] });
  return {
    ...tell(context, offers),
    settled: recordOffers(sql, call, context, offers).then((written) => learn(context, written)),
  };
}

/** Offers the nearest open times from a day on, in the order a caller would ask for them. */
export async function offerNearest(
  offering: Offering,
  context: ToolContext,
  fromDate: string,
  { wish, practitioners }: { wish?: TimeWish | undefined; practitioners?: Practitioner[] | undefined } = {},
): Promise<Offered> {
  const open = await offering.openSlots.from(context.organization, fromDate, context.now, practitioners);
  return offerSlots(offering, context, open, { wish, max: nearestMax });
}

/** Reads out again what this call was offered last, under the same ids. */
export function offerAgain(context: ToolContext): Offered {
  const latest = context.facts.offers.at(-1)?.offeredAt.getTime();
  const offers = context.facts.offers.filter((one) => one.offeredAt.getTime() === latest);
  return { ...tell(context, offers), settled: Promise.resolve() };
}

/** What of a call decides how a time is said. */
type Spoken = Pick<ToolContext, 'organization' | 'language' | 'languages' | 'now'>;

/** "Tuesday the twenty-fourth at two in the afternoon with Doctor Lee". */
export function spokenAppointment(
  { organization, language, languages, now }: Spoken,
  slot: { startsAt: Date; practitionerId: string },
): string {
  const today = localDate(organization.zone, now);
  return spokenSlotWithDay(aloud(organization, slot), languages.of(language), { today });
}

function spokenDayOf({ organization, language, languages, now }: Spoken, instant: Date): string {
  const today = localDate(organization.zone, now);
  return spokenDate(localDate(organization.zone, instant), languages.of(language), { today });
}

/** An instant as ISO 8601 with the clinic's own offset, e.g. `2026-11-24T14:00:00-05:00`. */
export function clinicIso(instant: Date, zone: string): string {
  return clinicClock(zone, instant).iso;
}

/** Minutes since the clinic's midnight by its clock. */
export function minuteOfDay(instant: Date, zone: string): number {
  return clinicClock(zone, instant).minute;
}

function tell(context: ToolContext, offers: readonly Offer[]): Omit<Offered, 'settled'> {
  const { organization } = context;
  const language = context.languages.of(context.language);
  const slots = offers.map((one) => ({
    slotId: `slot_${one.number}`,
    startsAt: clinicIso(one.startsAt, organization.zone),
    practitioner: practitionerOf(organization, one.practitionerId)?.name ?? '',
    spoken: spokenSlot(aloud(organization, one), language),
  }));
  const first = offers[0];
  return {
    slots,
    words: {
      times:
        first === undefined
          ? null
          : spokenTimes(
              offers.map((one) => aloud(organization, one)),
              language,
            ),
      nearestDay: first === undefined ? null : spokenDayOf(context, first.startsAt),
      count: slots.length,
    },
  };
}

/** A slot as it is said; the practitioner is named only where there are several. */
function aloud(organization: Organization, slot: { startsAt: Date; practitionerId: string }): SpokenSlot {
  const { zone, practitioners } = organization;
  const practitioner = practitionerOf(organization, slot.practitionerId);
  return {
    startsAt: slot.startsAt,
    zone,
    practitioner: practitioners.length < 2 ? undefined : practitioner?.spokenName,
  };
}
