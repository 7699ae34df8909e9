import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js';
import type { Organization, WeeklyHours } from './organization.ts';
import type { OrganizationDocument } from './organization-file.ts';

/** Longer than any appointment; above it somebody has meant something else. */
const minutesOfADay = 24 * 60;
/** Every slot up to the horizon is a row: a year is what a clinic plans. */
const horizonDaysMax = 366;

/** What is wrong with an organization although every field has the right form: each with where and what to do. */
export function documentProblems(document: OrganizationDocument): string[] {
  return [
    ...peopleProblems(document),
    ...scheduleProblems(document),
    ...numberProblems(document),
    ...languageProblems(document.languages ?? []),
  ];
}

/**
 * Addresses that another organization answers to already.
 *
 * @param owner who answers to an address now
 */
export function takenAddresses(
  key: string,
  addresses: Organization['addresses'],
  owner: (address: Organization['addresses'][number]) => Organization | undefined,
): string[] {
  return addresses.flatMap((address) => {
    const other = owner(address);
    return other === undefined || other.key === key
      ? []
      : [
          `${address.value}: belongs to the organization ${other.key}; an address says who was called, so take it away there first`,
        ];
  });
}

function peopleProblems({ practitioners }: OrganizationDocument): string[] {
  return practitioners.flatMap(({ key, weekly }) =>
    weekly == null ? [] : hoursProblems(weekly, `practitioners.${key}.weekly`),
  );
}

function scheduleProblems({ schedule }: OrganizationDocument): string[] {
  const { weekly, specialDays, slotMinutes, gridMinutes, bufferMinutes, minimumNoticeMinutes, horizonDays } =
    schedule;
  const problems = hoursProblems(weekly, 'schedule.weekly');
  for (const [index, { date, open }] of specialDays.entries()) {
    problems.push(...stretchProblems(open, `schedule.specialDays.${date}`));
    if (specialDays.findIndex((one) => one.date === date) !== index)
      problems.push(`schedule.specialDays.${date}: is there twice; put all its hours into one entry`);
  }
  for (const [name, value, max, unit] of [
    ['slotMinutes', slotMinutes, minutesOfADay, 'a day'],
    ['gridMinutes', gridMinutes, minutesOfADay, 'a day'],
    ['bufferMinutes', bufferMinutes, minutesOfADay, 'a day'],
    [
      'minimumNoticeMinutes',
      minimumNoticeMinutes,
      horizonDays * minutesOfADay,
      'the horizon: nothing could be booked',
    ],
    ['horizonDays', horizonDays, horizonDaysMax, 'a year'],
  ] as const) {
    if (value > max) problems.push(`schedule.${name}: ${value} is more than ${unit}; use at most ${max}`);
  }
  return problems;
}

function hoursProblems(weekly: WeeklyHours, place: string): string[] {
  return Object.entries(weekly).flatMap(([day, stretches]) => stretchProblems(stretches, `${place}.${day}`));
}

function stretchProblems(stretches: { from: string; to: string }[], place: string): string[] {
  return stretches.flatMap(({ from, to }, index) => {
    const before = stretches[index - 1];
    if (to > '24:00') return [`${place}: ${to} is past midnight; end at 24:00 and go on the next day`];
    if (from >= to)
      return [`${place}: ${from}-${to} ends before it begins; past midnight belongs to the next day`];
    if (before !== undefined && from < before.to)
      return [
        `${place}: ${from}-${to} overlaps or comes before ${before.from}-${before.to}; put them in order`,
      ];
    return [];
  });
}

function numberProblems({ country, humanNumber, numbers }: OrganizationDocument): string[] {
  const problems: string[] = [];
  if (country !== undefined && !isSupportedCountry(country))
    problems.push(`country: ${country} is no country's code; write e.g. US`);
  const read = (value: string, place: string) => {
    const number = parsePhoneNumberFromString(value, country as CountryCode | undefined)?.number;
    if (number === undefined)
      problems.push(`${place}: ${value} is no phone number; write it as "+13125550100"`);
    else if (number !== value)
      problems.push(`${place}: ${value} is not in the international form; write it as "${number}"`);
  };
  if (humanNumber != null) {
    read(humanNumber, 'humanNumber');
    if (numbers.includes(humanNumber))
      problems.push(
        `humanNumber: ${humanNumber} is answered by Holdline itself (numbers); callers sent there would come back`,
      );
  }
  for (const number of numbers) read(number, 'numbers');
  return problems;
}

function languageProblems(languages: string[]): string[] {
  return languages.flatMap((language) => {
    try {
      const [canonical] = Intl.getCanonicalLocales(language);
      return canonical === language ? [] : [`languages: ${language} is written ${canonical}`];
    } catch {
      return [`languages: ${language} is no language; write e.g. en or es`];
    }
  });
}
