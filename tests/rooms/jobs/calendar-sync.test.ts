import { expect, test } from 'vitest';
import { nextOpenDay } from '#availability/open-hours.ts';
import { cancelAppointment } from '#booking/appointments.ts';
import { openConflicts } from '#booking/calendar-events.ts';
import { applyReading, calendarState } from '#booking/calendar-readings.ts';
import { keepChannel } from '#jobs/calendar-channel.ts';
import { addDays, dayBounds, localDate } from '#organization/clinic-clock.ts';
import { createLog } from '#telemetry/log.ts';
import {
  bookWithLee,
  type CalendarClinic,
  leesCalendar,
  leesOpenSlots,
  openCalendarClinic,
  rows,
  untilQuiet,
} from '../../calendar-clinic.ts';
import { Caller } from '../../running-app.ts';
import type { GoogleEvent } from '../../stand-ins/google-recurrence.ts';

const zone = 'America/New_York';

/** An open day of the demo clinic, far enough from now that all of it can be booked. */
function openDay({ app }: CalendarClinic, after = 4): string {
  return nextOpenDay(app.organization.schedule, addDays(localDate(zone, new Date()), after)) ?? '';
}

/** Ten o'clock of a day, and the like. */
function at(day: string, hour: number, minutes = 0): string {
  return new Date(dayBounds(zone, day).startsAt.getTime() + (hour * 60 + minutes) * 60_000).toISOString();
}

function from(start: string, minutes: number): Pick<GoogleEvent, 'start' | 'end'> {
  const end = new Date(Date.parse(start) + minutes * 60_000).toISOString();
  return { start: { dateTime: start, timeZone: zone }, end: { dateTime: end, timeZone: zone } };
}

test('what takes time in the calendar is not offered; what takes none is', async () => {
  const clinic = await openCalendarClinic();
  const { google, app } = clinic;
  await untilQuiet(clinic);
  const day = openDay(clinic);
  const open = () => leesOpenSlots(app, day);
  const all = await open();
  expect(all).toHaveLength(18);

  // 10:15 to 11:00 covers the slots of 10:00 and 10:30.
  const meeting = google.put(leesCalendar, from(at(day, 10, 15), 45));
  google.put(leesCalendar, { ...from(at(day, 12), 30), transparency: 'transparent' });
  google.put(leesCalendar, {
    ...from(at(day, 13), 30),
    attendees: [{ self: true, responseStatus: 'declined' }],
  });
  google.put(leesCalendar, { ...from(at(day, 14), 30), eventType: 'workingLocation' });
  // Overlapping events; removing one leaves the other.
  const lunch = google.put(leesCalendar, from(at(day, 15), 60));
  google.put(leesCalendar, from(at(day, 15, 30), 60));
  const without = (...gone: string[]) => all.filter((start) => !gone.includes(start));
  await expect
    .poll(open)
    .toEqual(without(...[at(day, 10), at(day, 10, 30), at(day, 15), at(day, 15, 30), at(day, 16)]));
  google.remove(leesCalendar, lunch);
  google.put(leesCalendar, { id: meeting, ...from(at(day, 9), 30) });
  await expect.poll(open).toEqual(without(at(day, 9), at(day, 15, 30), at(day, 16)));
  expect(google.complaints).toEqual([]);
});

test('an all-day event takes the clinic’s day, a recurring one each of its times', async () => {
  const clinic = await openCalendarClinic();
  const { google, app } = clinic;
  await untilQuiet(clinic);
  const day = openDay(clinic);
  const [next, after] = [openDay(clinic, 7), openDay(clinic, 14)];
  google.put(leesCalendar, { start: { date: day }, end: { date: addDays(day, 1) } });
  await expect.poll(() => leesOpenSlots(app, day)).toEqual([]);
  const others = await leesOpenSlots(app, nextOpenDay(app.organization.schedule, day) ?? '');
  expect(others.length).toBeGreaterThan(0);

  const series = google.put(leesCalendar, {
    ...from(at(next, 11), 30),
    recurrence: ['RRULE:FREQ=DAILY;COUNT=20'],
  });
  await expect.poll(() => leesOpenSlots(app, next)).not.toContain(at(next, 11));
  expect(await leesOpenSlots(app, after)).not.toContain(at(after, 11));
  // One of them is left out, then the whole series.
  const instance = `${series}_${at(after, 11).replace(/[-:]|\.\d+/g, '')}`;
  google.put(leesCalendar, { id: instance, recurringEventId: series, status: 'cancelled' });
  await expect.poll(() => leesOpenSlots(app, after)).toContain(at(after, 11));
  expect(await leesOpenSlots(app, next)).not.toContain(at(next, 11));
  google.remove(leesCalendar, series);
  await expect.poll(() => leesOpenSlots(app, next)).toContain(at(next, 11));
});

