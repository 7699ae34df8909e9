import { randomBytes } from 'node:crypto';
import { type FastifyInstance, fastify } from 'fastify';
import twilioWebhooks from 'twilio/lib/webhooks/webhooks.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOpenSlots } from '#booking/open-slots.ts';
import { twilioHooks } from '#jobs/twilio-hooks.ts';
import { openDirectory } from '#organization/directory.ts';
import { openPrompts } from '#prompts/templates.ts';
import { createLog } from '#telemetry/log.ts';
import { promptsFolder } from '../../../src/config.ts';
import { account } from '../../stand-ins/twilio.ts';
import { openTextClinic, publicUrl, type TextClinic } from '../../text-clinic.ts';

const log = createLog({ level: 'silent', pretty: false });

let place: TextClinic;
let doors: Doors;
let lastNumber = 3_000;

function someone(): string {
  lastNumber += 1;
  return `+1212555${lastNumber}`;
}

interface Doors extends AsyncDisposable {
  http: FastifyInstance;
}

async function openDoors(settings: {
  publicUrl: string | undefined;
  trustProxy?: boolean;
  configured?: boolean;
}): Promise<Doors> {
  await using opening = new AsyncDisposableStack();
  const { sql, store } = place.clinic;
  const directory = opening.use(await openDirectory({ sql, log }));
  const prompts = opening.use(await openPrompts({ folder: promptsFolder, log }));
  const http = fastify({ trustProxy: settings.trustProxy ?? false });
  http.removeAllContentTypeParsers();
  http.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  twilioHooks(http, {
    sql,
    directory,
    prompts,
    openSlots: createOpenSlots({ sql, store }),
    account: settings.configured === false ? undefined : account,
    publicUrl: settings.publicUrl,
    log,
  });
  opening.defer(() => http.close());
  const opened = opening.move();
  return { http, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

beforeAll(async () => {
  place = await openTextClinic();
  doors = await openDoors({ publicUrl });
});

afterAll(async () => {
  await doors?.[Symbol.asyncDispose]();
  await place?.[Symbol.asyncDispose]();
});

/** A request of Twilio's, or of somebody who would like to be Twilio. */
interface Forgery {
  url?: string;
  token?: string;
  signature?: string | null;
  headers?: Record<string, string>;
  /** Put into the form after it was signed. */
  altered?: Record<string, string>;
}

async function post(path: string, form: Record<string, string>, forgery: Forgery = {}, at = doors) {
  const whole = { AccountSid: account.accountSid, ...form };
  const url = forgery.url ?? `${publicUrl}${path}`;
  const signature =
    forgery.signature === undefined
      ? twilioWebhooks.getExpectedTwilioSignature(forgery.token ?? account.authToken, url, whole)
      : forgery.signature;
  return at.http.inject({
    method: 'POST',
    url: path,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(signature === null ? {} : { 'x-twilio-signature': signature }),
      ...forgery.headers,
    },
    payload: new URLSearchParams({ ...whole, ...forgery.altered }).toString(),
  });
}

/** A text that Twilio has, and the path its status comes to. */
async function sentText(number = someone()) {
  const booked = await place.book(number);
  await using _ = await place.startWorker();
  await place.untilQuiet();
  const text = (await place.texts()).find((one) => one.number === number && one.wording === 'confirmation');
  if (text?.sid === null || text === undefined) throw new Error('the text was not sent');
  return { ...booked, number, id: text.id, sid: text.sid, path: statusPath(text) };
}

function statusPath({ id, tenantId }: { id: string; tenantId: string }): string {
  return `/twilio/status?tenant=${tenantId}&text=${id}`;
}

async function statusOf(id: string) {
  const text = (await place.texts()).find((one) => one.id === id);
  return text === undefined ? undefined : `${text.status}${text.reason === null ? '' : ` ${text.reason}`}`;
}

describe('what became of a message', () => {
  test('delivered, failed, and what passes and is sent again', async () => {
    const delivered = await sentText();
    expect(
      (await post(delivered.path, { MessageSid: delivered.sid, MessageStatus: 'delivered' })).statusCode,
    ).toBe(204);
    expect(await statusOf(delivered.id)).toBe('delivered');

    const landline = await sentText();
    await post(landline.path, { MessageSid: landline.sid, MessageStatus: 'undelivered', ErrorCode: '30006' });
    expect(await statusOf(landline.id)).toBe('failed landline');

    const busy = await sentText();
    await post(busy.path, { MessageSid: busy.sid, MessageStatus: 'failed', ErrorCode: '30022' });
    expect(await statusOf(busy.id)).toBe('recorded rate_limited');
    await using _ = await place.startWorker();
    await place.untilQuiet();
    expect(await statusOf(busy.id)).toBe('sent');
    expect((await place.texts()).find((one) => one.id === busy.id)?.sid).not.toBe(busy.sid);
    // News of the first one come late.
    await post(busy.path, { MessageSid: busy.sid, MessageStatus: 'delivered' });
    expect(await statusOf(busy.id)).toBe('sent');
  });

  test('statuses that come twice, late and in any order leave the same', async () => {
    const orders = [
      ['sent', 'delivered', 'sent', 'queued', 'delivered'],
      ['delivered', 'sending', 'sent', 'undelivered'],
      ['queued', 'delivered', 'failed', 'sent'],
    ];
    for (const order of orders) {
      const { id, sid, path } = await sentText();
      for (const MessageStatus of order) {
        expect((await post(path, { MessageSid: sid, MessageStatus })).statusCode).toBe(204);
      }
      expect(await statusOf(id)).toBe('delivered');
    }
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

describe('forged', () => {
  test.each<[string, Forgery]>([
    ['no signature', { signature: null }],
    ['a made-up one', { signature: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }],
    ['another account’s', { token: 'another-token' }],
    ['one of another address', { url: 'https://elsewhere.example/twilio/status' }],
    ['a form altered after signing', { altered: { MessageStatus: 'failed', ErrorCode: '30006' } }],
  ])('with %s: refused, and nothing changes', async (_what, forgery) => {
    const { id, sid, path } = await sentText();
    const answer = await post(path, { MessageSid: sid, MessageStatus: 'delivered' }, forgery);
    expect(answer.statusCode).toBe(403);
    expect(await statusOf(id)).toBe('sent');
    expect((await post('/twilio/messages', replyForm(someone(), 'STOP'), forgery)).statusCode).toBe(403);
  });

  test('the signature of one text’s status opens no other’s', async () => {
    const [one, other] = [await sentText(), await sentText()];
    const form = { MessageSid: one.sid, MessageStatus: 'delivered' };
    expect((await post(other.path, form, { url: `${publicUrl}${one.path}` })).statusCode).toBe(403);
    // Signed for that text, but about a message that is not its own.
    await post(other.path, form);
    expect(await statusOf(other.id)).toBe('sent');
  });

  test('signed, and about another account or nothing we know: refused', async () => {
    const { id, sid, path } = await sentText();
    const foreign = { AccountSid: `AC${'f'.repeat(32)}`, MessageSid: sid, MessageStatus: 'delivered' };
    expect((await post(path, foreign)).statusCode).toBe(400);
    expect((await post('/twilio/status', { MessageSid: sid, MessageStatus: 'delivered' })).statusCode).toBe(
      400,
    );
    expect((await post(path, { MessageSid: sid, MessageStatus: 'teleported' })).statusCode).toBe(400);
    expect(await statusOf(id)).toBe('sent');
  });

  test('with no account configured everything is refused', async () => {
    await using closed = await openDoors({ publicUrl, configured: false });
    const { sid, path } = await sentText();
    const answer = await post(path, { MessageSid: sid, MessageStatus: 'delivered' }, {}, closed);
    expect(answer.statusCode).toBe(403);
  });
});

describe('behind a proxy', () => {
  test('the public address is what Twilio signed, whatever the proxy calls us', async () => {
    const { id, sid, path } = await sentText();
    const headers = { host: 'holdline.internal:8787' };
    await post(path, { MessageSid: sid, MessageStatus: 'delivered' }, { headers });
    expect(await statusOf(id)).toBe('delivered');
  });

  test('without a public address, what a trusted proxy forwards; an untrusted one forwards nothing', async () => {
    const { id, sid, path } = await sentText();
    const forgery = {
      url: `https://clinic.example${path}`,
      headers: { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'clinic.example', host: '127.0.0.1:8787' },
    };
    const form = { MessageSid: sid, MessageStatus: 'delivered' };
    await using untrusting = await openDoors({ publicUrl: undefined });
    expect((await post(path, form, forgery, untrusting)).statusCode).toBe(403);
    await using trusting = await openDoors({ publicUrl: undefined, trustProxy: true });
    expect((await post(path, form, forgery, trusting)).statusCode).toBe(204);
    expect(await statusOf(id)).toBe('delivered');
  });
});

function replyForm(from: string, body: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    MessageSid: `SM${randomBytes(16).toString('hex')}`,
    From: from,
    To: account.from,
    Body: body,
    ...more,
  };
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
    const { number, appointmentId } = await sentText();
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

  test('an old C sent again cancels nothing that was booked since', async () => {
    const { number } = await sentText();
    const form = replyForm(number, 'C');
    await post(path, form);
    const { appointmentId } = await sentText(number);
    await post(path, form);
    const [made] = await place.owner<
      [{ status: string }]
    >`select status from appointments where id = ${appointmentId}`;
    expect(made.status).toBe('booked');
  });

  test('R is a wish to be called back, once', async () => {
    const { number, appointmentId } = await sentText();
    for (const body of ['R', 'r']) {
      expect((await post(path, replyForm(number, body))).body).toContain('we will call you back');
    }
    const wishes =
      await place.owner`select appointment_id, done_at from call_back_requests where number = ${number}`;
    expect([...wishes]).toEqual([{ appointment_id: appointmentId, done_at: null }]);
  });

  test('HELP and anything else is told what can be answered; what Twilio answered itself is not answered twice', async () => {
    const { number } = await sentText();
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
