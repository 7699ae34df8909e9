import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { cancelAppointment } from '#booking/appointments.ts';
import { setOptedOut } from '#booking/texts.ts';
import { callRecord } from '#console/call-record.ts';
import { openRunner } from '#jobs/runner.ts';
import { sendText } from '#jobs/send-text.ts';
import { demoClinic } from '#organization/demo-clinic.ts';
import { openPrompts } from '#prompts/templates.ts';
import { createTwilio } from '#sms/twilio.ts';
import { inTenant } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { promptsFolder } from '../../src/config.ts';
import { languages } from '../languages.ts';
import { Caller, demoKey, type RunningApp, startApp } from '../running-app.ts';
import { account, startTwilio } from '../stand-ins/twilio.ts';

const log = createLog({ level: 'silent', pretty: false });

/** A call whose tools are run by the platform's own model. */
class ToolCall {
  readonly callSid = randomUUID();
  readonly #app: RunningApp;
  readonly #number: string;

  constructor(app: RunningApp, number: string) {
    this.#app = app;
    this.#number = number;
  }

  async run(name: string, args: object): Promise<{ success: boolean; reason?: string; sms?: string }> {
    const response = await fetch(`${this.#app.url}/tools/booking-handler`, {
      method: 'POST',
      headers: { authorization: `Bearer ${demoKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        message: {
          type: 'tool-calls',
          call: { id: this.callSid, assistantId: demoClinic.assistantId },
          customer: { number: this.#number },
          toolCallList: [{ id: randomUUID(), name, arguments: args }],
        },
      }),
    });
    const { results } = (await response.json()) as { results: [{ result: string }] };
    return JSON.parse(results[0].result);
  }

  async hold(): Promise<void> {
    const day = new Date(Date.now() + 5 * 86_400_000);
    while (day.getUTCDay() % 6 === 0) day.setUTCDate(day.getUTCDate() + 1);
    await this.run('check_availability', { date: day.toISOString().slice(0, 10) });
    expect(await this.run('reserve_slot', { slotId: 'slot_1' })).toMatchObject({ success: true });
  }

  yes(phone?: string): Promise<{ success: boolean; reason?: string; sms?: string }> {
    return this.run('send_sms_reminder', {
      ...(phone === undefined ? {} : { phone }),
      appointmentDetails: { patientName: 'Ann Miller' },
    });
  }

  record() {
    return callRecord(this.#app.sql, this.#app.organization.id, this.callSid);
  }
}

test('whatever Twilio does, the caller is told at once that the text is on its way, before Twilio is asked', async () => {
  await using twilio = await startTwilio();
  twilio.mood = () => ({ type: 'silent' });
  await using app = await startApp({ twilio: account });
  await using prompts = await openPrompts({ folder: promptsFolder, log });
  const sender = createTwilio({ ...account, baseUrl: twilio.url, timeoutMs: 10_000 });
  const { sql, directory } = app;
  const handlers = {
    'send-text': sendText({ sql, directory, prompts, languages, sender, publicUrl: undefined, log }),
  };
  await using _ = await openRunner({
    url: app.ledgerUrl,
    sql,
    handlers,
    schedules: [],
    log,
    pollIntervalMs: 50,
  });
  // Ten seconds for a correction: when the caller has the answer, nobody has begun to ask Twilio.
  const expectUntried = async ({ callSid }: Caller) => {
    const { texts } = await callRecord(app.sql, app.organization.id, callSid);
    expect(texts.find(({ wording }) => wording === 'confirmation')?.status).toBe('recorded');
  };
  const callers = Array.from({ length: 5 }, (_unused, index) => new Caller(app, `+1212555014${index}`));
  for (const caller of callers) {
    await caller.say('Next Tuesday, please.');
    await caller.say('The first one.');
    const heard = await caller.say('Yes, this is Ann Miller.');
    expect(heard).toMatch(/booked.+text message/i);
    await expectUntried(caller);
  }
  await twilio.leave();
  const late = new Caller(app, '+12125550149');
  await late.say('Next Wednesday, please.');
  await late.say('The first one.');
  expect(await late.say('Yes, this is Ann Miller.')).toMatch(/booked.+text message/i);
  await expectUntried(late);
});

test('a number nobody has, or of a country the clinic does not text, is refused with its reason; nothing is booked', async () => {
  await using app = await startApp({ twilio: account });
  const call = new ToolCall(app, '+12125550151');
  await call.hold();
  for (const [phone, reason] of [
    ['12', 'invalid_phone'],
    ['call me maybe', 'invalid_phone'],
    ['+44 7400 123456', 'country_not_allowed'],
    // An island that shares the calling code, at a price of its own.
    ['+1 876 555 0123', 'country_not_allowed'],
    ['1-900-555-0123', 'invalid_phone'],
  ]) {
    expect(await call.yes(phone), phone).toEqual({ success: false, reason });
  }
  expect((await call.record()).appointments).toEqual([]);
  expect(await call.yes('(212) 555-0152')).toMatchObject({ success: true, sms: 'queued' });
  expect((await call.record()).texts.map(({ number }) => number)).toContain('+12125550152');
});

test('a clinic may text other countries, too', async () => {
  await using app = await startApp({ twilio: account });
  const { id } = app.organization;
  await inTenant(
    app.sql,
    id,
    (tx) => tx`update organizations set text_countries = '{US,GB}' where id = ${id}`,
  );
  await app.directory.refresh();
  const call = new ToolCall(app, '+12125550153');
  await call.hold();
  expect(await call.yes('+44 7400 123456')).toMatchObject({ success: true, sms: 'queued' });
});

test('whoever merely calls from abroad is booked, without a text', async () => {
  await using app = await startApp({ twilio: account });
  const call = new ToolCall(app, '+447400123456');
  await call.hold();
  expect(await call.yes()).toMatchObject({ success: true, sms: 'none' });
  const { appointments, texts } = await call.record();
  expect(appointments).toMatchObject([{ patient: { phone: '+447400123456' } }]);
  expect(texts).toEqual([]);
  // Nor is the cancelling told there: a clinic would pay for whoever calls from far away.
  const { id: tenantId } = app.organization;
  await cancelAppointment(app.sql, { tenantId, callSid: null }, appointments[0]?.id ?? '');
  expect((await call.record()).texts).toEqual([]);
});

/** Sets one of the limits on texts; the others are none. */
function limit(app: RunningApp, column: string, max: number): Promise<unknown> {
  const { id } = app.organization;
  const none = { texts_per_call_max: null, texts_per_number_and_day_max: null, texts_per_day_max: null };
  return inTenant(
    app.sql,
    id,
    (tx) => tx`update organizations set ${tx({ ...none, [column]: max })} where id = ${id}`,
  );
}

const limits = ['texts_per_call_max', 'texts_per_number_and_day_max', 'texts_per_day_max'];

test.each(limits)(
  'over %s: the time is booked, no text is promised, and the caller hears both',
  async (column) => {
    await using app = await startApp({ twilio: account });
    await limit(app, column, 0);
    const call = new ToolCall(app, '+12125550158');
    await call.hold();
    expect(await call.yes()).toMatchObject({ success: true, sms: 'limit' });
    const record = await call.record();
    expect(record.appointments).toMatchObject([{ status: 'booked' }]);
    expect(record.texts).toMatchObject([{ wording: 'confirmation', status: 'failed' }]);
    // The same success is told again.
    expect(await call.yes()).toMatchObject({ success: true, sms: 'limit' });
    const spoken = new Caller(app, '+12125550159');
    await spoken.say('Next Wednesday, please.');
    await spoken.say('The first one.');
    expect(await spoken.say('Yes, this is Ann Miller.')).toMatch(/booked.+cannot send a text message/);
  },
);

test.each([
  ['texts_per_call_max', 1],
  ['texts_per_number_and_day_max', 0],
  // The confirmation and the reminder it came with.
  ['texts_per_day_max', 1],
])(
  'a number corrected over %s is noted, its text refused with a reason, and the booking stands',
  async (column, max) => {
    await using app = await startApp({ twilio: account });
    const call = new ToolCall(app, '+12125550154');
    await call.hold();
    expect(await call.yes()).toMatchObject({ success: true, sms: 'queued' });
    const { id } = app.organization;
    await inTenant(
      app.sql,
      id,
      (tx) => tx`update text_messages set status = 'sent' where wording = 'confirmation'`,
    );
    await limit(app, column, max);
    expect(await call.yes('212 555 0155')).toEqual({ success: false, reason: 'limit' });
    const { appointments, texts } = await call.record();
    expect(appointments).toMatchObject([{ status: 'booked', patient: { phone: '+12125550155' } }]);
    expect(texts.find(({ number }) => number === '+12125550155')).toMatchObject({ status: 'failed' });
  },
);

test.each([
  ['en', /on its way/, /cannot send a text message/, /cannot send another text message/],
  ['es', /Le enviamos un mensaje/, /No puedo enviarle un mensaje/, /no puedo enviar otro mensaje/],
  [
    'de',
    /Sie bekommen gleich eine SMS/,
    /Eine SMS dazu kann ich nicht/,
    /weitere SMS kann ich jetzt leider nicht/,
  ],
])('in %s a text is announced when it comes, and only then', async (language, comes, comesNot, refused) => {
  await using prompts = await openPrompts({ folder: promptsFolder, log });
  const to = { organization: null, language };
  const appointment = { slot: '9', name: 'Ann' };
  for (const outcome of ['booked', 'corrected'] as const) {
    const none = prompts.speak(outcome, to, { ...appointment, texted: false, untexted: true });
    expect(none).toMatch(comesNot);
    expect(none).not.toMatch(comes);
    // Where no account is configured, nobody expects a text.
    const silent = prompts.speak(outcome, to, { ...appointment, texted: false, untexted: false });
    expect(silent).not.toMatch(/text message|mensaje|SMS/);
  }
  const booked = prompts.speak('booked', to, { ...appointment, texted: true, untexted: false });
  expect(booked).toMatch(comes);
  expect(booked).not.toMatch(comesNot);
  // Whichever limit it was: that of a call, of a number or of the clinic's day.
  const sentence = prompts.speak('text-limit', to, {});
  expect(sentence).toMatch(refused);
  expect(sentence).not.toMatch(/this call|esta llamada|diesem Gespräch/);
});

test('whoever answered STOP is booked, and promised no text', async () => {
  await using app = await startApp({ twilio: account });
  await setOptedOut(app.sql, '+12125550156', true);
  const call = new ToolCall(app, '+12125550156');
  await call.hold();
  expect(await call.yes()).toMatchObject({ success: true, sms: 'opted_out' });
  const spoken = new Caller(app, '+12125550156');
  await spoken.say('Next Wednesday, please.');
  await spoken.say('The first one.');
  expect(await spoken.say('Yes, this is Ann Miller.')).toMatch(/booked.+cannot send a text message/);
});

test('without a Twilio account the text is recorded, and nobody is promised one', async () => {
  await using app = await startApp();
  const call = new ToolCall(app, '+12125550157');
  await call.hold();
  expect(await call.yes()).toMatchObject({ success: true, sms: 'recorded' });
  expect((await call.record()).texts.map(({ status }) => status)).toEqual(['recorded', 'recorded']);
  const spoken = new Caller(app, '+12125550157');
  await spoken.say('Next Wednesday, please.');
  await spoken.say('The first one.');
  expect(await spoken.say('Yes, this is Ann Miller.')).not.toMatch(/text message/i);
});
