import { randomUUID } from 'node:crypto';
import type { Sql } from 'postgres';
import { fillSlots } from '#availability/slot-upkeep.ts';
import { beginTurn, type CallKey } from '#booking/calls.ts';
import { openDirectory } from '#organization/directory.ts';
import type { Organization, Schedule } from '#organization/organization.ts';
import { createMemoryStore } from '#storage/memory-store.ts';
import { inTenant, openPostgres } from '#storage/postgres.ts';
import type { Store } from '#storage/store.ts';
import { createLog } from '#telemetry/log.ts';
import { type LedgerDatabase, openLedgerDatabase } from './ledger-database.ts';

export interface Slot {
  slotId: string;
  version: string;
  startsAt: Date;
  practitionerId: string;
}

/** A ledger of one's own with one clinic in it, open day and night, so that any test finds slots. */
export interface Clinic extends AsyncDisposable {
  database: LedgerDatabase;
  sql: Sql;
  store: Store;
  organization: Organization;
  /** What is open now, the earliest first. */
  open(): Promise<Slot[]>;
  /** A call that has begun. */
  call(number?: string): Promise<CallKey>;
}

const allDay = [{ from: '00:00', to: '24:00' }];
const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

export async function openClinic({
  schedule = {},
  settings = {},
  practitioners = ['ada'],
  poolSize = 20,
}: {
  schedule?: Partial<Schedule>;
  /** Columns of `organizations`. */
  settings?: Record<string, unknown>;
  practitioners?: string[];
  poolSize?: number;
} = {}): Promise<Clinic> {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await openLedgerDatabase());
  const log = createLog({ level: 'silent', pretty: false });
  const { sql } = opening.use(await openPostgres({ url: database.appUrl, poolSize, log }));
  await makeClinic(sql, { schedule, settings, practitioners });
  const directory = opening.use(await openDirectory({ sql, log }));
  const organization = directory.named('clinic');
  if (organization === undefined) throw new Error('the clinic is missing');
  await fillSlots(sql, organization, new Date());
  const opened = opening.move();
  return {
    database,
    sql,
    store: createMemoryStore(),
    organization,
    async open() {
      const [from, to] = [new Date(), new Date(Date.now() + 5 * 86_400_000)];
      return [
        ...(await sql<Slot[]>`
          select slot_id as "slotId", version, starts_at as "startsAt", practitioner_id as "practitionerId"
          from open_slots(${organization.id}, ${from}, ${to})`),
      ];
    },
    async call(number) {
      const key = { tenantId: organization.id, callSid: randomUUID() };
      await beginTurn(sql, key, { caller: number ?? null, userTurns: 1, requestedAt: null });
      return key;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function makeClinic(
  sql: Sql,
  wanted: { schedule: Partial<Schedule>; settings: Record<string, unknown>; practitioners: string[] },
): Promise<void> {
  const id = randomUUID();
  const schedule: Schedule = {
    weekly: Object.fromEntries(days.map((day) => [day, allDay])),
    specialDays: [],
    slotMinutes: 30,
    gridMinutes: 30,
    bufferMinutes: 0,
    minimumNoticeMinutes: 0,
    horizonDays: 3,
    ...wanted.schedule,
  };
  await inTenant(sql, id, async (tx) => {
    const row = { id, key: 'clinic', name: 'the clinic', zone: 'UTC', schedule: tx.json(schedule as never) };
    await tx`insert into organizations ${tx({ ...row, ...wanted.settings } as never)}`;
    for (const key of wanted.practitioners) {
      await tx`
        insert into practitioners ${tx({ tenant_id: id, key, name: `Dr. ${key}`, spoken_name: `Doctor ${key}` })}`;
    }
  });
}

/** What is at a place in a list; a test that runs out of slots is a mistake of the test. */
export function nth<T>(list: T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`there are only ${list.length}, not ${index + 1}`);
  return found;
}

/** Starts of the first whole day of these: they follow each other, with no midnight in between, whatever the time is. */
export function ofOneDay(slots: Slot[]): Slot[] {
  const dateOf = ({ startsAt }: Slot) => startsAt.toISOString().slice(0, 10);
  const [, date] = [...new Set(slots.map(dateOf))];
  return slots.filter((slot) => dateOf(slot) === date);
}
