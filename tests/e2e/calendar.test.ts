import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nextOpenDay } from '#availability/open-hours.ts';
import { cancelAppointment } from '#booking/appointments.ts';
import { callRecord } from '#console/call-record.ts';
import { addDays, dayBounds, localDate } from '#organization/clinic-clock.ts';
import {
  bookWithLee,
  type CalendarClinic,
  leesCalendar,
  leesOpenSlots,
  openCalendarClinic,
  rows,
  untilQuiet,
} from '../calendar-clinic.ts';
import { redisServer } from '../redis-server.ts';
import { runCommand } from '../run-command.ts';
import { type Caller, startApp } from '../running-app.ts';

const zone = 'America/New_York';
const patience = { timeout: 15_000 };

/** What stands in the ledger and what stands in the calendar, to be compared. */
async function bothSides(clinic: CalendarClinic): Promise<{ ledger: string[]; calendar: string[] }> {
  const booked = await rows(
    clinic,
    (tx) => tx<{ starts_at: Date; patient: Record<string, string> }[]>`
      select starts_at, patient from appointments
      where status = 'booked' and practitioner_id = ${clinic.lee.id} order by starts_at`,
  );
  return {
    ledger: booked.map(({ starts_at, patient }) => `${starts_at.toISOString()} ${patient['name']}`),
    calendar: clinic.google
      .events(leesCalendar)
      .map(({ start, summary }) => `${new Date(start?.dateTime ?? '').toISOString()} ${summary}`)
      .sort(),
  };
}

async function readAsEveryHour({ app }: CalendarClinic): Promise<void> {
  await app.sql`select enqueue_job('calendar-sync-all', '{}', 'calendar-sync-all')`;
}

async function booked(clinic: CalendarClinic, caller: Caller): Promise<string> {
  const { appointments } = await callRecord(clinic.app.sql, clinic.app.organization.id, caller.callSid);
  expect(appointments).toHaveLength(1);
  return appointments[0]?.id ?? '';
}

/** After an hour of trying in vain each job waits for a quarter of an hour before it is tried again. */
async function waitAsAfterAnHour({ app }: CalendarClinic): Promise<void> {
  await app.sql.begin(async (tx) => {
    await tx`set local role holdline_jobs`;
    const waiting = await tx`
      update graphile_worker._private_jobs set run_at = now() + interval '15 minutes'
      where locked_at is null and key like 'calendar-event:%'`;
    expect(waiting.count).toBeGreaterThan(0);
  });
}

async function anHourWithoutGoogle(clinic: CalendarClinic, meanwhile: () => Promise<void>): Promise<void> {
  const { google, app } = clinic;
  await untilQuiet(clinic);
  const first = await bookWithLee(app, 'Next Monday', 'Ann Miller');
  await untilQuiet(clinic);
  expect(google.events(leesCalendar)).toHaveLength(1);

  // It goes in the middle of things: what it was asked it has done, but nobody hears so.
  google.mood = { kind: 'breaking-off' };
  await booked(clinic, await bookWithLee(app, 'Next Tuesday', 'Bob Stone'));
  await expect.poll(() => google.events(leesCalendar).length, patience).toBe(2);
  await google.stop();
  await meanwhile();
  await booked(clinic, await bookWithLee(app, 'Next Wednesday', 'Cleo Park'));
  await booked(clinic, await bookWithLee(app, 'Next Thursday', 'Dan Wood'));
  const call = { tenantId: app.organization.id, callSid: null };
  await cancelAppointment(app.sql, call, await booked(clinic, first));
  await readAsEveryHour(clinic);
  await delay(500);
  expect((await bothSides(clinic)).calendar).toHaveLength(2);
  await waitAsAfterAnHour(clinic);

  google.mood = { kind: 'working' };
  await google.start();
  await readAsEveryHour(clinic);
  await expect
    .poll(async () => {
      const { ledger, calendar } = await bothSides(clinic);
      return calendar.join() === ledger.join() ? 'the same' : { ledger, calendar };
    }, patience)
    .toBe('the same');
  expect((await bothSides(clinic)).ledger).toHaveLength(3);
  await untilQuiet(clinic);
  expect((await bothSides(clinic)).calendar).toEqual((await bothSides(clinic)).ledger);
  const made = google.requests.filter(
    ({ operation, status }) => operation === 'events.insert' && status === 200,
  );
  expect(made).toHaveLength(4);
  expect(google.complaints).toEqual([]);
}

