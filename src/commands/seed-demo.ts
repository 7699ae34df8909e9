import { Command } from 'commander';
import { fillSlots } from '#availability/slot-upkeep.ts';
import { demoClinic, seedDemoClinic } from '#organization/demo-clinic.ts';
import { openDirectory } from '#organization/directory.ts';
import { createLog } from '#telemetry/log.ts';
import { readSecrets } from '../config.ts';
import { openCommandStores, runCommand } from './stores.ts';

const command = new Command('npm run seed-demo --')
  .description(
    'Makes the demo clinic (Vapi assistant id demo-clinic, number +15550100000) and its slots for three weeks. Repeating it adds only what is missing.',
  )
  .action(async () => {
    await using stores = await openCommandStores();
    const { sql, config } = stores;
    const { demoKey } = await readSecrets(config);
    await seedDemoClinic({ sql, key: demoKey });
    await using directory = await openDirectory({ sql, log: createLog({ level: 'warn', pretty: false }) });
    const organization = directory.named(demoClinic.key);
    if (organization === undefined)
      throw new Error('the demo clinic was made but cannot be read back; see the log');
    const { added } = await fillSlots(sql, organization, new Date());
    console.log(`The demo clinic is there; ${added} slots were added.`);
  });

await runCommand(async () => {
  await command.parseAsync();
});
