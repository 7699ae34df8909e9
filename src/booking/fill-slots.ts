import type { Sql } from 'postgres';
import type { Organization, Practitioner } from '#organization/organization.ts';
import { inTenant } from '#storage/postgres.ts';
import { addDays, localDate, slotsOf } from './open-hours.ts';

/**
 * Writes the slots of an organization's open hours from today to its horizon that are not there yet.
 * Never touches a slot that exists, so claims and blocks stay.
 *
 * @returns how many slots were added
 */
export async function fillSlots(sql: Sql, organization: Organization, now: Date): Promise<number> {
  const { schedule, zone } = organization;
  const today = localDate(zone, now);
  const span = { from: today, to: addDays(today, schedule.horizonDays - 1) };
  return inTenant(sql, organization.id, async (tx) => {
    let added = 0;
    for (const practitioner of organization.practitioners) {
      const slots = slotsOf(schedule, zone, span, practitioner.weekly ?? undefined);
      if (slots.length === 0) continue;
      const result = await tx`
        insert into available_slots (tenant_id, practitioner_id, slot_id, starts_at, during, occupies)
        select ${organization.id}, ${practitioner.id}, id, starts_at, tstzrange(starts_at, ends_at),
          tstzrange(starts_at, ends_at + make_interval(mins => ${schedule.bufferMinutes}))
        from unnest(
          ${slots.map((slot) => slotIdOf(slot.startsAt, practitioner))}::text[],
          ${slots.map((slot) => slot.startsAt.toISOString())}::timestamptz[],
          ${slots.map((slot) => slot.endsAt.toISOString())}::timestamptz[]
        ) as slot (id, starts_at, ends_at)
        on conflict (tenant_id, slot_id) do nothing`;
      added += result.count;
    }
    return added;
  });
}

/** The ledger's own name of a slot: UTC instant to the second and the practitioner's key. */
function slotIdOf(startsAt: Date, practitioner: Pick<Practitioner, 'key'>): string {
  return `${startsAt.toISOString().slice(0, 19)}Z/${practitioner.key}`;
}
