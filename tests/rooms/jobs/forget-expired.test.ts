import { expect, test } from 'vitest';
import { forgetAllExpired } from '#jobs/forget-expired.ts';
import { schedulesOf } from '#jobs/tasks.ts';
import { openDirectory } from '#organization/directory.ts';
import { inTenant } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { openClinic } from '../../clinic.ts';
import { moveLedgerClock } from '../../ledger-database.ts';

const log = createLog({ level: process.env['LOG_LEVEL'] ?? 'silent', pretty: true });

test('details are removed every day once they are older than their clinic keeps them', async () => {
  expect(schedulesOf({ calendars: undefined })).toContainEqual({
    task: 'forget-expired',
    cron: expect.stringMatching(/^\d+ \d+ \* \* \*$/),
  });
  await using clinic = await openClinic({ settings: { retention_days: 30 } });
  await using directory = await openDirectory({ sql: clinic.sql, log });
  const call = await clinic.call('+12125550142');
  const forget = forgetAllExpired({ sql: clinic.sql, directory, log });
  const job = { attempt: 1, signal: new AbortController().signal };
  const callers = () =>
    inTenant(clinic.sql, call.tenantId, (tx) =>
      tx`select caller from call_states`.then((rows) => rows.map((row) => row['caller'])),
    );

  await forget({}, job);
  expect(await callers()).toEqual(['+12125550142']);
  await moveLedgerClock(clinic.database, '31 days');
  await forget({}, job);
  expect(await callers()).toEqual([null]);
});

test('one clinic that fails keeps none of the others from it', async () => {
  await using clinic = await openClinic({ settings: { retention_days: 30 } });
  await using directory = await openDirectory({ sql: clinic.sql, log });
  const call = await clinic.call('+12125550142');
  await moveLedgerClock(clinic.database, '31 days');
  const broken = { ...clinic.organization, id: 'no id' };
  const both = { ...directory, all: () => [broken, clinic.organization] };
  const job = { attempt: 1, signal: new AbortController().signal };
  await expect(forgetAllExpired({ sql: clinic.sql, directory: both, log })({}, job)).rejects.toThrow(
    /for 1 organizations/,
  );
  const [row] = await inTenant(clinic.sql, call.tenantId, (tx) => tx`select caller from call_states`);
  expect(row?.['caller']).toBeNull();
});
