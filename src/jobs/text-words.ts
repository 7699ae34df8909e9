import type { TextFacts } from '#booking/texts.ts';
import type { Organization } from '#organization/organization.ts';
import type { Prompts } from '#prompts/templates.ts';

/** The words of a text about an appointment, in its language, by the clinic's templates. */
export function wordText(prompts: Prompts, organization: Organization, facts: TextFacts): string {
  const { wording, language, name, old } = facts;
  const to = { organization, language };
  const values = { name, slot: writtenAppointment(facts, organization, language) };
  if (wording !== 'moved') return prompts.text(wording, to, values);
  return prompts.text(wording, to, {
    ...values,
    old: old === null ? '' : writtenAppointment(old, organization, language),
  });
}

/** "Tuesday, November 24 at 2:00 PM with Dr. Lee": on a screen, figures are read faster than words. */
function writtenAppointment(
  { startsAt, practitionerId }: { startsAt: Date; practitionerId: string },
  { zone, practitioners }: Organization,
  language: string,
): string {
  const options = {
    timeZone: zone,
    weekday: 'long',
    month: 'long',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
  } as const;
  const when = new Intl.DateTimeFormat(language, options).format(startsAt);
  // Where there is one, everybody knows with whom.
  const who = practitioners.length > 1 ? practitioners.find((one) => one.id === practitionerId) : undefined;
  return who === undefined ? when : `${when} (${who.name})`;
}
