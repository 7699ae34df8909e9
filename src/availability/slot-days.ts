import type { Sql } from 'postgres';
import { z } from 'zod';
import { dayBounds } from '#organization/clinic-clock.ts';

/** A slot that can be claimed, with the version it had when it was read. */
export interface OpenSlot {
  /** UTC instant / practitioner key. */
  slotId: string;
  version: string;
  startsAt: Date;
  practitionerId: string;
}

/** The open slots of one of a clinic's days, in order of time, as they were at a moment. */
export interface SlotDay {
  readAtMs: number;
  /** When it is to be read again whatever happens: its lifetime is over, or a hold in it runs out. */
  untilMs: number;
  slots: OpenSlot[];
}

/** How long a day is kept: what nobody announced is noticed this late. */
export const dayLifetimeMs = 3_600_000;

/** Reads the open slots of consecutive days from the ledger, in one question. */
export async function readDays(
  sql: Sql,
  about: { tenantId: string; zone: string; dates: string[]; nowMs: number },
): Promise<Map<string, SlotDay>> {
  const { tenantId, zone, dates, nowMs } = about;
  const bounds = dates.map((date) => dayBounds(zone, date));
  const [from, to] = [bounds[0]?.startsAt ?? new Date(), bounds.at(-1)?.endsAt ?? new Date()];
  const [row] = await sql`select open_slots_with_holds(${tenantId}, ${from}, ${to}) as read`;
  const { slots, holds } = answer.parse(row?.['read']);
  return new Map(
    dates.map((date, index) => {
      const day = bounds[index] ?? { startsAt: from, endsAt: to };
      const [beginsMs, endsMs] = [day.startsAt.getTime(), day.endsAt.getTime()];
      const heldInDay = holds.filter(([start, end]) => start < endsMs && end > beginsMs);
      const lifetimeMs = Math.min(dayLifetimeMs, ...heldInDay.map(([, , endsInMs]) => endsInMs));
      const open = slots
        .filter(([, , startsAtMs]) => startsAtMs >= beginsMs && startsAtMs < endsMs)
        .map(slotOf);
      return [date, { readAtMs: nowMs, untilMs: nowMs + lifetimeMs, slots: open }];
    }),
  );
}

/** A day as the shared cache keeps it. */
export function writeDay(day: SlotDay): string {
  const slots = day.slots.map((slot): WrittenSlot => {
    return [slot.slotId, slot.version, slot.startsAt.getTime(), slot.practitionerId];
  });
  return JSON.stringify([day.readAtMs, day.untilMs, slots]);
}

/** Reads what `writeDay` wrote; nothing when it is something else, e.g. another version's. */
export function parseDay(text: string): SlotDay | undefined {
  try {
    const [readAtMs, untilMs, slots] = JSON.parse(text) as [number, number, WrittenSlot[]];
    if (!Number.isFinite(readAtMs) || !Number.isFinite(untilMs)) return undefined;
    return { readAtMs, untilMs, slots: slots.map(slotOf) };
  } catch {
    return undefined;
  }
}

type WrittenSlot = [slotId: string, version: string, startsAtMs: number, practitionerId: string];

function slotOf([slotId, version, startsAtMs, practitionerId]: WrittenSlot): OpenSlot {
  return { slotId, version, startsAt: new Date(startsAtMs), practitionerId };
}

const answer = z.object({
  slots: z.array(z.tuple([z.string(), z.string(), z.number(), z.string()])),
  holds: z.array(z.tuple([z.number(), z.number(), z.number()])),
});
