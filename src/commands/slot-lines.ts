import type { ClaimOutsideHours, SlotChanges } from '#availability/slot-upkeep.ts';
import { type Organization, practitionerOf } from '#organization/organization.ts';

/** What an edit of the hours did to the slots, and which claims the clinic has to look after itself. */
export function slotLines(
  organization: Organization,
  { added, removed, changed }: SlotChanges,
  outside: ClaimOutsideHours[],
): string[] {
  const lines = [
    added + removed + changed === 0
      ? 'Slots: all as the hours say; a running server has seen to it where something had to change.'
      : `Slots: ${added} added, ${removed} removed, ${changed} changed.`,
  ];
  if (outside.length === 0) return lines;
  lines.push('Outside the open hours now, and kept; call these people, or be there after all:');
  for (const { startsAt, practitionerId, status } of outside) {
    const practitioner = practitionerOf(organization, practitionerId)?.name ?? '';
    const what = status === 'booked' ? 'an appointment' : 'a call that holds the time right now';
    lines.push(`  ${clinicTime(startsAt, organization)}  ${practitioner}  ${what}`);
  }
  return lines;
}

/** An instant by the clinic's clock, e.g. `2026-11-24, 14:00`. */
export function clinicTime(instant: Date, { zone }: Pick<Organization, 'zone'>): string {
  return new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'short',
    hourCycle: 'h23',
  }).format(instant);
}
