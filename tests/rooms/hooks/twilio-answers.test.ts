import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forgetOldJobs } from '#jobs/forget-old-jobs.ts';
import { openTextClinic, type TextClinic } from '../../text-clinic.ts';
import { openTwilioDoors, replyForm, sentText, type TwilioDoors } from '../../twilio-doors.ts';

let place: TextClinic;
let doors: TwilioDoors;
let lastNumber = 5000;

function someone(): string {
  lastNumber += 1;
  return `+1212555${lastNumber}`;
}

beforeAll(async () => {
  place = await openTextClinic();
  doors = await openTwilioDoors(place);
});

afterAll(async () => {
  await doors?.[Symbol.asyncDispose]();
  await place?.[Symbol.asyncDispose]();
});

function post(path: string, form: Record<string, string>) {
  return doors.post(path, form);
}

async function appointmentStatus(id: string): Promise<string> {
  const [made] = await place.owner<[{ status: string }]>`select status from appointments where id = ${id}`;
  return made.status;
}

describe('an answer', () => {
  const path = '/twilio/messages';

  test.each(['STOP', ' stop. ', 'Unsubscribe', 'CANCEL'])(
    '%s: no more texts, from no one, until START',
    async (word) => {
      const number = someone();
      const { call, holdVersion } = await place.book(number);
      expect((await post(path, replyForm(number, word))).body).toContain('<Response></Response>');
      await using _ = await place.startWorker();
      await place.untilQuiet();
      expect(place.twilio.accepted.filter((one) => one.to === number)).toEqual([]);
      expect(await place.confirm(call, holdVersion, number)).not.toBe('queued');
      const again = await place.book(number);
      expect((await place.texts()).filter((one) => one.appointmentId === again.appointmentId)).toMatchObject([
        { status: 'failed', reason: 'opted_out' },
      ]);
      await post(path, replyForm(number, 'START'));
      const after = await place.book(number);
      expect((await place.texts()).find((one) => one.appointmentId === after.appointmentId)?.status).toBe(
        'recorded',
      );
    },
  );

  test('C cancels the appointment texted about last, opens its slot, and is told by text; again it finds none', async () => {
    const { number, appointmentId } = await sentText(place, someone());
    const form = replyForm(number, 'c');
    expect((await post(path, form)).body).toContain('<Response></Response>');
    const [made] = await place.owner<[{ status: string; slot: string }]>`
      select a.status, s.status as slot from appointments a join available_slots s using (tenant_id, slot_id)
      where a.id = ${appointmentId}`;
    expect(made).toEqual({ status: 'cancelled', slot: 'available' });
    await using _ = await place.startWorker();
    await place.untilQuiet();
    const bodies = place.twilio.accepted.filter((one) => one.to === number).map(({ body }) => body);
    expect(bodies.filter((body) => body.includes('is cancelled'))).toHaveLength(1);

    // Delivered twice, it is one answer; said again, it finds nothing.
    expect((await post(path, form)).body).toContain('<Response></Response>');
    expect((await post(path, replyForm(number, 'C'))).body).toContain('there is no coming appointment');
  });

  test('an old C sent again, tomorrow or in a year, cancels nothing that was booked since', async () => {
    const { number } = await sentText(place, someone());
    const form = replyForm(number, 'C');
    await post(path, form);
    const { appointmentId } = await sentText(place, number);
    expect((await post(path, form)).body).toContain('<Response></Response>');
    expect(await appointmentStatus(appointmentId)).toBe('booked');
    await place.owner`update text_replies set at = at - interval '1 year'`;
    await forgetOldJobs(place.clinic.sql)({}, { attempt: 1, signal: AbortSignal.timeout(5_000) });
    expect((await post(path, form)).body).toContain('<Response></Response>');
    expect(await appointmentStatus(appointmentId)).toBe('booked');
  });

  test('a C delivered ten times at once acts once, and nobody is told that there was nothing to cancel', async () => {
    const { number, appointmentId } = await sentText(place, someone());
    const form = replyForm(number, 'C');
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(path, form)));
    expect(answers.map(({ body }) => body).filter((body) => !body.includes('<Response></Response>'))).toEqual(
      [],
    );
    expect(await appointmentStatus(appointmentId)).toBe('cancelled');
  });

  test('what could not be done is not taken for done: the C that is delivered again cancels', async () => {
    const { number, appointmentId } = await sentText(place, someone());
    const form = replyForm(number, 'C');
    await place.owner`
      create function refuse_cancelling() returns trigger language plpgsql as $$ begin raise exception 'a fault'; end $$`;
    await place.owner`
      create trigger a_fault before update on appointments for each row execute function refuse_cancelling()`;
    expect((await post(path, form)).statusCode).toBe(500);
    await place.owner`drop trigger a_fault on appointments`;
    expect(await appointmentStatus(appointmentId)).toBe('booked');
    expect((await post(path, form)).statusCode).toBe(200);
    expect(await appointmentStatus(appointmentId)).toBe('cancelled');
  });

  test('an old STOP sent again after START stops nothing, and an old R asks for no second call', async () => {
    const { number } = await sentText(place, someone());
    const [stop, callMe] = [replyForm(number, 'STOP'), replyForm(number, 'R')];
    await post(path, stop);
    await post(path, replyForm(number, 'START'));
    await post(path, stop);
    const { appointmentId } = await place.book(number);
    expect((await place.texts()).find((one) => one.appointmentId === appointmentId)?.status).toBe('recorded');
    await post(path, callMe);
    await place.owner`update call_back_requests set done_at = ledger_now() where number = ${number}`;
    await post(path, callMe);
    expect(await place.owner`select 1 from call_back_requests where number = ${number}`).toHaveLength(1);
  });

  test('R is a wish to be called back, once', async () => {
    const { number, appointmentId } = await sentText(place, someone());
    for (const body of ['R', 'r']) {
      expect((await post(path, replyForm(number, body))).body).toContain('we will call you back');
    }
    const wishes =
      await place.owner`select appointment_id, done_at from call_back_requests where number = ${number}`;
    expect([...wishes]).toEqual([{ appointment_id: appointmentId, done_at: null }]);
  });

  test('HELP and anything else is told what can be answered; what Twilio answered itself is not answered twice', async () => {
    const { number } = await sentText(place, someone());
    expect((await post(path, replyForm(number, 'HELP'))).body).toContain('Reply C to cancel');
    expect((await post(path, replyForm(number, 'what is <this>?'))).body).toContain('Reply C to cancel');
    expect((await post(path, replyForm(number, 'HELP', { OptOutType: 'HELP' }))).body).toContain(
      '<Response></Response>',
    );
  });

  test('of somebody we never texted does nothing', async () => {
    const stranger = await post(path, replyForm(someone(), 'C'));
    expect(stranger.statusCode).toBe(200);
    expect(stranger.body).toContain('<Response></Response>');
  });

  test('that is none is refused with a reason', async () => {
    expect((await post(path, { From: 'nobody', MessageSid: 'x' })).statusCode).toBe(400);
    expect((await post(path, {})).statusCode).toBe(400);
  });
});