test('an unchanged second sync is one request; one changed event of 5,000 transfers one event', async () => {
  const clinic = await openCalendarClinic({
    push: false,
    before: (google) => {
      for (let index = 0; index < 5_000; index += 1) {
        const start = new Date(Date.now() + 3_600_000 + (index % 400) * 3_600_000).toISOString();
        google.put(leesCalendar, { id: `event${String(index).padStart(5, '0')}`, ...from(start, 15) });
      }
    },
  });
  const { google, app, lee } = clinic;
  await untilQuiet(clinic);
  const busy = async () =>
    (
      await rows(clinic, (tx) => tx`select count(*)::integer as n from busy_times where source = 'google'`)
    )[0]?.['n'];
  expect(await busy()).toBe(5_000);

  const sync = async () => {
    google.requests.length = 0;
    await app.sql`select ask_for_sync(${app.organization.id}, ${lee.id})`;
    await untilQuiet(clinic);
    return google.requests;
  };
  expect(await sync()).toEqual([{ operation: 'events.list', status: 200, items: 0 }]);
  google.put(leesCalendar, { id: 'event00017', ...from(at(openDay(clinic), 10), 30) });
  expect(await sync()).toEqual([{ operation: 'events.list', status: 200, items: 1 }]);
  expect(await busy()).toBe(5_000);

  // Google forgets where we were: everything is read again, and what has gone meanwhile is gone.
  google.remove(leesCalendar, 'event00018');
  google.forgetSyncTokens();
  expect(await sync()).toEqual([
    { operation: 'events.list', status: 410 },
    { operation: 'events.list', status: 200, items: 2_500 },
    { operation: 'events.list', status: 200, items: 2_499 },
  ]);
  expect(await busy()).toBe(4_999);
});

test('a horizon that grows is read as far as it reaches', async () => {
  const clinic = await openCalendarClinic({ push: false });
  const { google, app, lee } = clinic;
  await untilQuiet(clinic);
  const far = openDay(clinic, 45);
  google.put(leesCalendar, from(at(far, 11), 30));
  await rows(clinic, (tx) => tx`update organizations set schedule = schedule || '{"horizonDays": 60}'`);
  await app.directory.refresh();
  await app.sql`select ask_for_sync(${app.organization.id}, ${lee.id})`;
  await expect.poll(() => leesOpenSlots(app, far), { timeout: 10_000 }).toContain(at(far, 10));
  await expect.poll(() => leesOpenSlots(app, far)).not.toContain(at(far, 11));
});

