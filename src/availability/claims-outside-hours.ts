import type { Sql } from 'postgres';
import type { Organization } from '#organization/organization.ts';
import { localDate, openIntervals, timetableOf } from './open-hours.ts';

/** An upcoming hold or appointment at a time the practitioner is no longer there. */
export interface ClaimOutsideHours {
  /** UTC instant / practitioner key. */
  slotId: string;
  practitionerId: string;
  startsAt: Date;
  endsAt: Date;
  status: 'reserved' | 'booked';
}

/**
 * What the hours were changed away from: the clinic has to call these people, or come after all. A claim that lies
 * within the hours but off the present grid is none of them.
 */
export async function claimsOutsideHours(sql: Sql, organization: Organization): Promise<ClaimOutsideHours[]> {
  const rows = await sql<ClaimOutsideHours[]>`
    select slot_id as "slotId", practitioner_id as "practitionerId", starts_at as "startsAt", ends_at as "endsAt",
      status
    from claims_on_withdrawn_slots(${organization.id})`;
  return rows.filter((claim) => !isWithinHours(organization, claim));
}

function isWithinHours(organization: Organization, claim: ClaimOutsideHours): boolean {
  const practitioner = organization.practitioners.find((one) => one.id === claim.practitionerId);
  if (practitioner === undefined) return false;
  const date = localDate(organization.zone, claim.startsAt);
  return openIntervals(timetableOf(organization, practitioner), { from: date, to: date }).some(
    ({ startsAt, endsAt }) => startsAt <= claim.startsAt && claim.endsAt <= endsAt,
  );
}
