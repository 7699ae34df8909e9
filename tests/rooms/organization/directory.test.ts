import { expect, test } from 'vitest';
import { openDirectory } from '#organization/directory.ts';
import { saveOrganization } from '#organization/save-organization.ts';
import { usualSchedule } from '#organization/settings.ts';
import { createLog } from '#telemetry/log.ts';
import { openClinic } from '../../clinic.ts';

test('an organization that has not changed stays the same object, so that what was made from it stays', async () => {
  await using clinic = await openClinic();
  const log = createLog({ level: 'silent', pretty: false });
  await using directory = await openDirectory({ sql: clinic.sql, log });
  const before = directory.named('clinic');
  const document = {
    key: 'other',
    name: 'another clinic',
    schedule: usualSchedule,
    practitioners: [{ key: 'kim', name: 'Dr. Kim', spokenName: 'Doctor Kim' }],
    assistantIds: ['a1'],
    phoneNumberIds: [],
    numbers: [],
  };
  const saved = await saveOrganization(clinic.sql, document, undefined);
  await directory.refresh();
  expect(directory.named('clinic')).toBe(before);

  const other = directory.named('other');
  expect(directory.called({ assistantId: 'a1' })).toBe(other);
  if (!saved.saved) throw new Error(saved.detail);
  await saveOrganization(clinic.sql, { ...document, receptionistName: 'Kim' }, saved);
  await directory.refresh();
  expect(directory.named('other')).toMatchObject({ receptionistName: 'Kim' });
  expect(directory.called({ assistantId: 'a1' })).toBe(directory.named('other'));
  expect(directory.named('clinic')).toBe(before);
});
