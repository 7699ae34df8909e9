import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callRecord } from '#console/call-record.ts';
import { comingDay } from '../coming-day.ts';
import { Caller, type RunningApp, startApp } from '../running-app.ts';

let app: RunningApp & { ledgerUrl: string };

beforeAll(async () => {
  app = await startApp();
});

afterAll(() => app?.[Symbol.asyncDispose]());

describe('a caller books an appointment', () => {
  test('from the first word to the row in the ledger', async () => {
    const caller = new Caller(app);
    const { weekday } = comingDay();

    expect(await caller.say('Hi, I would like to see a doctor.')).toMatch(/day/i);
    expect(await caller.say(`Next ${weekday} in the afternoon, please.`)).toContain(weekday);
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
    const caller = new Caller(app);
    await caller.say(`Next ${comingDay().weekday}, please.`);
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