test('an event on an appointment is a conflict: recorded, reported once, and over when it goes', async () => {
  const clinic = await openCalendarClinic();
  const { google, app } = clinic;
  await untilQuiet(clinic);
  await bookWithLee(app, 'Next Tuesday');
  await untilQuiet(clinic);
  const [own] = google.events(leesCalendar);
  expect(own).toMatchObject({ summary: 'Ann Miller' });
  const conflicts = () => openConflicts(app.sql, app.organization.id);
  const reported = async () =>
    (
      await rows(
        clinic,
        (tx) => tx`select kind, reported_at from calendar_conflicts where reported_at is not null`,
      )
    ).length;
  expect(await conflicts()).toEqual([]);

  const start = own?.start?.dateTime ?? '';
  const meeting = google.put(leesCalendar, from(start, 30));
  await expect.poll(conflicts).toMatchObject([{ kind: 'overlap', startsAt: new Date(start) }]);
  await expect.poll(reported).toBe(1);
  const [first] = await rows(clinic, (tx) => tx`select reported_at from calendar_conflicts`);
  google.put(leesCalendar, { id: meeting, ...from(start, 60) });
  await expect.poll(conflicts).toMatchObject([{ eventEndsAt: new Date(Date.parse(start) + 3_600_000) }]);
  await untilQuiet(clinic);
  expect(await rows(clinic, (tx) => tx`select reported_at from calendar_conflicts`)).toEqual([first]);
  google.remove(leesCalendar, meeting);
  await expect.poll(conflicts).toEqual([]);

  // Somebody drags the appointment's own event, and throws it away.
  const elsewhere = new Date(Date.parse(start) + 2 * 3_600_000).toISOString();
  google.put(leesCalendar, { id: own?.id ?? '', ...from(elsewhere, 30) });
  await expect.poll(conflicts).toMatchObject([{ kind: 'moved', eventStartsAt: new Date(elsewhere) }]);
  expect(await leesOpenSlots(app, localDate(zone, new Date(elsewhere)))).not.toContain(elsewhere);
  google.put(leesCalendar, { id: own?.id ?? '', ...from(start, 30) });
  await expect.poll(conflicts).toEqual([]);
  expect(await leesOpenSlots(app, localDate(zone, new Date(elsewhere)))).toContain(elsewhere);
  google.remove(leesCalendar, own?.id ?? '');
  await expect.poll(conflicts).toMatchObject([{ kind: 'removed' }]);
  // The appointment stands; what is to become of it people decide.
  const [appointment] = await rows(clinic, (tx) => tx`select status from appointments`);
  expect(appointment).toEqual({ status: 'booked' });
});

test('a time somebody holds is booked although an event has come in, and that is a conflict', async () => {
  const clinic = await openCalendarClinic();
  const { google, app } = clinic;
  await untilQuiet(clinic);
  const caller = new Caller(app);
  await caller.say('Next Tuesday with Doctor Lee, please.');
  await caller.say('The first one, please.');
  const [held] = await rows(
    clinic,
    (tx) => tx`select starts_at from available_slots where status = 'reserved'`,
  );
  const start: string = held?.['starts_at'].toISOString();
  google.put(leesCalendar, from(start, 30));
  await expect.poll(() => rows(clinic, (tx) => tx`select from busy_times`)).toHaveLength(1);
  expect(await caller.say('Yes please, my name is Ann Miller.')).toMatch(/booked/i);
  await expect
    .poll(() => openConflicts(app.sql, app.organization.id))
    .toMatchObject([{ kind: 'overlap', startsAt: new Date(start) }]);
});

test('credentials that open nothing any more are said to, and work again when somebody connects', async () => {
  const clinic = await openCalendarClinic({ push: false });
  const { google, app, lee } = clinic;
  await untilQuiet(clinic);
  google.mood = { kind: 'failing', status: 403 };
  await app.sql`select ask_for_sync(${app.organization.id}, ${lee.id})`;
  const problems = () =>
    rows(clinic, (tx) => tx`select problem from calendar_credentials where problem is not null`);
  await expect.poll(problems).toHaveLength(1);
  google.mood = { kind: 'working' };
  await app.sql`select ask_for_sync(${app.organization.id}, ${lee.id})`;
  await expect.poll(problems).toHaveLength(0);
});

test('an appointment that is cancelled while Google is being told of it leaves no event behind', async () => {
  const clinic = await openCalendarClinic({ push: false });
  const { google, app } = clinic;
  await untilQuiet(clinic);
  // The making arrives late; the removing, by another job, finds nothing and is done before.
  google.mood = { kind: 'slow', ms: 1_500 };
  await bookWithLee(app, 'Next Tuesday');
  await expect.poll(() => google.arrived).toBeGreaterThan(google.requests.length);
  google.mood = { kind: 'working' };
  const [made] = await rows(clinic, (tx) => tx`select id from appointments`);
  await cancelAppointment(app.sql, { tenantId: app.organization.id, callSid: null }, made?.['id']);
  const operations = () =>
    google.requests.map(({ operation }) => operation).filter((name) => name.startsWith('events.'));
  await expect.poll(() => operations().slice(-3), { timeout: 10_000 }).toContain('events.insert');
  await untilQuiet(clinic);
  expect(operations()).toEqual(expect.arrayContaining(['events.delete', 'events.insert']));
  expect(google.events(leesCalendar)).toEqual([]);
});

