import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js';
import type { Practitioner, WeeklyHours } from './organization.ts';
import type { OrganizationDocument } from './organization-document.ts';

const minutesOfADay = 24 * 60;
/** A slot and its buffer are a day at most: the ledger looks no further back for what may reach into another slot. */
const slotMinutesMax = minutesOfADay / 2;
/** Every start is a row. */
const gridMinutesMin = 5;
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

function peopleProblems({ practitioners, schedule }: OrganizationDocument): string[] {
  return practitioners.flatMap(({ key, weekly, ...own }) => {
    const place = `practitioners.${key}`;
    return [
      ...(weekly == null ? [] : hoursProblems(weekly, `${place}.weekly`)),
      ...bookingProblems(own, own.horizonDays ?? schedule.horizonDays, place),
    ];
  });
}

function scheduleProblems({ schedule }: OrganizationDocument): string[] {
  return [
    ...hoursProblems(schedule.weekly, 'schedule.weekly'),
    ...bookingProblems(schedule, schedule.horizonDays, 'schedule'),
  ];
}

/** A file may leave anything out. */
type MaybeSaid<T> = { [Field in keyof T]?: T[Field] | undefined };

/** What else can be wrong with a clinic's schedule, or with what a practitioner has different. */
function bookingProblems(own: MaybeSaid<Practitioner>, horizonDays: number, place: string): string[] {
  const problems: string[] = [];
  const days = own.specialDays ?? [];
  for (const [index, { date, open }] of days.entries()) {
    problems.push(...stretchProblems(open, `${place}.specialDays.${date}`));
    if (days.findIndex((one) => one.date === date) !== index)
      problems.push(`${place}.specialDays.${date}: is there twice; put all its hours into one entry`);
  }
  for (const [name, max, unit] of [
    ['slotMinutes', slotMinutesMax, 'twelve hours'],
    ['gridMinutes', minutesOfADay, 'a day'],
    ['bufferMinutes', slotMinutesMax, 'twelve hours'],
    ['minimumNoticeMinutes', horizonDays * minutesOfADay, 'the horizon: nothing could be booked'],
    ['horizonDays', horizonDaysMax, 'a year'],
  ] as const) {
    const value = own[name];
    if (value != null && value > max)
      problems.push(`${place}.${name}: ${value} is more than ${unit}; use at most ${max}`);
  }
  if (own.gridMinutes != null && own.gridMinutes < gridMinutesMin)
    problems.push(
      `${place}.gridMinutes: ${own.gridMinutes} makes too many starts; use at least ${gridMinutesMin}`,
    );
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
