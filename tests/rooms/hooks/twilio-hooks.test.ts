import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLog } from '#telemetry/log.ts';
import { figures } from '#telemetry/metrics.ts';
import { openTextClinic, publicUrl, type TextClinic } from '../../text-clinic.ts';
import {
  type Forgery,
  openTwilioDoors,
  replyForm,
  sentText,
  statusPath,
  type TwilioDoors,
} from '../../twilio-doors.ts';

let place: TextClinic;
let doors: TwilioDoors;
let lastNumber = 3000;

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

async function post(path: string, form: Record<string, string>, forgery: Forgery = {}, at = doors) {
  return await at.post(path, form, forgery);
}

async function statusOf(id: string) {
  const text = (await place.texts()).find((one) => one.id === id);
  return text === undefined ? undefined : `${text.status}${text.reason === null ? '' : ` ${text.reason}`}`;
}

describe('what became of a message', () => {
  test('delivered, failed, and what passes and is sent again', async () => {
    const delivered = await sentText(place, someone());
    expect(
      (await post(delivered.path, { MessageSid: delivered.sid, MessageStatus: 'delivered' })).statusCode,
    ).toBe(204);
    expect(await statusOf(delivered.id)).toBe('delivered');

    const landline = await sentText(place, someone());
    await post(landline.path, { MessageSid: landline.sid, MessageStatus: 'undelivered', ErrorCode: '30006' });
    expect(await statusOf(landline.id)).toBe('failed landline');

    const busy = await sentText(place, someone());
    await post(busy.path, { MessageSid: busy.sid, MessageStatus: 'failed', ErrorCode: '30022' });
    expect(await statusOf(busy.id)).toBe('recorded rate_limited');
    await using _ = await place.startWorker();
    await place.untilQuiet();
    expect(await statusOf(busy.id)).toBe('sent');
    expect((await place.texts()).find((one) => one.id === busy.id)?.sid).not.toBe(busy.sid);
    // News of the first one come late, or are sent again by somebody: no third message is sent.
    for (const MessageStatus of ['delivered', 'failed']) {
      const again = await post(busy.path, { MessageSid: busy.sid, MessageStatus, ErrorCode: '30022' });
      expect([again.statusCode, again.json().error.code]).toEqual([409, 'late']);
    }
    expect(await statusOf(busy.id)).toBe('sent');
    expect(await jobsFor(busy.id)).toBe(0);
  });

  test.each([
    ['queued 204', 'sent 204', 'delivered 204', 'read 204'],
    ['sent 204', 'sent 409 repeated', 'delivered 204', 'sent 409 late', 'delivered 409 repeated'],
    ['delivered 204', 'sending 409 late', 'queued 409 late', 'undelivered 409 late', 'failed 409 late'],
    ['queued 204', 'queued 409 repeated', 'delivered 204', 'canceled 409 late'],
  ])('each status counts once and forwards only: %s, %s, %s, %s', async (...told) => {
    const { id, sid, path } = await sentText(place, someone());
    const answers: string[] = [];
    for (const MessageStatus of told.map((one) => one.split(' ')[0] ?? '')) {
      const answer = await post(path, { MessageSid: sid, MessageStatus });
      const reason = answer.statusCode === 204 ? '' : ` ${answer.json().error.code}`;
      answers.push(`${MessageStatus} ${answer.statusCode}${reason}`);
    }
    expect(answers).toEqual(told);
    expect(await statusOf(id)).toBe('delivered');
  });

  test('a failure that was told stays: nothing that comes after it makes it sent or delivered', async () => {
    const { id, sid, path } = await sentText(place, someone());
    await post(path, { MessageSid: sid, MessageStatus: 'undelivered', ErrorCode: '30006' });
    for (const MessageStatus of ['sent', 'delivered', 'read', 'undelivered']) {
      expect((await post(path, { MessageSid: sid, MessageStatus })).statusCode).toBe(409);
    }
    expect(await statusOf(id)).toBe('failed landline');
  });

  test('a status of an attempt whose answer was lost tells that it was accepted: nothing is sent again', async () => {
    const number = someone();
    await place.book(number);
    place.twilio.mood = () => ({ type: 'lie' });
    {
      await using _ = await place.startWorker();
      await place.hurry();
      while (!place.twilio.accepted.some((one) => one.to === number)) await place.hurry();
    }
    place.twilio.mood = () => ({ type: 'accept' });
    const text = (await place.texts()).find((one) => one.number === number && one.status === 'sending');
    const accepted = place.twilio.accepted.find((one) => one.statusCallback?.endsWith(`text=${text?.id}`));
    if (text === undefined || accepted === undefined) throw new Error('nothing was accepted');
    await post(statusPath(text), { MessageSid: accepted.sid, MessageStatus: 'sent' });
    expect(await statusOf(text.id)).toBe('sent');
  });
});

