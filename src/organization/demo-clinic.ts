import type { Sql } from 'postgres';
import { inTenant } from '#storage/postgres.ts';
import { hashOfKey } from './directory.ts';
import { usualSchedule } from './settings.ts';

/** Fixed, so that seeding twice, or from two processes, makes one clinic. */
const id = '0d3c11c0-0000-4000-8000-000000000001';

export const demoClinic = {
  id,
  key: 'demo-clinic',
  assistantId: 'demo-clinic',
  dialled: '+15550100000',
  humanNumber: '+15550100001',
  practitioners: [
    { id: '0d3c11c0-0000-4000-8000-0000000000a1', key: 'lee', name: 'Dr. Lee', spokenName: 'Doctor Lee' },
    {
      id: '0d3c11c0-0000-4000-8000-0000000000a2',
      key: 'patel',
      name: 'Dr. Patel',
      spokenName: 'Doctor Patel',
    },
  ],
} as const;

/**
 * Makes the demo clinic, rehearsed from one number as often as one likes, if it is not there, and lets `key` open it. What somebody has changed about the clinic
 * stays as it is.
 */
export async function seedDemoClinic({ sql, key }: { sql: Sql; key: string }): Promise<void> {
  await inTenant(sql, id, async (tx) => {
    await tx`
      insert into organizations (id, key, name, zone, human_number, schedule, holds_per_number_and_day_max)
      values (${id}, ${demoClinic.key}, 'the demo clinic', 'America/New_York', ${demoClinic.humanNumber},
        ${tx.json(usualSchedule as never)}, null)
      on conflict do nothing`;
    for (const practitioner of demoClinic.practitioners) {
      await tx`
        insert into practitioners ${tx({
          id: practitioner.id,
          tenant_id: id,
          key: practitioner.key,
          name: practitioner.name,
          spoken_name: practitioner.spokenName,
        })} on conflict do nothing`;
    }
    await tx`
      insert into organization_addresses (tenant_id, kind, value)
      values (${id}, 'assistant', ${demoClinic.assistantId}), (${id}, 'dialled', ${demoClinic.dialled})
      on conflict do nothing`;
    await tx`
      insert into organization_keys (tenant_id, hash, label)
      values (${id}, decode(${hashOfKey(key)}, 'hex'), 'demo key') on conflict do nothing`;
  });
}
