import type { TextFacts } from '#booking/texts.ts';
import type { Languages } from '#language/languages.ts';
import { type Organization, practitionerOf } from '#organization/organization.ts';
import type { Prompts } from '#prompts/templates.ts';

/** The words of a text about an appointment, in its language, by the clinic's templates. */
export function wordText(
  { prompts, languages }: { prompts: Prompts; languages: Languages },
  organization: Organization,
  facts: TextFacts,
): string {
  const { wording, language, name, old } = facts;
  const to = { organization, language };
  const written = (one: Appointment) => {
    const when = languages.of(language).texts.moment(one.startsAt, organization.zone, language);
    return withWhom(when, one, organization);
  };
  const values = { name, slot: written(facts) };
  if (wording !== 'moved') return prompts.text(wording, to, values);
  return prompts.text(wording, to, {
    ...values,
    old: old === null ? '' : written(old),
  });
}

type Appointment = Pick<TextFacts, 'startsAt' | 'practitionerId'>;

/** Where there is one practitioner, everybody knows with whom. */
function withWhom(when: string, { practitionerId }: Appointment, organization: Organization): string {
  const who =
    organization.practitioners.length > 1 ? practitionerOf(organization, practitionerId) : undefined;
  return who === undefined ? when : `${when} (${who.name})`;
}
