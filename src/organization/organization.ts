import { fallbackTag } from '#language/language.ts';

/** The clinic that was called, as the rest of the process sees it: settings only, nothing that changes during a call. */
export interface Organization {
  /** `tenant_id` in every table. */
  id: string;
  /** Short name for commands and logs, e.g. `demo-clinic`. */
  key: string;
  /** Spoken to callers, e.g. `Demo Clinic`. */
  name: string;
  /** IANA zone, e.g. `America/New_York`. Everything a caller hears is in it. */
  zone: string;
  /** ISO 3166 code used to read phone numbers without a country prefix. */
  country: string;
  /** BCP 47 languages the receptionist speaks; the first is the default. */
  languages: string[];
  receptionistName: string;
  /** E.164 number of the human callers are sent to, if there is one. */
  humanNumber: string | null;
  /** What happens to the prompt written in Vapi's dashboard. */
  vapiPrompt: 'append' | 'ignore';
  /** Whose model answers: ours by the custom-LLM door, or the platform's own, which only calls our tools. */
  model: 'holdline' | 'platform';
  /** Whether a hold is given up when the caller hangs up; otherwise it stays until it expires, for a call-back. */
  releaseOnHangUp: boolean;
  /** Limits against callers who block a clinic's day; `null` is none. The ledger enforces them. */
  holdsPerCallMax: number | null;
  holdsPerNumberAndDayMax: number | null;
  liveHoldsMax: number | null;
  /** Limits against text messages the clinic would pay for; `null` is none. The ledger enforces them. */
  textsPerCallMax: number | null;
  textsPerNumberAndDayMax: number | null;
  textsPerDayMax: number | null;
  /** ISO 3166 codes of the countries texts may go to; `null` is the clinic's own alone. */
  textCountries: string[] | null;
  /** Patients' details older than this are removed; `null` keeps them. */
  retentionDays: number | null;
  /** From where a voice platform may open a socket with the organization's key: addresses or networks; empty: any. */
  socketAddresses: string[];
  schedule: Schedule;
  practitioners: Practitioner[];
  /** What the clinic is reached at; each belongs to it alone. */
  addresses: Address[];
}

/** The language of a caller who has not been found to speak another one. */
export function defaultLanguage({ languages }: Pick<Organization, 'languages'>): string {
  // The ledger takes no organization without a language.
  return languages[0] ?? fallbackTag;
}

export interface Address {
  kind: 'assistant' | 'phone-number' | 'dialled';
  /** Vapi's id of the assistant or phone number, or the E.164 number that is dialled. */
  value: string;
}

/** When a clinic, or one practitioner, can be booked. Times are the clinic's own clock. */
export interface Schedule {
  weekly: WeeklyHours;
  /** Days that differ from the week: closed when `open` is empty. */
  specialDays: SpecialDay[];
  slotMinutes: number;
  /** Distance between two starts; equal to `slotMinutes` unless starts overlap (60-minute slots on a half-hour grid). */
  gridMinutes: number;
  /** Kept free after each appointment. */
  bufferMinutes: number;
  /** A slot nearer than this is not offered. */
  minimumNoticeMinutes: number;
  /** How many days ahead, today included, can be booked. */
  horizonDays: number;
}

export type Weekday = 'monday' | 'tuesday' | 'wednesday' | 'thursday' | 'friday' | 'saturday' | 'sunday';

/** Open stretches of each weekday, in order, not overlapping; a missing or empty day is closed. */
export type WeeklyHours = Partial<Record<Weekday, OpenStretch[]>>;

/** `HH:MM` to `HH:MM`, the clinic's clock; `24:00` is midnight at the day's end. */
export interface OpenStretch {
  from: string;
  to: string;
}

export interface SpecialDay {
  /** ISO date, e.g. `2026-12-24`. */
  date: string;
  open: OpenStretch[];
  note?: string | undefined;
}

/** Who of an organization's practitioners this is, by the id that every table has. */
export function practitionerOf(
  { practitioners }: Pick<Organization, 'practitioners'>,
  id: string,
): Practitioner | undefined {
  return practitioners.find((one) => one.id === id);
}

/** What is `null` here is as it is for the clinic. */
export interface Practitioner {
  id: string;
  /** Part of the ledger's slot ids, e.g. `lee`. */
  key: string;
  /** As written, e.g. `Dr. Lee`. */
  name: string;
  /** As a voice should say it, e.g. `Doctor Lee`. */
  spokenName: string;
  /** Own hours. On the clinic's special days what both have in common. */
  weekly: WeeklyHours | null;
  /** Own days that differ from the week, e.g. holidays; they count before everything else. */
  specialDays: SpecialDay[];
  slotMinutes: number | null;
  gridMinutes: number | null;
  bufferMinutes: number | null;
  minimumNoticeMinutes: number | null;
  horizonDays: number | null;
  /** Google calendar whose events keep them busy and which appointments are written to; `null` is none. */
  calendarId: string | null;
}
