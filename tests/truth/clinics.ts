import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { z } from 'zod';
import { fillSlots } from '#availability/slot-upkeep.ts';
import type { Dice } from '#model/careless/dice.ts';
import type { Somebody } from '#model/careless/imagined.ts';
import { hashOfKey } from '#organization/directory.ts';
import type { World } from './world.ts';

/** A clinic of the run: other people have times there already, and the model knows some of them. */
export interface TruthClinic {
  id: string;
  assistantId: string;
  /** Opens its sockets. */
  key: string;
  zone: string;
  practitioners: string[];
  somebodies: Somebody[];
}

export type ClinicAnswers = z.output<typeof clinicAnswers>;

/** The clinic's own text in a folder of phrasings; a folder without one has a clinic that says nothing. */
export function readClinicAnswers(folder: string): ClinicAnswers {
  const file = join(folder, 'clinic.json');
  return existsSync(file) ? clinicAnswers.parse(JSON.parse(readFileSync(file, 'utf8'))) : [];
}

const clinicAnswers = z.array(z.strictObject({ about: z.string(), says: z.record(z.string(), z.string()) }));

const zone = 'America/New_York';
const practitioners = [
  { key: 'lee', name: 'Dr. Lee', spoken_name: 'Doctor Lee' },
  { key: 'patel', name: 'Dr. Patel', spoken_name: 'Doctor Patel' },
];
/** How long the server may take to hear of a clinic that was written into its ledger. */
const knownWithinMs = 10_000;

/**
 * Makes a clinic with hours, full days and other people's appointments of its own, as the dice fall.
 *
 * @param options.empty nobody has a time there
 */
export async function openTruthClinic(
  world: World,
  dice: Dice,
  { answers, truth, empty = false }: { answers: ClinicAnswers; truth: string; empty?: boolean },
): Promise<TruthClinic> {
  const { owner, app } = world;
  const id = randomUUID();
  const key = `truth-${id.slice(0, 8)}`;
  const row = {
    ...{ id, key, name: 'the Demo Clinic', zone, languages: ['en', 'es', 'de'] },
    ...{
      schedule: owner.json((empty ? plainSchedule : scheduleOf(dice)) as never),
      release_on_hang_up: true,
    },
    ...{ holds_per_call_max: null, holds_per_number_and_day_max: null, live_holds_max: null },
    ...{ texts_per_call_max: null, texts_per_number_and_day_max: null, texts_per_day_max: null },
  };
  await owner.begin(async (tx) => {
    await tx`insert into organizations ${tx(row)}`;
    for (const one of practitioners) await tx`insert into practitioners ${tx({ tenant_id: id, ...one })}`;
    await tx`insert into organization_addresses (tenant_id, kind, value) values (${id}, 'assistant', ${key})`;
    await tx`
      insert into organization_keys (tenant_id, hash, label)
      values (${id}, decode(${hashOfKey(`key-of-${key}`)}, 'hex'), 'truth')`;
  });
  await setWhereThereIs(owner, id, { truth, answers: owner.json(answers) });
  const organization = await heardOf(world, key);
  await fillSlots(app.sql, organization, new Date());
  const somebodies = empty ? [] : await otherPeople(owner, id, dice);
  return {
    ...{ id, assistantId: key, key: `key-of-${key}`, zone, somebodies },
    practitioners: practitioners.map((one) => one.spoken_name),
  };
}

/** Settings that a version may not have yet. */
async function setWhereThereIs(owner: Sql, id: string, settings: Record<string, unknown>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    const [column] = await owner`
      select from information_schema.columns where table_name = 'organizations' and column_name = ${name}`;
    if (column !== undefined) {
      await owner`update organizations set ${owner(name)} = ${value as never} where id = ${id}`;
    }
  }
}

async function heardOf({ app }: World, key: string) {
  for (let waitedMs = 0; waitedMs < knownWithinMs; waitedMs += 10) {
    const found = app.directory.named(key);
    if (found !== undefined) return found;
    await setTimeout(10);
  }
  throw new Error('the server has not heard of the new clinic');
}

