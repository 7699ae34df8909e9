import { Temporal } from 'temporal-polyfill';

/** An event as Google's API shows it. */
export interface GoogleEvent {
  id: string;
  status: 'confirmed' | 'tentative' | 'cancelled';
  summary?: string;
  description?: string;
  start?: Moment;
  end?: Moment;
  transparency?: string;
  eventType?: string;
  recurrence?: string[];
  recurringEventId?: string;
  originalStartTime?: Moment;
  attendees?: { self?: boolean; email?: string; responseStatus?: string }[];
  extendedProperties?: { private?: Record<string, string> };
}

export interface Moment {
  date?: string;
  dateTime?: string;
  timeZone?: string;
}

/** More instances than this of one series nobody looks at. */
const instancesMax = 1_000;

/**
 * The instances of a recurring event that overlap a window, each under the id Google gives it. Understood are
 * `RRULE:FREQ=DAILY|WEEKLY` with INTERVAL, COUNT, UNTIL; the clock time is kept in the event's own zone.
 */
export function instancesOf(event: GoogleEvent, from: Date, to: Date): GoogleEvent[] {
  const rule = Object.fromEntries(
    (event.recurrence?.[0] ?? '')
      .replace('RRULE:', '')
      .split(';')
      .map((part) => part.split('=')),
  ) as Record<string, string>;
  const stepDays = (rule['FREQ'] === 'WEEKLY' ? 7 : 1) * Number(rule['INTERVAL'] ?? 1);
  const count = Math.min(Number(rule['COUNT'] ?? instancesMax), instancesMax);
  const until = rule['UNTIL'] === undefined ? undefined : untilOf(rule['UNTIL']);
  const instances: GoogleEvent[] = [];
  for (let index = 0; index < count; index += 1) {
    const start = shifted(event.start, index * stepDays);
    const end = shifted(event.end, index * stepDays);
    const startsAt = instantOf(start);
    if (startsAt >= to || (until !== undefined && startsAt > until)) break;
    if (instantOf(end) <= from) continue;
    const { recurrence: _, ...rest } = event;
    const suffix = (start.date ?? startsAt.toISOString()).replace(/[-:]|\.\d+/g, '');
    instances.push({
      ...rest,
      id: `${event.id}_${suffix}`,
      recurringEventId: event.id,
      originalStartTime: start,
      start,
      end,
    });
  }
  return instances;
}

/** When a moment is; a date begins at midnight in UTC here, which is only used to compare with a window. */
export function instantOf(moment: Moment | undefined): Date {
  return new Date(moment?.dateTime ?? `${moment?.date}T00:00:00Z`);
}

function shifted(moment: Moment = {}, days: number): Moment {
  if (moment.date !== undefined) {
    return { date: Temporal.PlainDate.from(moment.date).add({ days }).toString() };
  }
  const zone = moment.timeZone ?? 'UTC';
  const zoned = Temporal.Instant.from(moment.dateTime ?? '')
    .toZonedDateTimeISO(zone)
    .add({ days });
  const dateTime = zoned.toString({ timeZoneName: 'never', smallestUnit: 'second' });
  return { dateTime, timeZone: zone };
}

function untilOf(text: string): Date {
  const [, year, month, day, hour = '23', minute = '59', second = '59'] =
    /^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})Z)?$/.exec(text) ?? [];
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