/** What was told so far, as `GET /metrics` counts it. */
async function told(outcome: string, about = 'status'): Promise<number> {
  const all = await figures();
  const values = all.find(({ name }) => name === 'holdline_twilio_callbacks_total')?.values ?? [];
  return values.find(({ labels }) => labels['outcome'] === outcome && labels['about'] === about)?.value ?? 0;
}

async function waitingForLocks(): Promise<number> {
  const [row] = await place.owner<[{ count: number }]>`
    select count(*)::integer as count from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`;
  return row.count;
}

async function jobsFor(textId: string): Promise<number> {
  const [row] = await place.owner<[{ count: number }]>`
    select count(*)::integer as count from graphile_worker._private_jobs where payload ->> 'textId' = ${textId}`;
  return row.count;
}

describe('replayed', () => {
  test('the same callback, twenty times at once: taken once, refused nineteen times, counted, and told without a number', async () => {
    const { id, sid, path, number } = await sentText(place, someone());
    const lines: string[] = [];
    await using listened = await openTwilioDoors(place, {
      publicUrl,
      log: createLog({ level: 'debug', pretty: false, to: { write: (line) => lines.push(line) } }),
    });
    const before = { noted: await told('noted'), late: await told('late') };
    const form = { MessageSid: sid, MessageStatus: 'failed', ErrorCode: '30022', To: number };
    const asked: Promise<{ statusCode: number }>[] = [];
    // All of them have begun before the first one can go on.
    await place.owner.begin(async (tx) => {
      await tx`select from text_messages where id = ${id} for update`;
      for (let count = 0; count < 20; count += 1) asked.push(post(path, form, {}, listened));
      while ((await waitingForLocks()) < 10) await new Promise((resolve) => setTimeout(resolve, 20));
    });
    const answers = await Promise.all(asked);
    expect(answers.filter(({ statusCode }) => statusCode === 204)).toHaveLength(1);
    const refused = answers.filter(({ statusCode }) => statusCode === 409);
    expect(refused).toHaveLength(19);
    // That one is sent again in ten minutes, and once.
    expect(await statusOf(id)).toBe('recorded rate_limited');
    expect(await jobsFor(id)).toBe(1);
    expect(await told('noted')).toBe(before.noted + 1);
    expect(await told('late')).toBe(before.late + 19);
    expect(lines.filter((line) => line.includes('refused a text’s status'))).toHaveLength(19);
    expect(lines.join('')).not.toContain(number.slice(-7));
  });

  test('by way of another process, or after this one began anew: refused all the same', async () => {
    const { id, sid, path } = await sentText(place, someone());
    const form = { MessageSid: sid, MessageStatus: 'delivered' };
    expect((await post(path, form)).statusCode).toBe(204);
    await using other = await openTwilioDoors(place, { publicUrl });
    expect((await post(path, form, {}, other)).statusCode).toBe(409);
    expect(await statusOf(id)).toBe('delivered');
  });

  test('of a message that was never sent: there is none', async () => {
    const { id, path, tenantId } = await sentText(place, someone());
    const stranger = `SM${randomBytes(16).toString('hex')}`;
    const form = { MessageSid: stranger, MessageStatus: 'delivered' };
    const unknown = [
      path,
      // No such text, and one of nobody’s.
      statusPath({ id: randomUUID(), tenantId }),
      statusPath({ id, tenantId: randomUUID() }),
    ];
    for (const one of unknown) {
      const answer = await post(one, form);
      expect([answer.statusCode, answer.json().error.code]).toEqual([404, 'unknown']);
    }
    // Promised, and not tried yet.
    const waiting = someone();
    await place.book(waiting);
    const text = (await place.texts()).find(({ number }) => number === waiting);
    if (text === undefined) throw new Error('no text was promised');
    expect((await post(statusPath(text), form)).statusCode).toBe(404);
    expect(await statusOf(id)).toBe('sent');
    expect(await statusOf(text.id)).toBe('recorded');
  });
});

