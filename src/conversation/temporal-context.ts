import { Temporal } from 'temporal-polyfill';
import { isOpenAt, nextOpenDay, openHoursOn, practitionerHoursOn } from '#availability/open-hours.ts';
import type { Language, ToldWords } from '#language/language.ts';
import type { Languages } from '#language/languages.ts';
import { addDays, localDate } from '#organization/clinic-clock.ts';
import {
  defaultLanguage,
  type OpenStretch,
  type Organization,
  type Weekday,
} from '#organization/organization.ts';

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
export function createTemporalContexts(
  languages: Languages,
): (about: { organization: Organization; now: Date }) => TemporalContext {
  const cached = new Map<string, { organization: Organization; minute: number; context: TemporalContext }>();
  return ({ organization, now }) => {
    const minute = Math.floor(now.getTime() / 60_000);
    const found = cached.get(organization.id);
    // An edited organization is another object: the directory was read again.
    if (found?.minute === minute && found.organization === organization) return found.context;
    if (cached.size >= cachedMax) cached.clear();
    const context = temporalContext({ organization, now }, languages.of(defaultLanguage(organization)));
    cached.set(organization.id, { organization, minute, context });
    return context;
  };
}

function temporalContext(
  { organization, now }: { organization: Organization; now: Date },
  language: Language,
): TemporalContext {
  const { zone, schedule } = organization;
  const words = language.told;
  const today = localDate(zone, now);
  const clock = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(zone).toPlainTime();
  const next = nextOpenDay(schedule, today);
  return {
    currentDate: `${longDate(today, language)} (${today})`,
    currentTime: clock.toString({ smallestUnit: 'minute' }),
    tenantTimezone: zone,
    businessHours: businessHours(schedule.weekly, language),
    openNow: isOpenAt(schedule, zone, now),
    nextBusinessDay: next === undefined ? words.none : `${weekdayName(next, language)} ${next}`,
    days: Array.from({ length: daysShown }, (_, index) => {
      const date = addDays(today, index);
      return { weekday: weekdayName(date, language), date, open: openOn(organization, date, words) };
    }),
  };
}

/** The clinic's hours of a day; those of whoever is there on a day the clinic itself is closed. */
function openOn({ schedule, practitioners }: Organization, date: string, words: ToldWords): string {
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
function businessHours(weekly: Organization['schedule']['weekly'], language: Language): string {
  const words = language.told;
  const groups: { days: string[]; open: string }[] = [];
  for (const [index, day] of week.entries()) {
    const open = weekly[day] ?? [];
    const text = open.length === 0 ? '' : hoursIn(open, words);
    const last = groups.at(-1);
    const name = language.weekdays[index] ?? '';
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

function hoursIn(open: OpenStretch[], { to, and }: ToldWords): string {
  return open
    .map((stretch) => `${stretch.from.replace(/^0/, '')} ${to} ${stretch.to.replace(/^0/, '')}`)
    .join(` ${and} `);
}

function longDate(date: string, language: Language): string {
  const { day, month, year } = Temporal.PlainDate.from(date);
  const [weekday, monthName = ''] = [weekdayName(date, language), language.months[month - 1]];
  return language.told.longDate({ weekday, day, month: monthName, year });
}

function weekdayName(date: string, language: Language): string {
  return language.weekdays[Temporal.PlainDate.from(date).dayOfWeek - 1] ?? '';
}
