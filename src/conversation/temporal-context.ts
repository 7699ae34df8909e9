import { Temporal } from 'temporal-polyfill';
import { addDays, isOpenAt, localDate, nextOpenDay, openHoursOn, weekdayOf } from '#booking/open-hours.ts';
import type { OpenStretch, Organization, Weekday } from '#organization/organization.ts';

/** What the model is told about time on every turn, as plain values for templates, in the clinic's own zone. */
export interface TemporalContext {
  /** "Tuesday, 24 November 2026 (2026-11-24)". */
  currentDate: string;
  /** "14:05". */
  currentTime: string;
  tenantTimezone: string;
  /** "Monday to Friday 9:00 to 18:00, closed Saturday and Sunday". */
  businessHours: string;
  openNow: boolean;
  /** "Wednesday 2026-11-25". */
  nextBusinessDay: string;
  /** The coming fourteen days, today first, so that nobody has to calculate. */
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
  const today = localDate(zone, now);
  const clock = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(zone).toPlainTime();
  const next = nextOpenDay(schedule, today);
  return {
    currentDate: `${longDate(today)} (${today})`,
    currentTime: clock.toString({ smallestUnit: 'minute' }),
    tenantTimezone: zone,
    businessHours: businessHours(schedule.weekly),
    openNow: isOpenAt(schedule, zone, now),
    nextBusinessDay: next === undefined ? 'none' : `${titled(weekdayOf(next))} ${next}`,
    days: Array.from({ length: daysShown }, (_, index) => {
      const date = addDays(today, index);
      const open = openHoursOn(schedule, date);
      return { weekday: titled(weekdayOf(date)), date, open: open.length === 0 ? 'closed' : hours(open) };
    }),
  };
}

function longDate(date: string): string {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeZone: 'UTC' }).format(
    new Date(`${date}T12:00:00Z`),
  );
}

/** Neighbouring days with the same hours are said together. */
function businessHours(weekly: Organization['schedule']['weekly']): string {
  const groups: { days: Weekday[]; open: string }[] = [];
  for (const day of week) {
    const open = weekly[day] ?? [];
    const text = open.length === 0 ? 'closed' : hours(open);
    const last = groups.at(-1);
    if (last?.open === text) last.days.push(day);
    else groups.push({ days: [day], open: text });
  }
  return groups
    .map(({ days, open }) => {
      const [first = 'monday', last = first] = [days[0], days.at(-1)];
      const name =
        days.length === 1
          ? titled(first)
          : `${titled(first)} ${days.length === 2 ? 'and' : 'to'} ${titled(last)}`;
      return open === 'closed' ? `closed ${name}` : `${name} ${open}`;
    })
    .join(', ');
}

function hours(open: OpenStretch[]): string {
  return open.map(({ from, to }) => `${from.replace(/^0/, '')} to ${to.replace(/^0/, '')}`).join(' and ');
}

function titled(weekday: string): string {
  return weekday.charAt(0).toUpperCase() + weekday.slice(1);
}

const week: Weekday[] = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
