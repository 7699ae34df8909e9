import { isIP } from 'node:net';
import { z } from 'zod';
import type { Schedule } from './organization.ts';

// What can be said about an organization and its practitioners, as it is read from the ledger and from a file. Each
// field is a column of the same name (`spokenName` is `spoken_name`): one that is added here can be set at once.

const clock = z
  .string()
  .regex(/^([01]\d|2[0-4]):[0-5]\d$/, 'is not a time; write it as 09:00, midnight as 24:00');
const stretches = z.array(z.object({ from: clock, to: clock }));
export const weekdayName = z.enum([
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
]);
const weekly = z.partialRecord(weekdayName, stretches);

const schedule = z.object({
  weekly,
  specialDays: z.array(z.object({ date: z.iso.date(), open: stretches, note: z.string().optional() })),
  slotMinutes: z.int().positive(),
  gridMinutes: z.int().positive(),
  bufferMinutes: z.int().nonnegative(),
  minimumNoticeMinutes: z.int().nonnegative(),
  horizonDays: z.int().positive(),
});

/** What of a schedule a practitioner may have different; `null` is as it is for the clinic. */
const own = schedule.pick({ specialDays: true }).extend({
  slotMinutes: schedule.shape.slotMinutes.nullable(),
  gridMinutes: schedule.shape.gridMinutes.nullable(),
  bufferMinutes: schedule.shape.bufferMinutes.nullable(),
  minimumNoticeMinutes: schedule.shape.minimumNoticeMinutes.nullable(),
  horizonDays: schedule.shape.horizonDays.nullable(),
});

const limit = z.int().nonnegative().nullable();

/** Columns of `organizations`; its key and id never change and stand apart. */
export const settings = z.object({
  key: z.string(),
  name: z.string(),
  zone: z.string().refine(isZone, 'is not an IANA time zone; write e.g. America/New_York'),
  country: z.string(),
  languages: z.array(z.string()).nonempty(),
  receptionistName: z.string(),
  humanNumber: z.string().nullable(),
  vapiPrompt: z.enum(['append', 'ignore']),
  model: z.enum(['holdline', 'platform']),
  releaseOnHangUp: z.boolean(),
  schedule,
  holdsPerCallMax: limit,
  holdsPerNumberAndDayMax: limit,
  liveHoldsMax: limit,
  textsPerCallMax: limit,
  textsPerNumberAndDayMax: limit,
  textsPerDayMax: limit,
  textCountries: z
    .array(z.string().regex(/^[A-Z]{2}$/, 'is not a country; write two capitals, e.g. US'))
    .nullable(),
  retentionDays: z.int().positive().nullable(),
  socketAddresses: z.array(
    z.string().refine(isNetwork, 'is no address; write e.g. 100.20.5.228 or 10.0.0.0/8'),
  ),
});

/** Columns of `practitioners`. */
export const practitionerSettings = z.object({
  key: z.string(),
  name: z.string(),
  spokenName: z.string(),
  weekly: weekly.nullable(),
  ...own.shape,
  calendarId: z.string().min(1, 'is empty; leave it out or write null').max(320).nullable(),
});

/** Where a clinic said nothing about its hours: Monday to Friday, nine to six, half-hour slots for three weeks. */
export const usualSchedule: Schedule = {
  weekly: Object.fromEntries(
    ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'].map((day) => [
      day,
      [{ from: '09:00', to: '18:00' }],
    ]),
  ),
  specialDays: [],
  slotMinutes: 30,
  gridMinutes: 30,
  bufferMinutes: 0,
  minimumNoticeMinutes: 0,
  horizonDays: 21,
};

export const addressKind = z.enum(['assistant', 'phone-number', 'dialled']);

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const longest = isIP(address) === 6 ? 128 : 32;
  return (
    isIP(address) !== 0 &&
    rest.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest))
  );
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