const usual = {
  slotMinutes: 30,
  gridMinutes: 30,
  bufferMinutes: 0,
  minimumNoticeMinutes: 0,
  horizonDays: 21,
};
const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'];
const plainSchedule = {
  weekly: Object.fromEntries(weekdays.map((name) => [name, [{ from: '09:00', to: '17:00' }]])),
  ...{ specialDays: [], ...usual },
};

function scheduleOf(dice: Dice): object {
  const open = dice.pick([
    [{ from: '09:00', to: '17:00' }],
    [
      { from: '08:30', to: '12:30' },
      { from: '13:30', to: '18:00' },
    ],
    [{ from: '10:00', to: '18:00' }],
  ]);
  const shut = dice.chance(0.3) ? dice.pick(weekdays) : undefined;
  const short = dice.chance(0.4) ? dice.pick(weekdays) : undefined;
  const day = (name: string) =>
    name === shut ? [] : name === short ? [{ from: '09:00', to: '13:00' }] : open;
  const special = new Date(Date.now() + (3 + dice.below(8)) * 86_400_000).toISOString().slice(0, 10);
  return {
    weekly: {
      ...Object.fromEntries(weekdays.map((name) => [name, day(name)])),
      ...(dice.chance(0.3) ? { saturday: [{ from: '09:00', to: '12:00' }] } : {}),
    },
    specialDays: dice.chance(0.5) ? [{ date: special, open: [] }] : [],
    ...usual,
  };
}

interface FreeSlot {
  slot_id: string;
  date: string;
  minute: number;
  practitioner: string;
}

/** Books most of some days, all of others but one time, and little of the rest, for people who do not call. */
async function otherPeople(owner: Sql, id: string, dice: Dice): Promise<Somebody[]> {
  const slots = await owner<FreeSlot[]>`
    select s.slot_id, to_char(s.starts_at at time zone ${zone}, 'YYYY-MM-DD') as date,
      (extract(hour from s.starts_at at time zone ${zone}) * 60
        + extract(minute from s.starts_at at time zone ${zone}))::int as minute, p.spoken_name as practitioner
    from available_slots s join practitioners p on p.id = s.practitioner_id
    where s.tenant_id = ${id} and s.status = 'available' order by s.starts_at`;
  const taken = [...Map.groupBy(slots, ({ date }) => date).values()].flatMap((ofDay) => {
    const left = dice.pick([0, 1, 2, Math.ceil(ofDay.length / 3), ofDay.length, ofDay.length - 2]);
    return dice.shuffled(ofDay).slice(Math.max(left, 0));
  });
  const people = taken.map((slot, index) => ({ ...slot, ...person(dice, index) }));
  await owner`
    with wanted as (
      select * from jsonb_to_recordset(${owner.json(people as never)}) as w (slot_id text, name text, phone text)
    ), claimed as (
      update available_slots s set status = 'booked', version = gen_random_uuid() from wanted w
      where s.tenant_id = ${id} and s.slot_id = w.slot_id returning s.*
    )
    insert into appointments (tenant_id, practitioner_id, slot_id, starts_at, occupies, call_sid, hold_version, patient)
    select c.tenant_id, c.practitioner_id, c.slot_id, c.starts_at, c.occupies, 'other-' || c.id, c.version,
      jsonb_build_object('name', w.name, 'phone', w.phone)
    from claimed c join wanted w on w.slot_id = c.slot_id`;
  return dice
    .shuffled(people)
    .slice(0, 12)
    .map(({ name, phone, date, minute, practitioner }) => ({
      ...{ name, phone, date, minute, practitioner },
    }));
}

const first = [
  'Ottilie',
  'Barnaby',
  'Xiomara',
  'Leopoldo',
  'Friederike',
  'Thaddeus',
  'Guadalupe',
  'Wolfram',
  'Clementine',
  'Evaristo',
];
const last = [
  'Marchbanks',
  'Quintanilla',
  'Oberhauser',
  'Featherstone',
  'Zumwalt',
  'Echeverría',
  'Lilienthal',
  'Pettigrew',
];

/** Names and numbers that nothing else in a run is called. */
function person(dice: Dice, index: number): { name: string; phone: string } {
  return {
    name: `${dice.pick(first)} ${dice.pick(last)}`,
    phone: `+1646${String(2_000_000 + index * 7_919 + dice.below(7_000))}`,
  };
}
