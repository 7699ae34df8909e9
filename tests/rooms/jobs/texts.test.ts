import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cancelAppointment, moveAppointment } from '#booking/appointments.ts';
import { clockOffsetMs } from '../../clock/test-clock.ts';
import { openTextClinic, publicUrl, type Text, type TextClinic } from '../../text-clinic.ts';

let place: TextClinic;
let worker: AsyncDisposable;
let lastNumber = 2_000;

/** A number nobody was texted at yet. */
function someone(): string {
  lastNumber += 1;
  return `+1212555${lastNumber}`;
}

beforeAll(async () => {
  place = await openTextClinic();
  worker = await place.startWorker();
});

afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await place?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  place.twilio.mood = () => ({ type: 'accept' });
});

afterEach(() => {
  expect(place.twilio.misfits).toEqual([]);
});

function to(number: string, at = place): string[] {
  return at.twilio.accepted.filter((one) => one.to === number).map(({ body }) => body);
}

async function textsTo(...numbers: string[]): Promise<Text[]> {
  return (await place.texts()).filter(({ number }) => numbers.includes(number));
}

describe('a booking', () => {
  test('promises a confirmation in ten seconds and a reminder a day before, and sends each once', async () => {
    await using calm = await openTextClinic();
    await using _ = await calm.startWorker({ patient: true });
    const number = someone();
    const { appointmentId } = await calm.book(number);
    // The queue's clock is Postgres' own.
    const [due] = await calm.owner<[{ confirmation: number; reminder: number }]>`
      select extract(epoch from min(run_at) filter (where key like '%confirmation') - a.created_at)::float as confirmation,
        extract(epoch from a.starts_at - min(run_at) filter (where key like '%reminder'))::float as reminder
      from (
        select key, run_at + make_interval(secs => ${clockOffsetMs() / 1000}) as run_at
        from graphile_worker._private_jobs) job, appointments a
      where a.id = ${appointmentId} and job.key like ${`text/${appointmentId}/%`} group by a.id`;
    expect(due.confirmation).toBeGreaterThan(9.5);
    expect(due.confirmation).toBeLessThan(11);
    expect(due.reminder).toBe(86_400);

    await calm.untilQuiet();
    const bodies = to(number, calm);
    expect(bodies).toHaveLength(2);
    expect(bodies.toSorted()[0]).toMatch(
      /^the clinic: Ann Miller, you are booked for .+\(Dr\. \w+\)\. Reply C/,
    );
    expect(await calm.texts()).toMatchObject([
      { wording: 'confirmation', status: 'sent', attempts: 1 },
      { wording: 'reminder', status: 'sent', attempts: 1 },
    ]);
    const [sent] = calm.twilio.accepted.filter((one) => one.to === number);
    expect(sent?.statusCallback).toMatch(
      `${publicUrl}/twilio/status?tenant=${calm.clinic.organization.id}&text=`,
    );
  });

  test('with a number corrected in the next turn texts the new number only, also if the old one was being tried', async () => {
    const [wrong, right] = [someone(), someone()];
    const { call, holdVersion } = await place.book(wrong);
    expect(await place.confirm(call, holdVersion, right)).toBe('queued');
    await place.untilQuiet();
    expect(to(wrong)).toEqual([]);
    expect(to(right)).toHaveLength(2);
    expect((await textsTo(wrong)).map(({ status }) => status)).toEqual(['replaced', 'replaced']);

    const [tried, instead] = [someone(), someone()];
    place.twilio.mood = (number) =>
      number === tried ? { type: 'refuse', status: 429, code: 20429 } : { type: 'accept' };
    const second = await place.book(tried);
    await place.hurry();
    await until(async () => (await textsTo(tried)).some(({ attempts }) => attempts > 0));
    await until(
      async () =>
        !(await textsTo(tried)).some(({ status, attempts }) => status === 'sending' && attempts === 0),
    );
    await until(async () => {
      await place.confirm(second.call, second.holdVersion, instead);
      return (await textsTo(tried)).every(({ status }) => status === 'replaced');
    });
    await place.untilQuiet();
    expect(to(tried)).toEqual([]);
    expect(to(instead)).toHaveLength(2);
  });

  test('confirmed again and again is one message', async () => {
    const number = someone();
    const { call, holdVersion } = await place.book(number);
    await place.confirm(call, holdVersion, number);
    await place.untilQuiet();
    expect(await place.confirm(call, holdVersion, number)).toBe('queued');
    await place.untilQuiet();
    expect(to(number).filter((body) => body.includes('you are booked'))).toHaveLength(1);
  });

  test('corrected there and back texts the number that counts in the end', async () => {
    const [first, second] = [someone(), someone()];
    const { call, holdVersion } = await place.book(first);
    await place.confirm(call, holdVersion, second);
    await place.confirm(call, holdVersion, first);
    await place.untilQuiet();
    expect(to(second)).toEqual([]);
    expect(to(first)).toHaveLength(2);
  });
});