describe('Google is gone for an hour in the middle of the day', () => {
  test('callers notice nothing; afterwards calendar and ledger say the same, each appointment once', async () => {
    const clinic = await openCalendarClinic();
    await anHourWithoutGoogle(clinic, async () => {});
  });

  redisServer.describe('and Redis goes too', () => {
    test('it is the same', async () => {
      const redis = await redisServer.start();
      onTestFinished(() => redis[Symbol.asyncDispose]());
      const clinic = await openCalendarClinic({ redisUrl: redis.url });
      await anHourWithoutGoogle(clinic, () => redis.kill());
    });
  });

  test('slow, refusing and limiting, it is as good as gone', async () => {
    const clinic = await openCalendarClinic();
    const { google, app } = clinic;
    await untilQuiet(clinic);
    for (const mood of [
      { kind: 'failing', status: 503 },
      { kind: 'rate-limiting' },
      { kind: 'slow', ms: 300 },
    ] as const) {
      google.mood = mood;
      await booked(clinic, await bookWithLee(app, 'Next Tuesday', `Caller ${mood.kind}`));
    }
    google.mood = { kind: 'working' };
    await readAsEveryHour(clinic);
    await expect.poll(async () => (await bothSides(clinic)).calendar.length, patience).toBe(3);
    await untilQuiet(clinic);
    const { ledger, calendar } = await bothSides(clinic);
    expect(calendar).toEqual(ledger);
  });
});

redisServer.describe('an edit in the calendar', () => {
  test.each([
    ['is told by Google and reaches what another process offers', true],
    ['is found by the hourly reading when Google tells nothing', false],
  ])('%s', async (_name, push) => {
    const redis = await redisServer.start();
    onTestFinished(() => redis[Symbol.asyncDispose]());
    const clinic = await openCalendarClinic({ redisUrl: redis.url, push });
    await untilQuiet(clinic);
    const other = await clinic.startAnother({ redisUrl: redis.url });
    const day = nextOpenDay(other.organization.schedule, addDays(localDate(zone, new Date()), 3)) ?? '';
    const [start = ''] = await leesOpenSlots(other, day);
    const end = new Date(Date.parse(start) + 1_800_000).toISOString();
    clinic.google.put(leesCalendar, { start: { dateTime: start }, end: { dateTime: end } });
    if (!push) {
      await delay(300);
      expect(await leesOpenSlots(other, day)).toContain(start);
      await readAsEveryHour(clinic);
    }
    await expect.poll(() => leesOpenSlots(other, day), patience).not.toContain(start);
  });
});

redisServer.describe('Redis is emptied while calls run', () => {
  test('the cache fills again and nothing is claimed twice', async () => {
    const redis = await redisServer.start();
    onTestFinished(() => redis[Symbol.asyncDispose]());
    const clinic = await openCalendarClinic({ redisUrl: redis.url });
    const { app } = clinic;
    const other = await clinic.startAnother({ redisUrl: redis.url });
    await untilQuiet(clinic);
    const admin = new Redis(redis.url);
    onTestFinished(() => admin.disconnect());
    let calling = true;
    const emptying = (async () => {
      while (calling) {
        await admin.flushall();
        await delay(15);
      }
    })();
    const calls = Array.from({ length: 12 }, (_, index) =>
      bookWithLee(index % 2 === 0 ? app : (other as typeof app), 'Next Tuesday', `Caller ${index}`),
    );
    await Promise.all(calls);
    calling = false;
    await emptying;
    const taken = await rows(clinic, (tx) => tx`select slot_id from appointments where status = 'booked'`);
    expect(taken.length).toBeGreaterThan(0);
    expect(new Set(taken.map(({ slot_id }) => slot_id)).size).toBe(taken.length);

    const [appointment] = await rows(clinic, (tx) => tx`select starts_at from appointments limit 1`);
    const day = localDate(zone, appointment?.['starts_at']);
    const { startsAt, endsAt } = dayBounds(zone, day);
    const truth = await app.sql<{ starts_at: Date }[]>`
      select starts_at from open_slots(${app.organization.id}, ${startsAt}, ${endsAt})
      where practitioner_id = ${clinic.lee.id}`;
    for (const process of [app, other]) {
      await expect
        .poll(() => leesOpenSlots(process, day))
        .toEqual(truth.map(({ starts_at }) => starts_at.toISOString()));
    }
    // The next change is followed by a reading, and that one is kept.
    await bookWithLee(app, 'Next Tuesday', 'Last Caller');
    await expect.poll(() => admin.hexists(`slots:${app.organization.id}`, day)).toBe(1);
  });
});

