import { type CountryCode, getCountryCallingCode, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { Organization } from '#organization/organization.ts';

/** Numbers that cost whoever texts them, or that nobody reads texts on. */
const unfitKinds = new Set<string | undefined>(['PREMIUM_RATE', 'SHARED_COST', 'UAN', 'PAGER', 'VOICEMAIL']);

/**
 * Reads a phone number as it is said in the clinic's country.
 *
 * @returns E.164 and whether the clinic texts to that number's country, or nothing when it is no number anybody could
 *   be texted at
 */
export function readPhone(
  text: string,
  { country, textCountries }: Pick<Organization, 'country' | 'textCountries'>,
): { number: string; allowed: boolean } | undefined {
  const parsed = parsePhoneNumberFromString(text, country as CountryCode);
  if (parsed === undefined || !parsed.isPossible() || unfitKinds.has(parsed.getType())) return undefined;
  // One that belongs to no country yet, such as an area code not given out, is of the country whose code it has.
  const home = country as CountryCode;
  const own = parsed.country ?? (parsed.countryCallingCode === getCountryCallingCode(home) ? home : '');
  return { number: parsed.number, allowed: (textCountries ?? [country]).includes(own) };
}
