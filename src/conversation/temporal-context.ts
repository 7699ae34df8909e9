import { Temporal } from 'temporal-polyfill';
import { isOpenAt, nextOpenDay, openHoursOn, practitionerHoursOn } from '#availability/open-hours.ts';
import { addDays, localDate } from '#organization/clinic-clock.ts';
import type { OpenStretch, Organization, Weekday } from '#organization/organization.ts';

/**
 * What the model is told about time on every turn, as plain values for templates: the clinic's own clock and calendar,
 * in the clinic's first language.
 */
export interface TemporalContext {
  /** "Tuesday, 24 November 2026 (2026-11-24)". */
  currentDate: string;
  /** "14:05". */
  currentTime: string;
  tenantTimezone: string;
  /** "Monday to Friday 9:00 to 18:00, closed Saturday and Sunday". */
  businessHours: string;
  openNow: boolean;
  /** "Wednesday 2026-11-25"; a clinic that never opens has none. */
  nextBusinessDay: string;
  /** The coming fourteen days, today first, so that nobody has to calculate; what is special about one is said. */
  days: { weekday: string; date: string; open: string }[];
}

/** More organizations than this in one minute are rendered again; each entry is a kilobyte. */
const cachedMax = 1_000;
const daysShown = 14;

/** The temporal context of an organization, made once a minute: within one nothing in it changes. */
export function createTemporalContexts(): (about: {
  organization: Organization;
  now: Date;
}) => TemporalContext {
  const cached = new Map<string, { organization: Organization; minute: number; context: TemporalContext }>();
  return ({ organization, now }) => {
    const minute = Math.floor(now.getTime() / 60_000);
    const found = cached.get(organization.id);
    // An edited organization is another object: the directory was read again.
    if (found?.minute === minute && found.organization === organization) return found.context;
    if (cached.size >= cachedMax) cached.clear();
    const context = temporalContext({ organization, now });
    cached.set(organization.id, { organization, minute, context });
    return context;
  };
}

function temporalContext({ organization, now }: { organization: Organization; now: Date }): TemporalContext {
  const { zone, schedule } = organization;
  const words = wordsOf(organization.languages[0] ?? 'en');
  const today = localDate(zone, now);
  const clock = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(zone).toPlainTime();
  const next = nextOpenDay(schedule, today);
  return {
    currentDate: `${words.longDate(today)} (${today})`,
    currentTime: clock.toString({ smallestUnit: 'minute' }),
    tenantTimezone: zone,
    businessHours: businessHours(schedule.weekly, words),
    openNow: isOpenAt(schedule, zone, now),
    nextBusinessDay: next === undefined ? words.none : `${words.weekday(next)} ${next}`,
    days: Array.from({ length: daysShown }, (_, index) => {
      const date = addDays(today, index);
      return { weekday: words.weekday(date), date, open: openOn(organization, date, words) };
    }),
  };
}

/** The clinic's hours of a day; those of whoever is there on a day the clinic itself is closed. */
function openOn({ schedule, practitioners }: Organization, date: string, words: ContextWords): string {
  const own = openHoursOn(schedule, date);
  const open =
    own.length > 0
      ? own
      : openHoursOn(
          {
            ...schedule,
            specialDays: [
              { date, open: practitioners.flatMap((one) => practitionerHoursOn(schedule, one, date)) },
            ],
          },
          date,
        );
  const note = schedule.specialDays.find((day) => day.date === date)?.note;
  const hours = open.length === 0 ? words.closed : hoursIn(open, words);
  return note === undefined ? hours : `${hours} (${note})`;
}

/** Neighbouring days with the same hours are said together, those it is closed last. */
function businessHours(weekly: Organization['schedule']['weekly'], words: ContextWords): string {
  const groups: { days: string[]; open: string }[] = [];
  for (const [index, day] of week.entries()) {
    const open = weekly[day] ?? [];
    const text = open.length === 0 ? '' : hoursIn(open, words);
    const last = groups.at(-1);
    const name = words.weekday(addDays(aMonday, index));
    if (last?.open === text) last.days.push(name);
    else groups.push({ days: [name], open: text });
  }
  return groups
    .map(({ days, open }) => {
      const [first = '', last = first] = [days[0], days.at(-1)];
      const name = days.length === 1 ? first : `${first} ${days.length === 2 ? words.and : words.to} ${last}`;
      return open === '' ? `${words.closed} ${name}` : `${name} ${open}`;
    })
    .join(', ');
}

const week: Weekday[] = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const aMonday = '2026-11-23';

function hoursIn(open: OpenStretch[], { to, and }: ContextWords): string {
  return open
    .map((stretch) => `${stretch.from.replace(/^0/, '')} ${to} ${stretch.to.replace(/^0/, '')}`)
    .join(` ${and} `);
}

interface ContextWords {
  longDate(date: string): string;
  weekday(date: string): string;
  to: string;
  and: string;
  closed: string;
  none: string;
}

/** The words of a language; the calendar's own come from the runtime. */
function wordsOf(language: string): ContextWords {
  const base = language.toLowerCase().split(/[-_]/)[0] ?? '';
  const own = joining.get(base) ?? english;
  // Days before months, as everywhere but in America, so that no model mistakes the one for the other.
  const locale = own === english ? 'en-GB' : base;
  return {
    ...own,
    longDate: (date) => formatted(date, locale, { dateStyle: 'full' }),
    weekday: (date) => formatted(date, locale, { weekday: 'long' }),
  };
}

const english = { to: 'to', and: 'and', closed: 'closed', none: 'none' };
const joining = new Map([
  ['en', english],
  ['es', { to: 'a', and: 'y', closed: 'cerrado', none: 'ninguno' }],
  ['de', { to: 'bis', and: 'und', closed: 'geschlossen', none: 'keiner' }],
]);

function formatted(date: string, locale: string, options: Intl.DateTimeFormatOptions): string {
  const key = `${locale} ${Object.keys(options).join()}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' });
    formats.set(key, format);
  }
  return format.format(new Date(`${date}T12:00:00Z`));
}

/** Two for each of three languages; making one takes longer than everything else here. */
const formats = new Map<string, Intl.DateTimeFormat>();
