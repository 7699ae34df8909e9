import type { Sql } from 'postgres';
import { forgetPastSlots } from '#availability/slot-upkeep.ts';
import type { Directory } from '#organization/directory.ts';
import type { Log } from '#telemetry/log.ts';
import { eachOrganization } from './each-organization.ts';
import type { Handler } from './job.ts';

/** Removes the slots of the past that nobody booked, of every organization. */
export function forgetAllPastSlots(parts: { sql: Sql; directory: Directory; log: Log }): Handler {
  const { sql, directory, log } = parts;
  return async (_payload, { signal }) => {
    let removed = 0;
    try {
      await eachOrganization({ directory, signal }, async ({ id }) => {
        removed += await forgetPastSlots(sql, id, { signal });
      });
    } finally {
      if (removed > 0) log.info({ removed }, 'free slots of the past were removed');
    }
  };
}
