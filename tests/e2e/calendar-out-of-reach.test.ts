import { describe, expect, test } from 'vitest';
import { nextOpenDay } from '#availability/open-hours.ts';
import { callRecord } from '#console/call-record.ts';
import { addDays, localDate } from '#organization/clinic-clock.ts';
import type { Organization } from '#organization/organization.ts';
import {
  bookWithLee,
  leesCalendar,
  leesOpenSlots,
  openCalendarClinic,
  untilQuiet,
} from '../calendar-clinic.ts';
import { redisServer } from '../redis-server.ts';

describe('the calendar is out of reach', () => {
  redisServer.describe('with the cache working', () => {
    test('callers hear open times from the cache and book, and the calendar learns of it afterwards', async () => {
      await using redis = await redisServer.start();
      const clinic = await openCalendarClinic({ redisUrl: redis.url });
      const { app, google } = clinic;
      // What the calendar said before it went is still not offered.
      const day = nextOpenDay(app.organization.schedule, addDays(today(app), 6)) ?? '';
      const [first = ''] = await leesOpenSlots(app, day);
      google.put(leesCalendar, halfAnHour(first));
      await expect.poll(() => leesOpenSlots(app, day)).not.toContain(first);
      await untilQuiet(clinic);
      await google.stop();

      const book = async () => {
        const caller = await bookWithLee(app, 'Next Monday');
        const { appointments } = await callRecord(app.sql, app.organization.id, caller.callSid);
        expect(appointments).toHaveLength(1);
      };
      const another = await clinic.startAnother({ redisUrl: redis.url });
      expect(await leesOpenSlots(another, day)).toEqual(await leesOpenSlots(app, day));
      await book();
      await redis.kill();
      await book();
      expect(await leesOpenSlots(app, day)).not.toContain(first);
      await redis.start();
      await book();

      await google.start();
      await app.sql`select enqueue_job('calendar-sync-all', '{}', 'calendar-sync-all')`;
      await expect.poll(() => google.events(leesCalendar).length, { timeout: 15_000 }).toBe(4);
    });
  });
});

function today({ organization }: { organization: Organization }): string {
  return localDate(organization.zone, new Date());
}

function halfAnHour(start: string) {
  const end = new Date(Date.parse(start) + 1_800_000).toISOString();
  return { start: { dateTime: start }, end: { dateTime: end } };
}
