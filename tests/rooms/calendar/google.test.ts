import { createHash, generateKeyPairSync } from 'node:crypto';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { type Calendars, type Changes, type Google, openGoogle } from '#calendar/google.ts';
import { type GoogleStandIn, startGoogle } from '../../stand-ins/google.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const window = { from: new Date('2026-12-01T00:00:00Z'), to: new Date('2027-01-01T00:00:00Z') };
const id = 'lee@clinic.example';

let standIn: GoogleStandIn;
let google: Google;
let calendars: Calendars;

beforeEach(async () => {
  standIn = await startGoogle({ publicKey });
  onTestFinished(() => standIn[Symbol.asyncDispose]());
  google = await openGoogle({
    clientId: 'the-client',
    clientSecret: 'the-client-secret',
    baseUrl: standIn.baseUrl,
  });
  calendars = google.calendars({ kind: 'service-account', email: 'robot@clinic.example', privateKey });
});

test('the whole window comes in pages; an unchanged second sync is one request, one change one event', async () => {
  fill(5_000);
  const first = await changes(window);
  expect(first.events).toHaveLength(5_000);
  expect(lists()).toEqual([2_500, 2_500]);

  standIn.requests.length = 0;
  const second = await changes(first);
  expect(second.events).toEqual([]);
  expect(lists()).toEqual([0]);

  standIn.requests.length = 0;
  standIn.put(id, event('2026-12-05T12:00:00Z', { id: 'event00017' }));
  const third = await changes(second);
  expect(third.events).toMatchObject([{ id: 'event00017', meaning: 'busy' }]);
  expect(lists()).toEqual([1]);
  expect(standIn.complaints).toEqual([]);
});

test('a recurring event comes as its instances, at the same clock time across a change of clocks', async () => {
  const series = standIn.put(id, {
    start: { dateTime: '2027-03-05T09:00:00-05:00', timeZone: 'America/New_York' },
    end: { dateTime: '2027-03-05T10:00:00-05:00', timeZone: 'America/New_York' },
    recurrence: ['RRULE:FREQ=WEEKLY;COUNT=3'],
  });
  const first = await changes({
    from: new Date('2027-03-01T00:00:00Z'),
    to: new Date('2027-04-01T00:00:00Z'),
  });
  expect(
    first.events.map((one) => ('span' in one && 'startsAt' in one.span ? one.span.startsAt : one)),
  ).toEqual([
    new Date('2027-03-05T14:00:00Z'),
    new Date('2027-03-12T14:00:00Z'),
    new Date('2027-03-19T13:00:00Z'),
  ]);
  expect(first.events.every(({ seriesId }) => seriesId === series)).toBe(true);

  // One instance by itself, then all of them.
  standIn.put(id, { id: first.events[1]?.id ?? '', recurringEventId: series, status: 'cancelled' });
  const second = await changes(first);
  expect(second.events).toMatchObject([{ id: first.events[1]?.id, meaning: 'removed', seriesId: series }]);
  standIn.remove(id, series);
  const third = await changes(second);
  expect(third.events.map(({ meaning }) => meaning)).toEqual(['removed', 'removed']);
});

test('a sync token that Google has forgotten is told', async () => {
  const first = await changes(window);
  standIn.forgetSyncTokens();
  expect(await calendars.changes(id, first)).toMatchObject({ ok: false, reason: 'expired' });
});

test('an event of ours is made once, reworded, removed once, and known again', async () => {
  const own = {
    id: 'hl00000000000040008000000000000001',
    summary: 'Ann Miller',
    description: '',
    startsAt: new Date('2026-12-03T14:00:00Z'),
    endsAt: new Date('2026-12-03T14:30:00Z'),
    zone: 'America/New_York',
    appointmentId: '00000000-0000-4000-8000-000000000001',
  };
  expect(await calendars.find(id, own.id)).toEqual({ ok: true, value: undefined });
  expect(await calendars.insert(id, own)).toEqual({ ok: true, value: 'made' });
  expect(await calendars.insert(id, own)).toEqual({ ok: true, value: 'exists' });
  expect(await calendars.reword(id, { ...own, summary: 'Anne Miller' })).toMatchObject({ ok: true });
  expect(await calendars.find(id, own.id)).toMatchObject({
    value: { summary: 'Anne Miller', removed: false },
  });
  const listed = await changes(window);
  expect(listed.events).toMatchObject([{ id: own.id, meaning: 'busy' }]);
  expect(await calendars.remove(id, own.id)).toMatchObject({ ok: true });
  expect(await calendars.remove(id, own.id)).toMatchObject({ ok: true });
  expect(await calendars.insert(id, own)).toEqual({ ok: true, value: 'exists' });
  expect(await calendars.find(id, own.id)).toMatchObject({ value: { removed: true } });
  expect(standIn.complaints).toEqual([]);
});

