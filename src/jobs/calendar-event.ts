import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  noteTold,
  noteUntold,
  type PromisedEvent,
  type PromisedEventKey,
  promisedEvent,
} from '#booking/calendar-events.ts';
import type { CalendarAnswer } from '#calendar/failure.ts';
import type { Calendars, OwnEvent } from '#calendar/google.ts';
import { noteCalendarProblem } from '#organization/calendar-credentials.ts';
import { counter } from '#telemetry/metrics.ts';
import type { CalendarParts } from './calendar-sync.ts';
import { FinalFailure, type Handler } from './job.ts';

/** An appointment that changes more often than this while Google is being told comes again a little later. */
const triesMax = 3;

const payload = z.object({ tenantId: z.uuid(), appointmentId: z.uuid() });
const counted = counter('holdline_calendar_events_total', 'Appointments told to calendars, by how it ended', [
  'outcome',
]);

/**
 * Makes an appointment's event what the appointment is: there with its words while it stands, gone when it does not.
 * Done again it finds nothing to do; after each change it looks whether the appointment has changed meanwhile, so that
 * of two processes the one that acts last has seen the last state.
 */
export function tellCalendar(parts: Pick<CalendarParts, 'sql' | 'access' | 'directory'>): Handler {
  return async (given) => {
    const key = payload.parse(given);
    const { sql, access, directory } = parts;
    const zone = directory.byId(key.tenantId)?.zone ?? 'UTC';
    for (let tries = 0; tries < triesMax; tries += 1) {
      const promised = await promisedEvent(sql, key);
      if (promised === undefined) return;
      const opened = await access.of(sql, key.tenantId);
      // Promised all the same: connecting tells everything that was not told.
      if (!opened.opened) return noteUntold(sql, key, opened.reason);
      const event = ownEvent(key, promised, zone);
      const words = promised.booked ? digestOf(event) : null;
      const answer = promised.booked
        ? await makeEvent(opened.calendars, promised, event, words)
        : await opened.calendars.remove(promised.calendarId, promised.eventId);
      if (!answer.ok) return failed(parts, key, promised, answer);
      if (await noteTold(sql, key, { revision: promised.revision, words })) {
        counted({ outcome: promised.booked ? 'there' : 'gone' });
        return;
      }
    }
    throw new Error('the appointment changed while Google was being told of it');
  };
}

async function makeEvent(
  calendars: Calendars,
  { calendarId, eventId, toldWords }: PromisedEvent,
  event: OwnEvent,
  words: Buffer | null,
): Promise<CalendarAnswer<unknown>> {
  const made = await calendars.insert(calendarId, event);
  if (!made.ok || made.value === 'made') return made;
  // What the clinic wrote into the event stays, unless our own words have changed.
  if (toldWords !== null && words?.equals(toldWords)) return made;
  const found = await calendars.find(calendarId, eventId);
  if (!found.ok) return found;
  // Somebody removed it: the reading of the calendar notes that as a conflict.
  if (found.value === undefined || found.value.removed) return made;
  const { summary, description } = found.value;
  return summary === event.summary && description === event.description
    ? made
    : calendars.reword(calendarId, event);
}

async function failed(
  { sql }: Pick<CalendarParts, 'sql'>,
  key: PromisedEventKey,
  { calendarId }: PromisedEvent,
  answer: Extract<CalendarAnswer<unknown>, { ok: false }>,
): Promise<never> {
  counted({ outcome: answer.reason });
  const message = `the calendar ${calendarId}: Google said: ${answer.message}`;
  await noteUntold(sql, key, message);
  if (answer.reason === 'unreachable' || answer.reason === 'rate-limited') throw new Error(message);
  if (answer.reason === 'denied') await noteCalendarProblem(sql, key.tenantId, message);
  throw new FinalFailure(message);
}

function ownEvent(
  { appointmentId }: PromisedEventKey,
  { eventId, startsAt, endsAt, patient }: PromisedEvent,
  zone: string,
): OwnEvent {
  const { name, phone, email, reason } = patient;
  const lines = [reason, phone, email].filter((line) => line !== undefined && line !== '');
  return {
    id: eventId,
    summary: name ?? phone ?? 'Appointment',
    description: lines.join('\n'),
    startsAt,
    endsAt,
    zone,
    appointmentId,
  };
}

function digestOf({ summary, description }: OwnEvent): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([summary, description]))
    .digest();
}
