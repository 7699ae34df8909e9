import type { Sql } from 'postgres';
import { forgetExpired } from '#booking/privacy.ts';
import type { Directory } from '#organization/directory.ts';
import type { Log } from '#telemetry/log.ts';
import { eachOrganization } from './each-organization.ts';
import type { Handler } from './job.ts';

/** Removes patients' details that are older than their organization keeps them (`retentionDays`). */
export function forgetAllExpired(parts: { sql: Sql; directory: Directory; log: Log }): Handler {
  const { sql, directory, log } = parts;
  return (_payload, { signal }) =>
    eachOrganization({ directory, signal }, async ({ id, key, retentionDays }) => {
      if (retentionDays === null) return;
      const rows = await forgetExpired(sql, id);
      if (rows > 0)
        log.info({ organization: key, rows, retentionDays }, 'old patients’ details were removed');
    });
}
