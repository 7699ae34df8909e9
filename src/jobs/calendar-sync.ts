import type { Sql } from 'postgres';
import { z } from 'zod';
import { lastBookableDay } from '#availability/open-hours.ts';
import type { OpenSlots } from '#availability/open-slots.ts';
import {
  applyReading,
  askForReading,
  type CalendarKey,
  type CalendarReading,
  type CalendarState,
  calendarState,
  noteReadingProblem,
} from '#booking/calendar-readings.ts';
import type { CalendarEvent } from '#calendar/event.ts';
import type { Failure } from '#calendar/failure.ts';
import type { Changes, Window } from '#calendar/google.ts';
import { noteCalendarProblem } from '#organization/calendar-credentials.ts';
import { addDays, dayBounds, localDate } from '#organization/clinic-clock.ts';
import type { Directory } from '#organization/directory.ts';
import { type Organization, type Practitioner, practitionerOf } from '#organization/organization.ts';
import type { Log } from '#telemetry/log.ts';
import { counter } from '#telemetry/metrics.ts';
import type { CalendarAccess, OpenedCalendars } from './calendar-access.ts';
import { keepChannel } from './calendar-channel.ts';
import { FinalFailure, type Handler } from './job.ts';

export interface CalendarParts {
  sql: Sql;
  access: CalendarAccess;
  openSlots: Pick<OpenSlots, 'forget' | 'reread'>;
  directory: Directory;
  /** Where Google reaches us; without it, or when that is not https, edits are noticed hourly. */
  publicUrl: string | undefined;
  log: Log;
}

/** So much more than can be booked is read, so that the window has to be read anew every week only. */
const windowSpareDays = 14;
const windowLeftDays = 7;
/** Our clocks and the database's agree to within much less. */
const clocksDifferMs = 60_000;

const payload = z.object({ tenantId: z.uuid(), practitionerId: z.uuid() });
const counted = counter('holdline_calendar_syncs_total', 'Readings of calendars, by how they ended', [
  'outcome',
]);

/**
 * Reads what has changed in a practitioner's calendar, or its whole window the first time, weekly, when the horizon
 * grew, and when Google has forgotten where we were; makes busy times follow; keeps Google telling us of changes.
 */
export function syncCalendar(parts: CalendarParts): Handler {
  return async (given) => {
    const key = payload.parse(given);
    const { sql, access, directory, log } = parts;
    const state = await calendarState(sql, key);
    if (state === undefined) return;
    const opened = await access.of(sql, key.tenantId);
    if (!opened.opened) {
      await noteReadingProblem(sql, key, opened.reason);
      return;
    }
    const organization = directory.byId(key.tenantId);
    const practitioner = organization && practitionerOf(organization, key.practitionerId);
    if (organization === undefined || practitioner === undefined) {
      throw new Error('the practitioner is not in the directory, or not yet');
    }
    const reading = await read(
      opened,
      state,
      neededWindow(organization, practitioner, new Date()),
      organization.zone,
    );
    if (!reading.ok) await fail(sql, key, { calendarId: state.calendarId, account: opened.account }, reading);
    else {
      const outcome = await applyReading(sql, key, reading.value);
      counted({ outcome: !outcome.applied ? 'overtaken' : reading.value.whole ? 'whole' : 'changes' });
      // Another reading was applied since this one began: which of the two knows more nobody can say.
      if (!outcome.applied) await askForReading(sql, key);
      if (opened.problem !== null) await noteCalendarProblem(sql, key.tenantId, null);
      if (outcome.changed > 0) {
        log.info(
          { organization: organization.key, changed: outcome.changed },
          'busy times follow a calendar',
        );
        await parts.openSlots.forget(organization);
        await parts.openSlots.reread(organization, new Date());
      }
      await keepChannel(parts, opened.calendars, { key, state, now: new Date() });
    }
  };
}

/** Asks for a reading of every calendar there is. */
export function syncAllCalendars({ sql, directory }: Pick<CalendarParts, 'sql' | 'directory'>): Handler {
  return async (_payload, { signal }) => {
    for (const organization of directory.all()) {
      for (const { id, calendarId } of organization.practitioners) {
        signal.throwIfAborted();
        if (calendarId !== null) await askForReading(sql, { tenantId: organization.id, practitionerId: id });
      }
    }
  };
}

interface NeededWindow extends Window {
  /** A window that ends before this has to be read anew. */
  atLeast: Date;
}

function neededWindow(organization: Organization, practitioner: Practitioner, now: Date): NeededWindow {
  const { zone } = organization;
  const last = lastBookableDay(organization, practitioner, now);
  return {
    from: dayBounds(zone, localDate(zone, now)).startsAt,
    to: dayBounds(zone, addDays(last, windowSpareDays)).endsAt,
    atLeast: dayBounds(zone, addDays(last, windowLeftDays)).endsAt,
  };
}

type Read = { ok: true; value: CalendarReading } | ({ ok: false } & Failure);

async function read(
  { calendars }: Extract<OpenedCalendars, { opened: true }>,
  state: CalendarState,
  window: NeededWindow,
  zone: string,
): Promise<Read> {
  const { calendarId, syncToken, windowEndsAt } = state;
  const listedFrom = new Date(Date.now() - clocksDifferMs);
  const reading = (changes: Changes, whole: boolean): Read => ({
    ok: true,
    value: {
      calendarId,
      round: state.round,
      whole,
      listedFrom,
      windowEndsAt: whole ? window.to : null,
      syncToken: changes.syncToken,
      events: eventsOf(changes.events, zone),
    },
  });
  if (syncToken !== null && windowEndsAt !== null && windowEndsAt >= window.atLeast) {
    const answer = await calendars.changes(calendarId, { syncToken });
    if (answer.ok) return reading(answer.value, false);
    if (answer.reason !== 'expired') return answer;
  }
  const answer = await calendars.changes(calendarId, { from: window.from, to: window.to });
  return answer.ok ? reading(answer.value, true) : answer;
}

/** As the ledger takes them; an all-day event begins and ends with the clinic's days. The last word on one counts. */
function eventsOf(events: CalendarEvent[], zone: string): CalendarReading['events'] {
  const byId = new Map<string, CalendarReading['events'][number]>();
  for (const event of events) {
    const known = { id: event.id, seriesId: event.seriesId };
    if (event.meaning === 'removed') byId.set(event.id, { ...known, removed: true });
    else if (event.meaning === 'free') byId.set(event.id, known);
    else if ('startsAt' in event.span) byId.set(event.id, { ...known, ...event.span });
    else {
      const { fromDate, toDate } = event.span;
      const [startsAt, endsAt] = [dayBounds(zone, fromDate).startsAt, dayBounds(zone, toDate).startsAt];
      byId.set(event.id, { ...known, startsAt, endsAt });
    }
  }
  return [...byId.values()];
}

/** Notes why, and decides whether trying again can help. */
async function fail(
  sql: Sql,
  key: CalendarKey,
  { calendarId, account }: { calendarId: string; account: string },
  failure: Failure,
): Promise<never> {
  counted({ outcome: failure.reason });
  const message =
    failure.reason === 'not-found'
      ? `Google does not show the calendar ${calendarId} to ${account}; share it with that account, with the right to make changes`
      : `Google said: ${failure.message}`;
  await noteReadingProblem(sql, key, message);
  if (failure.reason === 'unreachable' || failure.reason === 'rate-limited') throw new Error(message);
  if (failure.reason === 'denied') await noteCalendarProblem(sql, key.tenantId, message);
  throw new FinalFailure(message);
}