test('a channel is opened and ended, and ended again', async () => {
  const channel = {
    id: 'channel-1',
    token: 'a token',
    address: 'https://holdline.example/google/notifications',
  };
  const opened = await calendars.watch(id, channel);
  if (!opened.ok) throw new Error(opened.message);
  expect(opened.value.expiresAt.getTime()).toBeGreaterThan(Date.now());
  expect([...standIn.channels.keys()]).toEqual(['channel-1']);
  const ended = { id: 'channel-1', resourceId: opened.value.resourceId };
  expect(await calendars.stop(ended)).toMatchObject({ ok: true });
  expect(await calendars.stop(ended)).toMatchObject({ ok: true });
  expect(standIn.complaints).toEqual([]);
});

test('why Google gave no answer decides what comes next', async () => {
  const ask = async () => {
    const answer = await calendars.changes(id, window);
    return answer.ok ? 'ok' : answer.reason;
  };
  expect(await ask()).toBe('ok');
  standIn.mood = { kind: 'failing', status: 503 };
  expect(await ask()).toBe('unreachable');
  standIn.mood = { kind: 'rate-limiting' };
  expect(await calendars.changes(id, window)).toMatchObject({ reason: 'rate-limited', retryAfterMs: 1_000 });
  standIn.mood = { kind: 'breaking-off' };
  expect(await ask()).toBe('unreachable');
  standIn.mood = { kind: 'working' };
  await standIn.stop();
  expect(await ask()).toBe('unreachable');
  await standIn.start();
  expect(await ask()).toBe('ok');
  // Each question was sent once: trying again is somebody else's decision.
  expect(standIn.requests.filter(({ operation }) => operation !== 'token')).toHaveLength(5);
});

test('somebody lets us in, and takes it back', async () => {
  const codeVerifier = 'a verifier of at least forty-three characters, as wanted';
  const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
  const redirectUri = 'https://holdline.example/google/connect/callback';
  const consent = await fetch(google.consentUrl({ state: 'the state', codeChallenge, redirectUri }), {
    redirect: 'manual',
  });
  const back = new URL(consent.headers.get('location') ?? '');
  expect(back.searchParams.get('state')).toBe('the state');
  const code = back.searchParams.get('code') ?? '';
  expect(await google.exchange({ code: 'another', codeVerifier, redirectUri })).toMatchObject({
    reason: 'denied',
  });
  const given = await google.exchange({ code, codeVerifier, redirectUri });
  if (!given.ok) throw new Error(given.message);
  const theirs = () => google.calendars({ kind: 'oauth', refreshToken: given.value.refreshToken });
  expect(await theirs().changes(id, window)).toMatchObject({ ok: true });
  standIn.refreshTokens.clear();
  expect(await theirs().changes(id, window)).toMatchObject({ ok: false, reason: 'denied' });
});

async function changes(since: Changes | typeof window): Promise<Changes> {
  const answer = await calendars.changes(id, 'from' in since ? since : { syncToken: since.syncToken });
  if (!answer.ok) throw new Error(answer.message);
  return answer.value;
}

function lists(): (number | undefined)[] {
  return standIn.requests.filter(({ operation }) => operation === 'events.list').map(({ items }) => items);
}

function event(start: string, rest: object = {}): object {
  const end = new Date(Date.parse(start) + 1_800_000).toISOString();
  return { start: { dateTime: start }, end: { dateTime: end }, ...rest };
}

function fill(count: number): void {
  for (let index = 0; index < count; index += 1) {
    const start = new Date(Date.parse('2026-12-01T08:00:00Z') + (index % 600) * 3_600_000).toISOString();
    standIn.put(id, event(start, { id: `event${String(index).padStart(5, '0')}` }));
  }
}
