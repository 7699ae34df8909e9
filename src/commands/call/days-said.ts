import { english } from '#language/en/english.ts';
import { spokenDate } from '#language/spoken-time.ts';
import { addDays, localDate, weekdayOf } from '#organization/clinic-clock.ts';

/** Where the demo clinic is: the caller's calendar is its own. */
const zone = 'America/New_York';
/** Far enough that "today" and "tomorrow" are not said, near enough that the weekday alone means the same day. */
const daysAheadMin = 2;

/**
 * Fills in the days a scenario speaks of, which no file can know: `{weekday}` is a coming day from Monday to Thursday,
 * `{wrong weekday and date}` the date of that day with the weekday after it.
 */
export function withDays(text: string, now: Date): string {
  const date = comingDay(now);
  const [weekday, nextWeekday] = [date, addDays(date, 1)].map((one) => titled(weekdayOf(one)));
  const said = spokenDate(date, english, { today: addDays(date, -daysAheadMin) });
  return text
    .replaceAll('{weekday}', weekday ?? '')
    .replaceAll('{wrong weekday and date}', said.replace(`${weekday}`, `${nextWeekday}`));
}

function comingDay(now: Date): string {
  let date = addDays(localDate(zone, now), daysAheadMin);
  while (['friday', 'saturday', 'sunday'].includes(weekdayOf(date))) date = addDays(date, 1);
  return date;
}

function titled(weekday: string): string {
  return weekday.charAt(0).toUpperCase() + weekday.slice(1);
}
