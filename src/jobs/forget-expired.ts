import type { Sql } from 'postgres';
import { forgetExpired } from '#booking/privacy.ts';
import type { Directory } from '#organization/directory.ts';
import type { Log } from '#telemetry/log.ts';
import type { Handler } from './job.ts';

/**
 * Removes patients' details that are older than their organization keeps them (`retentionDays`), organization by
 * organization: where one fails, the others are done, and the job is tried again.
 */
export function forgetAllExpired(parts: { sql: Sql; directory: Directory; log: Log }): Handler {
  const { sql, directory, log } = parts;
  return async (_payload, { signal }) => {
    const faults: unknown[] = [];
    for (const { id, key, retentionDays } of directory.all()) {
      if (signal.aborted) return;
      if (retentionDays === null) continue;
      try {
        const rows = await forgetExpired(sql, id);
        if (rows > 0)
          log.info({ organization: key, rows, retentionDays }, 'old patients’ details were removed');
      } catch (error) {
        faults.push(error);
      }
    }
    if (faults.length > 0)
      throw new AggregateError(faults, `of ${faults.length} organizations nothing was removed`);
  };
}
