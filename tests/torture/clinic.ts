import { randomUUID } from 'node:crypto';
import type { Sql } from 'postgres';
import { fillSlots } from '#availability/slot-upkeep.ts';
import { openDirectory } from '#organization/directory.ts';
import type { Organization, Schedule } from '#organization/organization.ts';
import { inTenant } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';

const practitioners = ['ada', 'ben', 'eve', 'ida', 'jon', 'kim', 'leo', 'mia'];

/** Hours a day, a few days, eight practitioners: few enough slots that hundreds of callers keep meeting. */
const schedule: Schedule = {
  weekly: Object.fromEntries(
    ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'].map((day) => [
      day,
      [{ from: '08:00', to: '18:00' }],
    ]),
  ),
  specialDays: [],
  slotMinutes: 60,
  // Starts overlap: two claims may collide without being for the same slot.
  gridMinutes: 30,
  bufferMinutes: 15,
  minimumNoticeMinutes: 0,
  horizonDays: 6,
};

/** Holds as short as this expire all the time instead of never; the ledger's own five minutes outlast the run's pauses. */
export const holdSeconds = 4;

/** A clinic without limits, whose holds are short. */
export async function makeClinic(sql: Sql): Promise<Organization> {
  const id = randomUUID();
  await inTenant(sql, id, async (tx) => {
    await tx`
      insert into organizations (id, key, name, zone, schedule, holds_per_call_max, holds_per_number_and_day_max,
        live_holds_max, texts_per_call_max, texts_per_number_and_day_max, texts_per_day_max)
      values (${id}, 'torture', 'the clinic', 'Europe/Berlin', ${tx.json(schedule as never)}, null, null, null, null, null,
        null)`;
    for (const key of practitioners) {
      await tx`
        insert into practitioners ${tx({ tenant_id: id, key, name: `Dr. ${key}`, spoken_name: `Doctor ${key}` })}`;
    }
    await tx`
      insert into organization_addresses (tenant_id, kind, value) values (${id}, 'assistant', 'torture')`;
  });
  await using directory = await openDirectory({ sql, log: createLog({ level: 'warn', pretty: false }) });
  const organization = directory.named('torture');
  if (organization === undefined) throw new Error('the clinic was made but cannot be read back');
  await fillSlots(sql, organization, new Date());
  return organization;
}
