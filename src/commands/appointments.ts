import { Command } from 'commander';
import { claimsOutsideHours } from '#availability/slot-upkeep.ts';
import { cancelAppointment, upcomingAppointments } from '#booking/appointments.ts';
import { type CalendarConflict, openConflicts } from '#booking/calendar-events.ts';
import { callBackRequests, endCallBack } from '#booking/texts.ts';
import { type Organization, practitionerOf } from '#organization/organization.ts';
import { clinicTime } from './slot-lines.ts';
import { openCommandStores, organizationsOf, runCommand } from './stores.ts';

const command = new Command('npm run appointments --').description(
  'Shows and cancels appointments, by the same rules as a caller’s own wish. Works beside a running server.',
);

command
  .command('list')
  .description('The appointments to come, each with its id')
  .option('--organization <key>', 'of this organization only')
  .option('--outside-hours', 'only those at times nobody is there any more, because the hours were changed')
  .option('--json', 'print JSON')
  .action(async (options: { organization?: string; outsideHours?: boolean; json?: boolean }) => {
    await using stores = await openCommandStores();
    for (const organization of await organizationsOf(stores.sql, options.organization)) {
      const outside = new Set((await claimsOutsideHours(stores.sql, organization)).map((one) => one.slotId));
      const appointments = (await upcomingAppointments(stores.sql, organization.id)).filter(
        (one) => !options.outsideHours || outside.has(one.slotId),
      );
      if (options.json) console.log(JSON.stringify({ organization: organization.key, appointments }));
      else {
        console.log(`${organization.name}: ${appointments.length} to come`);
        for (const { id, slotId, startsAt, practitionerId, patient } of appointments) {
          const practitioner = practitionerOf(organization, practitionerId)?.name ?? '';
          const who = [patient['name'] ?? 'no name', patient['phone'] ?? 'no number'].join(', ');
          const note = outside.has(slotId) ? '  outside the open hours' : '';
          console.log(`  ${id}  ${clinicTime(startsAt, organization)}  ${practitioner}  ${who}${note}`);
        }
      }
    }
  });

command
  .command('conflicts')
  .description('Appointments a Google calendar disagrees about; only you can say what is to become of them')
  .option('--organization <key>', 'of this organization only')
  .option('--json', 'print JSON')
  .action(async (options: { organization?: string; json?: boolean }) => {
    await using stores = await openCommandStores();
    for (const organization of await organizationsOf(stores.sql, options.organization)) {
      const conflicts = await openConflicts(stores.sql, organization.id);
      if (options.json) console.log(JSON.stringify({ organization: organization.key, conflicts }));
      else {
        console.log(`${organization.name}: ${conflicts.length} conflicts`);
        for (const conflict of conflicts) console.log(`  ${conflictLine(organization, conflict)}`);
      }
    }
  });

command
  .command('cancel')
  .description('Cancels an appointment and opens its time again')
  .argument('<id>', 'as `list` shows it')
  .action(async (id: string) => {
    if (!uuid.test(id))
      throw new Error(`${id} is no appointment's id; npm run appointments -- list shows them`);
    await using stores = await openCommandStores();
    for (const organization of await organizationsOf(stores.sql)) {
      const outcome = await cancelAppointment(stores.sql, { tenantId: organization.id, callSid: null }, id);
      if (!outcome.cancelled && outcome.reason === 'unknown_appointment') continue;
      if (!outcome.cancelled) throw new Error('this appointment was moved; cancel the one in its place');
      await stores.sql`select announce_slots(${organization.id})`;
      const when = clinicTime(outcome.startsAt, organization);
      console.log(
        outcome.repeated ? `${when} was cancelled already.` : `${when} is cancelled; its time is open.`,
      );
      return;
    }
    throw new Error(`there is no appointment ${id}; npm run appointments -- list shows them`);
  });

command
  .command('call-backs')
  .description('Who answered a text with R and wants to be called back, the one who waits longest first')
  .option('--organization <key>', 'of this organization only')
  .option('--json', 'print JSON')
  .action(async (options: { organization?: string; json?: boolean }) => {
    await using stores = await openCommandStores();
    for (const organization of await organizationsOf(stores.sql, options.organization)) {
      const wishes = await callBackRequests(stores.sql, organization.id);
      if (options.json) console.log(JSON.stringify({ organization: organization.key, callBacks: wishes }));
      else {
        console.log(`${organization.name}: ${wishes.length} to call back`);
        for (const { id, number, name, askedAt } of wishes) {
          console.log(`  ${id}  ${clinicTime(askedAt, organization)}  ${name ?? 'no name'}, ${number}`);
        }
      }
    }
  });

command
  .command('called-back')
  .description('Notes that somebody was called back')
  .argument('<id>', 'as `call-backs` shows it')
  .action(async (id: string) => {
    await using stores = await openCommandStores();
    for (const organization of uuid.test(id) ? await organizationsOf(stores.sql) : []) {
      if (!(await endCallBack(stores.sql, organization.id, id))) continue;
      console.log('Noted.');
      return;
    }
    throw new Error(`${id} waits for no call; npm run appointments -- call-backs shows who does`);
  });

function conflictLine(
  organization: Organization,
  { kind, appointmentId, startsAt, practitionerId, patient, eventStartsAt, eventEndsAt }: CalendarConflict,
): string {
  const practitioner = practitionerOf(organization, practitionerId)?.name ?? '';
  const [from, to] = [eventStartsAt, eventEndsAt].map((at) =>
    at === null ? '' : clinicTime(at, organization),
  );
  const why = {
    overlap: `an event from ${from} to ${to} lies on it`,
    moved: `its event was moved to ${from}, the appointment was not`,
    removed: 'its event was removed, the appointment was not',
  }[kind];
  const who = patient['name'] ?? patient['phone'] ?? 'no name';
  return `${appointmentId}  ${clinicTime(startsAt, organization)}  ${practitioner}  ${who}: ${why}`;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

await runCommand(async () => {
  await command.parseAsync();
});
