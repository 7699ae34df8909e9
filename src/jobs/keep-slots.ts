import type { Sql } from 'postgres';
import { z } from 'zod';
import type { OpenSlots } from '#availability/open-slots.ts';
import { claimsOutsideHours, fillAllSlots, fillSlots, type SlotChanges } from '#availability/slot-upkeep.ts';
import type { Directory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';
import type { Log } from '#telemetry/log.ts';
import type { Handler } from './job.ts';

interface KeepSlotsParts {
  sql: Sql;
  openSlots: OpenSlots;
  directory: Directory;
  log: Log;
}

/**
 * Makes the slots of one organization follow its hours, as soon as they were changed: the ledger asks for it in the
 * transaction of the change.
 */
export function keepSlots(parts: KeepSlotsParts): Handler {
  return async (payload) => {
    const { tenantId } = z.object({ tenantId: z.uuid() }).parse(payload);
    // The change that asked for this may not have been heard of yet.
    await parts.directory.refresh();
    const organization = parts.directory.byId(tenantId);
    // One that cannot be read is not served either; the directory has said so.
    if (organization === undefined) return;
    const changes = await fillSlots(parts.sql, organization, new Date());
    await tell(parts, organization, changes);
  };
}

/** The first filling of thousands of organizations takes minutes, and somebody watches the log. */
const progressEveryMs = 10_000;

/**
 * The same for every organization, which is mostly to add the day that came within reach. Hourly, because a day begins
 * at another hour in every zone.
 *
 * @param everyMs how often the log tells how far it is
 */
export function keepAllSlots(parts: KeepSlotsParts, everyMs: number = progressEveryMs): Handler {
  return async (_payload, { signal }) => {
    const { sql, directory, log } = parts;
    const organizations = directory.all();
    let done = 0;
    let toldAtMs = performance.now();
    await fillAllSlots(sql, { organizations, now: new Date(), signal }, async (one, changes) => {
      done += 1;
      if (performance.now() - toldAtMs >= everyMs) {
        toldAtMs = performance.now();
        log.info({ done, of: organizations.length }, 'slots are being filled');
      }
      await tell(parts, one, changes);
    });
  };
}

async function tell(
  { sql, openSlots, log }: KeepSlotsParts,
  organization: Organization,
  changes: SlotChanges,
): Promise<void> {
  const { added, removed, changed, kept } = changes;
  if (added + removed + changed === 0) return;
  await openSlots.forget(organization);
  log.info({ organization: organization.key, added, removed, changed }, 'slots follow the open hours');
  if (kept === 0) return;
  const outside = await claimsOutsideHours(sql, organization);
  if (outside.length === 0) return;
  const slots = outside.map((claim) => claim.slotId);
  log.warn(
    { organization: organization.key, slots },
    'claims lie outside the new hours and stay; npm run appointments -- list --outside-hours shows them',
  );
}
