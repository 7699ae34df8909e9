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
import { Caller, startApp } from '../running-app.ts';

describe('a caller books an appointment', () => {
  test('from the first word to the row in the ledger', async () => {
    await using app = await startApp();
    const caller = new Caller(app);

    expect(await caller.say('Hi, I would like to see a doctor.')).toMatch(/day/i);
    expect(await caller.say('Next Tuesday in the afternoon, please.')).toMatch(/tuesday/i);
    expect(await caller.say('The first one, please.')).toMatch(/holding/i);
    expect(await caller.say('Yes please, my name is Ann Miller.')).toMatch(/booked/i);

    const record = await callRecord(app.sql, app.organization.id, caller.callSid);
    expect(record.appointments).toHaveLength(1);
    expect(record.appointments[0]).toMatchObject({
      status: 'booked',
      patient: { name: 'Ann Miller', phone: '+12125550142' },
    });
    expect(record.history.map((row) => row.toStep)).toEqual([
      'greeting',
      'check_avail',
      'reserve',
      'confirm_sms',
      'booked',
    ]);
    expect(record.texts).toEqual(
      ['confirmation', 'reminder'].map((wording) => ({
        number: '+12125550142',
        wording,
        status: 'recorded',
      })),
    );
    expect(record.state).toMatchObject({ step: 'booked', slotId: record.appointments[0]?.slotId });
  });

  test('and a repeated yes books nothing twice', async () => {
    await using app = await startApp();
    const caller = new Caller(app);
    await caller.say('Next Tuesday, please.');
    await caller.say('The first one.');
    await caller.say('Yes, this is Ann Miller.');
    caller.history.splice(-1);
    const again = await (await caller.post()).text();

    expect(again).toMatch(/booked/i);
    const record = await callRecord(app.sql, app.organization.id, caller.callSid);
    expect(record.appointments).toHaveLength(1);
    expect(record.texts.map(({ wording }) => wording)).toEqual(['confirmation', 'reminder']);
  });
});

describe('two calls want one slot', () => {
  test('one holds it, the other hears that it is taken and what else there is', async () => {
    await using app = await startApp();
    const [one, other] = [new Caller(app, '+12125550101'), new Caller(app, '+12125550102')];
    await Promise.all([one.say('Next Wednesday, please.'), other.say('Next Wednesday, please.')]);
    const answers = await Promise.all([one.say('The first one.'), other.say('The first one.')]);

    expect(answers.filter((answer) => /holding/i.test(answer))).toHaveLength(1);
    expect(answers.filter((answer) => /taken/i.test(answer))).toHaveLength(1);
    expect(answers.find((answer) => /taken/i.test(answer))).toMatch(/wednesday/i);

    const loser = /taken/i.test(answers[0]) ? one : other;
    expect(await loser.say('The first one, then.')).toMatch(/holding/i);
    await Promise.all([one.say('Yes, this is Ann Miller.'), other.say('Yes, this is Bob Stone.')]);
    const records = await Promise.all(
      [one, other].map((caller) => callRecord(app.sql, app.organization.id, caller.callSid)),
    );
    const slots = records.flatMap((record) => record.appointments.map((appointment) => appointment.slotId));
    expect(slots).toHaveLength(2);
    expect(new Set(slots).size).toBe(2);
  });
});

describe('a call ends in the middle of a booking', () => {
  test('its hold and step are kept, and it goes on where it stood, on another process too', async () => {
    await using app = await startApp();
    const caller = new Caller(app);
    await caller.say('Next Thursday, please.');
    await caller.say('The first one.');
    const before = await callRecord(app.sql, app.organization.id, caller.callSid);
    expect(before.state?.step).toBe('reserve');
    expect(before.state?.expiresAt).toBeInstanceOf(Date);

    await using another = await startApp({ ledgerUrl: app.ledgerUrl });
    const resumed = Object.assign(new Caller(another), { callSid: caller.callSid });
    resumed.history.splice(0, resumed.history.length, ...caller.history);
    expect(await resumed.say('Yes, this is Ann Miller.')).toMatch(/booked/i);
    const after = await callRecord(app.sql, app.organization.id, caller.callSid);
    expect(after.appointments[0]?.slotId).toBe(before.state?.slotId);
  });

  test('hanging up while the slot is being claimed loses nothing', async () => {
    await using app = await startApp();
    const caller = new Caller(app);
    await caller.say('Next Thursday, please.');
    caller.history.push({ role: 'user', content: 'The first one.' });
    const hangUp = new AbortController();
    const response = await caller.post(hangUp.signal);
    hangUp.abort();
    await response.text().catch(() => {});

    caller.history.push(
      { role: 'assistant', content: '' },
      { role: 'user', content: 'Hello? The first one, please.' },
    );
    const answer = await (await caller.post()).text();
    expect(answer).toMatch(/holding/i);
    const held = await app.sql.begin(async (tx) => {
      await tx`select set_config('holdline.tenant_id', ${app.organization.id}, true)`;
      return tx`select slot_id from available_slots where status = 'reserved'`;
    });
    expect(held).toHaveLength(1);
  });
});

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