describe('a change', () => {
  test('cancelled before the text went out: told of the cancelling only, and not reminded', async () => {
    const number = someone();
    const { call, appointmentId } = await place.book(number);
    await cancelAppointment(place.clinic.sql, call, appointmentId);
    await cancelAppointment(place.clinic.sql, call, appointmentId);
    await place.untilQuiet();
    expect(to(number)).toEqual([expect.stringMatching(/appointment on .+ is cancelled\./)]);
    expect((await textsTo(number)).map(({ wording, status }) => `${wording} ${status}`).toSorted()).toEqual([
      'cancelled sent',
      'confirmation withdrawn',
      'reminder withdrawn',
    ]);
  });

  test('moved: told of both times, and reminded of the new one', async () => {
    const number = someone();
    const { call, appointmentId } = await place.book(number);
    await place.owner`update text_messages set send_after = ledger_now() where number = ${number} and wording = 'confirmation'`;
    const target = (await place.clinic.open()).at(-1);
    if (target === undefined) throw new Error('no slot is open');
    const moved = await moveAppointment(place.clinic.sql, call, appointmentId, target);
    expect(moved.moved).toBe(true);
    await place.untilQuiet();
    const bodies = to(number).toSorted();
    expect(bodies).toEqual([
      expect.stringMatching(/your appointment is now on .+; it was .+\./),
      expect.stringMatching(/a reminder of Ann Miller's appointment/),
    ]);
  });
});

describe('Twilio', () => {
  test.each([
    ['an invalid number', 400, 21211, 'invalid_number'],
    ['a landline', 400, 21614, 'landline'],
    ['somebody who opted out', 400, 21610, 'opted_out'],
    ['a country the account may not text', 400, 21408, 'country_not_allowed'],
  ])('refuses %s: nothing is tried again, and the reason is kept', async (_what, status, code, reason) => {
    const number = someone();
    place.twilio.mood = () => ({ type: 'refuse', status, code });
    await place.book(number);
    await place.untilQuiet();
    expect(to(number)).toEqual([]);
    const texts = await textsTo(number);
    expect(texts.map((text) => [text.status, text.reason])).toEqual([
      ['failed', reason],
      ['failed', reason],
    ]);
    expect(texts.every(({ attempts }) => attempts <= 1)).toBe(true);
  });

  test.each<[string, (attempt: number) => ReturnType<TextClinic['twilio']['mood']>]>([
    ['accepts and never answers', (attempt) => (attempt === 1 ? { type: 'lie' } : { type: 'accept' })],
    ['accepts and cuts the connection', () => ({ type: 'accept-and-cut' })],
    [
      'never answers, and has not accepted',
      (attempt) => (attempt < 3 ? { type: 'silent' } : { type: 'accept' }),
    ],
    [
      'cuts the connection before it accepts',
      (attempt) => (attempt < 3 ? { type: 'cut' } : { type: 'accept' }),
    ],
    [
      'is rate limiting',
      (attempt) => (attempt < 4 ? { type: 'refuse', status: 429, code: 20429 } : { type: 'accept' }),
    ],
    ['fails', (attempt) => (attempt < 4 ? { type: 'refuse', status: 500, code: 20500 } : { type: 'accept' })],
    ['fails after it accepted', () => ({ type: 'broken', accepted: true })],
    [
      'fails before it accepted',
      (attempt) => (attempt < 3 ? { type: 'broken', accepted: false } : { type: 'accept' }),
    ],
  ])('%s: one message', async (_what, mood) => {
    const number = someone();
    place.twilio.mood = (_to, attempt) => mood(attempt);
    await place.book(number);
    await place.owner`delete from text_messages where number = ${number} and wording = 'reminder'`;
    await place.untilQuiet();
    expect(to(number)).toHaveLength(1);
    expect(await textsTo(number)).toMatchObject([{ status: 'sent', sid: expect.stringMatching(/^SM/) }]);
  });

  test('accepted the same words for another appointment: that message is not taken for this one', async () => {
    const number = someone();
    const [one, other] = [await place.book(number), await place.book(number)];
    await place.owner`delete from text_messages where number = ${number} and wording = 'reminder'`;
    // Two people of one family, both at the same time.
    await place.owner`
      update appointments set starts_at = (select starts_at from appointments where id = ${one.appointmentId}),
        practitioner_id = (select practitioner_id from appointments where id = ${one.appointmentId}),
        occupies = 'empty'
      where id = ${other.appointmentId}`;
    place.twilio.mood = (_to, attempt) => (attempt <= 2 ? { type: 'lie' } : { type: 'accept' });
    await place.untilQuiet();
    expect(to(number)).toHaveLength(2);
    expect(new Set((await textsTo(number)).map(({ sid }) => sid)).size).toBe(2);
  });

  test('is gone for an hour: the messages follow when it is back, one each', async () => {
    const numbers = [someone(), someone(), someone()];
    await place.twilio.leave();
    for (const number of numbers) await place.book(number);
    await place.hurry();
    await until(async () => (await textsTo(...numbers)).every(({ attempts }) => attempts > 0));
    await place.owner`update text_messages set first_attempt_at = first_attempt_at - interval '1 hour'
      where number = any(${numbers})`;
    expect((await textsTo(...numbers)).some(({ status }) => status === 'sent')).toBe(false);
    await place.twilio.comeBack();
    await place.untilQuiet();
    for (const number of numbers) expect(to(number), number).toHaveLength(2);
  });

  test('is gone for more than a day: the text is given up, and the reason kept', async () => {
    const number = someone();
    await place.twilio.leave();
    await place.book(number);
    await place.hurry();
    await until(async () => (await textsTo(number)).every(({ attempts }) => attempts > 0));
    await place.owner`update text_messages set first_attempt_at = first_attempt_at - interval '25 hours'
      where number = ${number}`;
    await place.untilQuiet();
    await place.twilio.comeBack();
    expect((await textsTo(number)).map(({ status, reason }) => `${status} ${reason}`)).toEqual([
      'failed expired',
      'failed expired',
    ]);
    expect(to(number)).toEqual([]);
  });
});

test('four workers send what many bookings promised, each message once, also when two are at the same one', async () => {
  await using busy = await openTextClinic({ texts_per_day_max: null, holds_per_number_and_day_max: null });
  const { call, appointmentId } = await busy.book('+12125553999');
  // As many promises about one appointment as if there were as many: the identity is number and wording.
  await busy.owner`
    with told as (
      insert into text_messages (tenant_id, appointment_id, number, wording, language, send_after)
      select ${call.tenantId}, ${appointmentId}, '+1212554' || (1000 + n), 'confirmation', 'en', ledger_now()
      from generate_series(1, 100) n returning tenant_id, id, number)
    select enqueue_job('send-text', jsonb_build_object('tenantId', tenant_id, 'textId', id), kind || '/' || number)
    from (select * from told, unnest(array['text', 'again']) as kind order by number) as twice`;
  // The second job of a text begins, and may look at Twilio, while the first one waits to be accepted there.
  busy.twilio.acceptDelayMs = 60;
  const workers = await Promise.all(Array.from({ length: 4 }, () => busy.startWorker()));
  await until(async () => {
    const [row] = await busy.owner<[{ left: number }]>`
      select count(*)::integer as left from graphile_worker._private_jobs
      where key ~ '^(text|again)/[+]' and attempts < max_attempts`;
    // One of two at the same text may be hurried past all its attempts; what counts is what was sent.
    if (row.left === 0) return true;
    // Whoever found another one at it tries again later.
    await busy.hurry();
    await new Promise((resolve) => setTimeout(resolve, 200));
    return false;
  });
  for (const one of workers) await one[Symbol.asyncDispose]();
  const sent = busy.twilio.accepted.filter(({ to: number }) => number.startsWith('+1212554'));
  expect(sent).toHaveLength(100);
  expect(new Set(sent.map(({ to: number }) => number)).size).toBe(100);
});

describe('limits', () => {
  test('a call gets so many texts; what is refused is kept with the reason, and the booking stands', async () => {
    await using strict = await openTextClinic({ texts_per_call_max: 2 });
    const { call, holdVersion } = await strict.book('+12125552101');
    await strict.owner`update text_messages set status = 'sent'`;
    expect(await strict.confirm(call, holdVersion, '+12125552102')).toBe('queued');
    await strict.owner`update text_messages set status = 'sent'`;
    expect(await strict.confirm(call, holdVersion, '+12125552103')).toBe('limit');
    expect((await strict.texts()).filter(({ status }) => status === 'failed')).toMatchObject([
      { number: '+12125552103', reason: 'limit' },
    ]);
  });

  test.each([
    ['a number', { texts_per_number_and_day_max: 1 }, '+12125552201'],
    ['an organization', { texts_per_day_max: 2 }, '+12125552202'],
  ])('%s gets so many in a day', async (_whose, settings, second) => {
    await using strict = await openTextClinic(settings);
    await strict.book('+12125552201');
    const { appointmentId } = await strict.book(second);
    expect((await strict.texts()).filter((text) => text.appointmentId === appointmentId)).toMatchObject([
      { status: 'failed', reason: 'limit' },
    ]);
    await strict.owner`update text_messages set created_at = created_at - interval '25 hours'`;
    const later = await strict.book('+12125552201');
    expect((await strict.texts()).find((text) => text.appointmentId === later.appointmentId)?.status).toBe(
      'recorded',
    );
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}