describe('forged', () => {
  test.each<[string, Forgery]>([
    ['no signature', { signature: null }],
    ['a made-up one', { signature: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }],
    ['another account’s', { token: 'another-token' }],
    ['one of another address', { url: 'https://elsewhere.example/twilio/status' }],
    ['a form altered after signing', { altered: { MessageStatus: 'failed', ErrorCode: '30006' } }],
  ])('with %s: refused, and nothing changes', async (_what, forgery) => {
    const { id, sid, path } = await sentText(place, someone());
    const answer = await post(path, { MessageSid: sid, MessageStatus: 'delivered' }, forgery);
    expect(answer.statusCode).toBe(403);
    expect(await statusOf(id)).toBe('sent');
    expect((await post('/twilio/messages', replyForm(someone(), 'STOP'), forgery)).statusCode).toBe(403);
  });

  test('the signature of one text’s status opens no other’s', async () => {
    const [one, other] = [await sentText(place, someone()), await sentText(place, someone())];
    const form = { MessageSid: one.sid, MessageStatus: 'delivered' };
    expect((await post(other.path, form, { url: `${publicUrl}${one.path}` })).statusCode).toBe(403);
    // Signed for that text, but about a message that is not its own.
    expect((await post(other.path, form)).statusCode).toBe(404);
    expect(await statusOf(other.id)).toBe('sent');
  });

  test('signed, and about another account or nothing we know: refused', async () => {
    const { id, sid, path } = await sentText(place, someone());
    const foreign = { AccountSid: `AC${'f'.repeat(32)}`, MessageSid: sid, MessageStatus: 'delivered' };
    expect((await post(path, foreign)).statusCode).toBe(400);
    expect((await post('/twilio/status', { MessageSid: sid, MessageStatus: 'delivered' })).statusCode).toBe(
      400,
    );
    expect((await post(path, { MessageSid: sid, MessageStatus: 'teleported' })).statusCode).toBe(400);
    expect(await statusOf(id)).toBe('sent');
  });

  test('with no account configured everything is refused', async () => {
    await using closed = await openTwilioDoors(place, { publicUrl, configured: false });
    const { sid, path } = await sentText(place, someone());
    const answer = await post(path, { MessageSid: sid, MessageStatus: 'delivered' }, {}, closed);
    expect(answer.statusCode).toBe(403);
  });
});

describe('behind a proxy', () => {
  test('the public address is what Twilio signed, whatever the proxy calls us', async () => {
    const { id, sid, path } = await sentText(place, someone());
    const headers = { host: 'holdline.internal:8787' };
    const form = { MessageSid: sid, MessageStatus: 'delivered' };
    expect((await post(path, form, { headers })).statusCode).toBe(204);
    expect(await statusOf(id)).toBe('delivered');
    expect((await post(path, form, { headers })).statusCode).toBe(409);
  });

  test('without a public address, what a trusted proxy forwards; an untrusted one forwards nothing', async () => {
    const { id, sid, path } = await sentText(place, someone());
    const forgery = {
      url: `https://clinic.example${path}`,
      headers: { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'clinic.example', host: '127.0.0.1:8787' },
    };
    const form = { MessageSid: sid, MessageStatus: 'delivered' };
    await using untrusting = await openTwilioDoors(place, { publicUrl: undefined });
    expect((await post(path, form, forgery, untrusting)).statusCode).toBe(403);
    await using trusting = await openTwilioDoors(place, { publicUrl: undefined, trustProxy: true });
    expect((await post(path, form, forgery, trusting)).statusCode).toBe(204);
    expect(await statusOf(id)).toBe('delivered');
    expect((await post(path, form, forgery, trusting)).statusCode).toBe(409);
    const unknown = { MessageSid: `SM${randomBytes(16).toString('hex')}`, MessageStatus: 'delivered' };
    expect((await post(path, unknown, forgery, trusting)).statusCode).toBe(404);
  });
});