test('a reading that another one has overtaken is left out', async () => {
  const clinic = await openCalendarClinic({ push: false });
  const { app, lee } = clinic;
  await untilQuiet(clinic);
  const key = { tenantId: app.organization.id, practitionerId: lee.id };
  const day = openDay(clinic);
  const state = await calendarState(app.sql, key);
  const reading = {
    calendarId: leesCalendar,
    round: state?.round ?? '',
    whole: false,
    listedFrom: new Date(),
    windowEndsAt: null,
    syncToken: 'later',
    events: [{ id: 'a', seriesId: null, startsAt: new Date(at(day, 10)), endsAt: new Date(at(day, 11)) }],
  };
  expect(await applyReading(app.sql, key, reading)).toEqual({ applied: true, changed: 1 });
  const older = { ...reading, syncToken: 'earlier', events: [{ id: 'a', seriesId: null, removed: true }] };
  expect(await applyReading(app.sql, key, older)).toEqual({ applied: false, changed: 0 });
  expect(await calendarState(app.sql, key)).toMatchObject({ syncToken: 'later' });
  expect(await leesOpenSlots(app, day)).not.toContain(at(day, 10));
});

test('a channel is opened again in its last day, and the old one ended', async () => {
  const clinic = await openCalendarClinic();
  const { google, app, lee } = clinic;
  await untilQuiet(clinic);
  const sync = async () => {
    await app.sql`select ask_for_sync(${app.organization.id}, ${lee.id})`;
    await untilQuiet(clinic);
  };
  const [first] = google.channels.keys();
  await sync();
  expect([...google.channels.keys()]).toEqual([first]);
  await rows(
    clinic,
    (tx) => tx`update calendar_syncs set channel_expires_at = ledger_now() + interval '23 hours'`,
  );
  await sync();
  await expect.poll(() => google.channels.size).toBe(1);
  expect([...google.channels.keys()]).not.toEqual([first]);
});

test('two readings that open a channel at once leave one of them', async () => {
  const clinic = await openCalendarClinic();
  const { access, app, lee } = clinic;
  await untilQuiet(clinic);
  const key = { tenantId: app.organization.id, practitionerId: lee.id };
  const state = await calendarState(app.sql, key);
  if (state === undefined) throw new Error('the calendar was never read');
  const open = new Set([state.channel?.id]);
  const calendars = {
    watch: async (_: string, { id }: { id: string }) => {
      open.add(id);
      const value = { resourceId: 'lees', expiresAt: new Date(Date.now() + 7 * 86_400_000) };
      return { ok: true as const, value };
    },
    stop: async ({ id }: { id: string }) => {
      open.delete(id);
      return { ok: true as const, value: undefined };
    },
  };
  const publicUrl = 'https://elsewhere.example';
  const parts = { sql: app.sql, access, publicUrl, log: createLog({ level: 'silent', pretty: true }) };
  const about = { key, state, now: new Date() };
  await Promise.all([keepChannel(parts, calendars, about), keepChannel(parts, calendars, about)]);
  expect([...open]).toEqual([(await calendarState(app.sql, key))?.channel?.id]);
});

test('what the clinic writes into an event stays; a patient who is forgotten is forgotten there too', async () => {
  const clinic = await openCalendarClinic({ push: false });
  const { google, app } = clinic;
  await untilQuiet(clinic);
  await bookWithLee(app, 'Next Tuesday');
  await untilQuiet(clinic);
  const own = () => google.events(leesCalendar)[0];
  expect(own()).toMatchObject({ summary: 'Ann Miller', description: '+12125550142' });
  google.put(leesCalendar, { id: own()?.id ?? '', description: 'bring the X-ray' });
  const [appointment] = await rows(clinic, (tx) => tx`select id from appointments`);
  await app.sql`select ask_for_event(${app.organization.id}, ${appointment?.['id']})`;
  await untilQuiet(clinic);
  expect(own()).toMatchObject({ summary: 'Ann Miller', description: 'bring the X-ray' });
  await rows(clinic, (tx) => tx`update appointments set patient = '{}'`);
  await expect.poll(own).toMatchObject({ summary: 'Appointment', description: '' });
});