describe('a calendar nobody has read yet', () => {
  const whole = (clinic: CalendarClinic) =>
    clinic.google.requests.filter(({ operation }) => operation === 'events.list').length;

  test('is read once, however many callers ask, and they hear what it says', async () => {
    const day = nextOpenDay((await demoSchedule()).schedule, addDays(localDate(zone, new Date()), 3)) ?? '';
    const start = new Date(dayBounds(zone, day).startsAt.getTime() + 9 * 3_600_000).toISOString();
    const clinic = await openCalendarClinic({
      push: false,
      connected: 'unasked',
      before: (google) => {
        const end = new Date(Date.parse(start) + 9 * 3_600_000).toISOString();
        google.put(leesCalendar, { start: { dateTime: start }, end: { dateTime: end } });
        google.mood = { kind: 'slow', ms: 150 };
      },
    });
    const other = await clinic.startAnother();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => leesOpenSlots(index % 2 === 0 ? clinic.app : other, day)),
    );
    expect(answers).toEqual(Array.from({ length: 20 }, () => []));
    await untilQuiet(clinic);
    expect(whole(clinic)).toBe(1);
  });

  test('and is out of reach: callers are answered from the ledger, and only the first waits', async () => {
    const clinic = await openCalendarClinic({
      push: false,
      connected: 'unasked',
      before: (google) => {
        google.mood = { kind: 'failing', status: 503 };
      },
    });
    const day = nextOpenDay(clinic.app.organization.schedule, addDays(localDate(zone, new Date()), 3)) ?? '';
    expect(await leesOpenSlots(clinic.app, day)).toHaveLength(18);
    const caller = await bookWithLee(clinic.app, 'Next Tuesday');
    await booked(clinic, caller);
  });
});

describe('somebody connects a Google account', () => {
  test('by a link, through the browser that opened it, and its calendars are read', async () => {
    const clinic = await openCalendarClinic({ connected: false });
    const { app, access, google } = clinic;
    await rows(
      clinic,
      (tx) => tx`update practitioners set calendar_id = ${leesCalendar} where id = ${clinic.lee.id}`,
    );
    const env = {
      ENCRYPTION_KEY: clinic.encryptionKey.toString('base64'),
      PUBLIC_URL: 'https://holdline.example',
      GOOGLE_CLIENT_ID: 'the-client',
      GOOGLE_CLIENT_SECRET: 'the-client-secret',
    };
    const made = await runCommand(app.ledgerUrl, ['calendar', 'connect', app.organization.key], { env });
    const link = new URL(made.stdout.trim());
    const open = (url: URL, cookie = '') =>
      fetch(`${app.url}${url.pathname}${url.search}`, { redirect: 'manual', headers: { cookie } });
    const sent = await open(link);
    expect(sent.status).toBe(302);
    const cookie = (sent.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const agreed = await fetch(sent.headers.get('location') ?? '', { redirect: 'manual' });
    const back = new URL(agreed.headers.get('location') ?? '');
    expect(back.pathname).toBe('/google/connect/callback');

    // Another browser, and one that was sent with something else.
    expect((await open(back)).status).toBe(403);
    const forged = new URL(back);
    forged.searchParams.set('state', 'forged');
    expect((await open(forged, cookie)).status).toBe(403);
    const connected = await open(back, cookie);
    expect(await connected.text()).toMatch(/is connected/);
    await untilQuiet(clinic);
    expect(google.requests.some(({ operation }) => operation === 'events.list')).toBe(true);
    // What is kept says nothing to whoever reads the table.
    const [kept] = await rows(clinic, (tx) => tx`select sealed from calendar_credentials`);
    expect(kept?.['sealed'].toString('latin1')).not.toContain([...google.refreshTokens][0]);
    expect((await open(link)).status).toBe(302);
    expect((await open(new URL('https://x/google/connect?ticket=made-up'))).status).toBe(403);
    expect(await access.of(app.sql, app.organization.id)).toMatchObject({ opened: true });
    const listed = await runCommand(app.ledgerUrl, ['calendar', 'list'], { env });
    expect(listed.said).toContain(leesCalendar);
  });

  test('a notification with a token that is not ours is refused, and so is everything without a key', async () => {
    const clinic = await openCalendarClinic();
    await untilQuiet(clinic);
    const post = (url: string, headers: Record<string, string>) =>
      fetch(`${url}/google/notifications`, { method: 'POST', headers });
    const [channel] = clinic.google.channels.values();
    const forged = { 'x-goog-channel-id': 'another', 'x-goog-channel-token': channel?.token ?? '' };
    expect((await post(clinic.app.url, forged)).status).toBe(403);
    expect((await post(clinic.app.url, {})).status).toBe(403);
    const right = { 'x-goog-channel-id': channel?.id ?? '', 'x-goog-channel-token': channel?.token ?? '' };
    const before = clinic.google.requests.length;
    expect((await post(clinic.app.url, right)).status).toBe(204);
    await expect.poll(() => clinic.google.requests.length).toBeGreaterThan(before);
    await using without = await startApp();
    expect((await post(without.url, right)).status).toBe(404);
  });
});

async function demoSchedule() {
  await using app = await startApp();
  return app.organization;
}
