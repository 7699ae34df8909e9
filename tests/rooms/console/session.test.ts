import { expect, test } from 'vitest';
import { createOneTimeCodes, createSessions } from '#console/session.ts';
import type { Directory, StaffKey } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';

const organization = { id: '7', key: 'clinic' } as Organization;
const keys = new Map<string, StaffKey>([
  ['k1', { id: 'k1', label: 'front desk', role: 'see', organization }],
]);
const directory = { staffKeyById: (id: string) => keys.get(id) } as Directory;
let nowMs = 1_000_000;
const sessions = createSessions({ secret: 'the secret', directory, nowMs: () => nowMs });

test('a session is whose key it was made with, and ends after its time', () => {
  const begun = sessions.begin({ keyId: 'k1' });
  expect(begun?.session).toMatchObject({ who: 'front desk', role: 'see', organization });
  const cookie = begun?.cookie ?? '';
  expect(sessions.of(cookie)).toEqual(begun?.session);
  nowMs += 12 * 3_600_000 - 1;
  expect(sessions.of(cookie)).toBeDefined();
  nowMs += 1;
  expect(sessions.of(cookie)).toBeUndefined();
});

test('a session ends with its key, and an unknown key begins none', () => {
  const cookie = sessions.begin({ keyId: 'k1' })?.cookie ?? '';
  const key = keys.get('k1');
  keys.delete('k1');
  expect(sessions.of(cookie)).toBeUndefined();
  expect(sessions.begin({ keyId: 'k1' })).toBeUndefined();
  if (key !== undefined) keys.set('k1', key);
  expect(sessions.of(cookie)).toBeDefined();
});

test('a forged or altered cookie is nobody’s', () => {
  const cookie = sessions.begin('installation')?.cookie ?? '';
  const [text = '', signature = ''] = cookie.split('.');
  const altered = Buffer.from(
    Buffer.from(text, 'base64url')
      .toString()
      .replace(/"endsAtMs":\d+/, '"endsAtMs":9999999999999'),
  ).toString('base64url');
  for (const forged of [
    '',
    '.',
    text,
    `${altered}.${signature}`,
    `${text}.${signature.slice(1)}`,
    `${text}.${signature.replace(/^./, (letter) => (letter === 'A' ? 'B' : 'A'))}`,
  ]) {
    expect(sessions.of(forged), forged).toBeUndefined();
  }
  const elsewhere = createSessions({ secret: 'another secret', directory, nowMs: () => nowMs });
  expect(elsewhere.of(cookie)).toBeUndefined();
});

test('a proof is its own session’s only', () => {
  const one = sessions.begin('installation')?.session;
  const other = sessions.begin('installation')?.session;
  if (one === undefined || other === undefined) throw new Error('no session');
  expect(sessions.proves(one, sessions.proofOf(one))).toBe(true);
  expect(sessions.proves(other, sessions.proofOf(one))).toBe(false);
  expect(sessions.proves(one, '')).toBe(false);
});

test('a one-time code is good once, and not for long', () => {
  let atMs = 0;
  const codes = createOneTimeCodes(() => atMs);
  const code = codes.make();
  expect(codes.use('another')).toBe(false);
  expect(codes.use(code)).toBe(true);
  expect(codes.use(code)).toBe(false);
  const late = codes.make();
  atMs += 15 * 60_000;
  expect(codes.use(late)).toBe(false);
});
