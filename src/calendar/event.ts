import { z } from 'zod';

/** What an event of a calendar means for its owner's time. */
export type CalendarEvent = {
  id: string;
  /** The series a recurring event's instance belongs to. */
  seriesId: string | null;
} & (
  | { meaning: 'removed' }
  /** Takes no time: marked free, declined, or where somebody works from. */
  | { meaning: 'free' }
  | { meaning: 'busy'; span: EventSpan }
);

/** Instants, or, for an all-day event, dates with the end excluded, which begin when the day does where it is meant. */
export type EventSpan = { startsAt: Date; endsAt: Date } | { fromDate: string; toDate: string };

/** Reads one item of Google's list; nothing when it makes no sense. */
export function readEvent(item: unknown): CalendarEvent | undefined {
  const read = wire.safeParse(item);
  if (!read.success) return undefined;
  const event = read.data;
  const known = {
    id: event.id,
    seriesId: event.recurringEventId ?? null,
  };
  if (event.status === 'cancelled') return { ...known, meaning: 'removed' };
  const span = spanOf(event.start, event.end);
  if (span === undefined) return undefined;
  if (takesNoTime(event) || isEmpty(span)) return { ...known, meaning: 'free' };
  return { ...known, meaning: 'busy', span };
}

const moment = z.object({
  date: z.iso.date().optional(),
  dateTime: z.iso.datetime({ offset: true }).optional(),
});

const wire = z.object({
  id: z.string().min(1),
  status: z.string().optional(),
  start: moment.optional(),
  end: moment.optional(),
  transparency: z.string().optional(),
  eventType: z.string().optional(),
  recurringEventId: z.string().optional(),
  attendees: z
    .array(z.object({ self: z.boolean().optional(), responseStatus: z.string().optional() }))
    .optional(),
});

type Wire = z.infer<typeof wire>;

function takesNoTime({ transparency, eventType, attendees }: Wire): boolean {
  return (
    transparency === 'transparent' ||
    eventType === 'workingLocation' ||
    eventType === 'birthday' ||
    (attendees?.some((one) => one.self === true && one.responseStatus === 'declined') ?? false)
  );
}

function spanOf(start: Wire['start'], end: Wire['end']): EventSpan | undefined {
  if (start?.date !== undefined && end?.date !== undefined) {
    return { fromDate: start.date, toDate: end.date };
  }
  if (start?.dateTime === undefined || end?.dateTime === undefined) return undefined;
  return { startsAt: new Date(start.dateTime), endsAt: new Date(end.dateTime) };
}

/** A reminder without a length takes no time. */
function isEmpty(span: EventSpan): boolean {
  return 'fromDate' in span ? span.fromDate >= span.toDate : span.startsAt >= span.endsAt;
}
