import { nextOpenDay } from '#availability/open-hours.ts';
import { addDays, localDate, weekdayOf } from '#organization/clinic-clock.ts';
import { usualSchedule } from '#organization/settings.ts';

/**
 * A day that the demo clinic is open on, as an ISO date and as its weekday's name. "Next Tuesday" is tomorrow on a
 * Monday: with nothing to remind of, and called "tomorrow". A test that needs neither names this day's weekday.
 *
 * @param daysAhead how many days from today it is at least; up to four, so that its weekday alone means it
 */
export function comingDay(daysAhead = 2): { date: string; weekday: string } {
  const before = addDays(localDate('America/New_York', new Date()), daysAhead - 1);
  const date = nextOpenDay(usualSchedule, before);
  if (date === undefined) throw new Error('the demo clinic is never open');
  const weekday = weekdayOf(date);
  return { date, weekday: weekday.charAt(0).toUpperCase() + weekday.slice(1) };
}
