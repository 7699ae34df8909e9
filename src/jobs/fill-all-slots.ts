import type { Sql } from 'postgres';
import { fillSlots } from '#booking/fill-slots.ts';
import type { Directory } from '#organization/directory.ts';
import type { Log } from '#telemetry/log.ts';
import type { Handler } from './job.ts';

/**
 * Adds the slots of the day that came within reach, for every organization. Hourly, because a day begins at another
 * hour in every zone; what is there already is left alone.
 */
export function fillAllSlots({ sql, directory, log }: { sql: Sql; directory: Directory; log: Log }): Handler {
  return async (_payload, { signal }) => {
    for (const organization of directory.all()) {
      signal.throwIfAborted();
      const added = await fillSlots(sql, organization, new Date());
      if (added > 0) log.info({ organization: organization.key, added }, 'added slots');
    }
  };
}
