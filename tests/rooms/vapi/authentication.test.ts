import { describe, expect, test } from 'vitest';
import type { Directory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';
import { createAuthentication } from '#vapi/authentication.ts';
import { organizationKey } from '#vapi/organization-key.ts';

const secret = 'the-secret-of-the-installation';
const clinic = { id: '7', key: 'clinic' } as Organization;
const other = { id: '8', key: 'other' } as Organization;
const directory = {
  ofKey: (key: string) => (key === 'clinic-key' ? clinic : undefined),
  named: (key: string) => [clinic, other].find((one) => one.key === key),
} as Directory;

/** The instant all signatures below were made for. */
const now = new Date(1_795_500_000_000);
const body = Buffer.from('{"message":{"type":"hang"}}');

function authenticate(
  headers: Record<string, string>,
  { with: used = secret, at = now, over = body }: { with?: string; at?: Date; over?: Buffer } = {},
) {
  return createAuthentication({ secret: used, directory })({ headers, body: over, now: at });
}

const installation = { allowed: true, organization: undefined };
const refused = { allowed: false };

test.each([
  { authorization: `Bearer ${secret}` },
  { authorization: `bearer ${secret}` },
  { authorization: secret },
  { 'x-vapi-secret': secret },
  { 'x-holdline-key': secret },
  { authorization: 'Bearer something-else', 'x-vapi-secret': secret },
])('the secret opens the installation in %o', (headers) => {
  expect(authenticate(headers as Record<string, string>)).toEqual(installation);
});

test.each([
  {},
  { authorization: '' },
  { authorization: 'Bearer' },
  { authorization: 'Bearer wrong' },
  { authorization: `${secret}x` },
  { 'x-vapi-secret': secret.slice(0, -1) },
])('%o opens nothing', (headers) => {
  expect(authenticate(headers as Record<string, string>)).toEqual(refused);
});

test('a key opens its organization alone', () => {
  expect(authenticate({ authorization: 'Bearer clinic-key' })).toEqual({
    allowed: true,
    organization: clinic,
  });
});

test('no secret configured lets nobody in, not even with an empty one', () => {
  const none = { with: '' };
  expect(authenticate({ authorization: 'Bearer ' }, none)).toEqual(refused);
  expect(authenticate({ 'x-vapi-secret': '' }, none)).toEqual(refused);
  expect(authenticate({ authorization: organizationKey('', clinic) }, none)).toEqual(refused);
  expect(authenticate({ 'x-signature': signatures['sha256 hex of the body'] }, none)).toEqual(refused);
});

describe('a key made for an organization', () => {
  test('opens that organization', () => {
    const key = 'hl.clinic.Kue3pAOZoSt3Kr_TYG8MvfT8h943s_tQkEZ1uMSot5w';
    expect(organizationKey(secret, clinic)).toBe(key);
    expect(authenticate({ 'x-holdline-key': key })).toEqual({ allowed: true, organization: clinic });
  });

  test.each([
    ['of another organization’s name', organizationKey(secret, clinic).replace('clinic', 'other')],
    ['of another secret', organizationKey('another secret', clinic)],
    ['of an organization nobody knows', organizationKey(secret, { id: '9', key: 'nobody' })],
    ['cut short', organizationKey(secret, clinic).slice(0, -1)],
  ])('%s opens nothing', (_, key) => {
    expect(authenticate({ 'x-holdline-key': key })).toEqual(refused);
  });
});

/** Made with another program (Python's hmac), so that nothing here repeats what is tested. */
const signatures = {
  'sha1 hex of time and body': 'b53f4e1f55f55d5abefe40a6b7f5354c0c89c849',
  'sha1 base64 of time and body': 'tT9OH1X1XVq+/kCmt/U1TAyJyEk=',
  'sha256 hex of time and body': 'ceaa3380d3f1f1413a7234458e1f6da834f8a9f1da701d6014e2a872b1c859e1',
  'sha256 base64 of time and body': 'zqozgNPx8UE6cjRFjh9tqDT4qfHacB1gFOKocrHIWeE=',
  'sha512 hex of time and body':
    '616be63255ceb4fd378480d4f9278d235356a5d4e7ba8eea31af069c0784fde54df545efc65d9ff8c7ae2601a190f59db996c5cea0ac522591cbc487788373d8',
  'sha512 base64 of time and body':
    'YWvmMlXOtP03hIDU+SeNI1NWpdTnuo7qMa8GnAeE/eVN9UXvxl2f+MeuJgGhkPWduZbFzqCsUiWRy8SHeINz2A==',
  'sha256 hex of the body': '52a8567821762b83712c27ccddb6b968ae3501ab0ca39c95944cedd2f6935a11',
  'sha256 base64 of the body': 'UqhWeCF2K4NxLCfM3ba5aK41AasMo5yVlEzt0vaTWhE=',
};
const timed = signatures['sha256 hex of time and body'];
const inSeconds = { 'x-timestamp': '1795500000' };

describe('a signature over the raw body', () => {
  test.each(Object.entries(signatures))('is accepted as %s', (_, signature) => {
    expect(authenticate({ 'x-signature': signature, ...inSeconds })).toEqual(installation);
  });

  test.each([
    ['with a prefix', { 'x-signature': `sha256=${timed}`, ...inSeconds }],
    ['in capitals', { 'x-signature': timed.toUpperCase(), ...inSeconds }],
    ['under its other name', { 'x-vapi-signature': timed, ...inSeconds }],
    ['of the body alone and without a time', { 'x-signature': signatures['sha256 hex of the body'] }],
    [
      'with the time in milliseconds',
      {
        'x-signature': 'dec3ae354eddca7869f567ad4055892c7990a545409a87b743bd2c1862f9bad4',
        'x-timestamp': '1795500000000',
      },
    ],
  ])('is accepted %s', (_, headers) => {
    expect(authenticate(headers as Record<string, string>)).toEqual(installation);
  });

  test('of an organization’s own key opens that organization, when the request names it', () => {
    const signature = '6a44f91631edf68ad100b6571f1239263c2a10fbc3e1481da4d9255723120f7b';
    const headers = { 'x-signature': signature, ...inSeconds };
    expect(authenticate({ ...headers, 'x-holdline-organization': 'clinic' })).toEqual({
      allowed: true,
      organization: clinic,
    });
    expect(authenticate({ ...headers, 'x-holdline-organization': 'other' })).toEqual(refused);
    expect(authenticate(headers)).toEqual(refused);
  });

  test.each<[string, Record<string, string>, { at?: Date; over?: Buffer }]>([
    ['one byte of the body differs', { ...inSeconds }, { over: Buffer.from('{"message":{"type":"hung"}}') }],
    ['the time differs', { 'x-timestamp': '1795500001' }, {}],
    ['the time is missing', {}, {}],
    ['the time is no time', { 'x-timestamp': 'now' }, {}],
    ['it is older than five minutes', { ...inSeconds }, { at: new Date(now.getTime() + 301_000) }],
    ['it is from the future', { ...inSeconds }, { at: new Date(now.getTime() - 301_000) }],
  ])('is refused when %s', (_, headers, options) => {
    expect(authenticate({ 'x-signature': timed, ...headers }, options)).toEqual(refused);
  });

  test.each(['', 'sha256=', timed.slice(0, -1), `${timed}0`, 'z'.repeat(64), timed.replace('c', 'd')])(
    'is refused as %s',
    (signature) => {
      expect(authenticate({ 'x-signature': signature, ...inSeconds })).toEqual(refused);
    },
  );
});
