import { expect, test } from 'vitest';
import type { Directory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';
import { createAuthentication } from '#vapi/authentication.ts';

const secret = 'the-secret-of-the-installation';
const clinic = { key: 'clinic' } as Organization;
const directory = { ofKey: (key: string) => (key === 'clinic-key' ? clinic : undefined) } as Directory;

test.each([
  { authorization: `Bearer ${secret}` },
  { authorization: `bearer ${secret}` },
  { authorization: secret },
  { 'x-vapi-secret': secret },
  { 'x-holdline-key': secret },
  { authorization: 'Bearer something-else', 'x-vapi-secret': secret },
])('the secret opens the installation in %o', (headers) => {
  const authenticate = createAuthentication({ secret, directory });
  expect(authenticate(headers)).toEqual({ allowed: true, organization: undefined });
});

test.each([
  {},
  { authorization: '' },
  { authorization: 'Bearer' },
  { authorization: 'Bearer wrong' },
  { authorization: `${secret}x` },
  { 'x-vapi-secret': secret.slice(0, -1) },
])('%o opens nothing', (headers) => {
  expect(createAuthentication({ secret, directory })(headers)).toEqual({ allowed: false });
});

test('a key opens its organization alone', () => {
  const authenticate = createAuthentication({ secret, directory });
  expect(authenticate({ authorization: 'Bearer clinic-key' })).toEqual({
    allowed: true,
    organization: clinic,
  });
});

test('no secret configured lets nobody in, not even with an empty one', () => {
  const authenticate = createAuthentication({ secret: '', directory });
  expect(authenticate({ authorization: 'Bearer ' })).toEqual({ allowed: false });
  expect(authenticate({ 'x-vapi-secret': '' })).toEqual({ allowed: false });
});
