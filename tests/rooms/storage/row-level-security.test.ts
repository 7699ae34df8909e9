import { randomUUID } from 'node:crypto';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoClinic, seedDemoClinic } from '#organization/demo-clinic.ts';
import { inTenant } from '#storage/postgres.ts';
import { type LedgerDatabase, openLedgerDatabase } from '../../ledger-database.ts';

const tenantA = randomUUID();
const tenantB = demoClinic.id;
const appRoles = ['holdline', 'holdline_app'];

let database: LedgerDatabase;
let owner: Sql;
let app: Sql;

beforeAll(async () => {
  database = await openLedgerDatabase();
  owner = postgres(database.ownerUrl, { max: 2, onnotice: () => {} });
  app = postgres(database.appUrl, { max: 2, onnotice: () => {} });
  await seedDemoClinic({ sql: app, key: 'a-key-for-the-tests' });
  await useEveryTable(tenantB, demoClinic.practitioners[0].id);
  await inTenant(
    app,
    tenantA,
    (tx) =>
      tx`insert into organizations (id, key, name, schedule) values (${tenantA}, 'other', 'other', '{}')`,
  );
});

afterAll(async () => {
  await app?.end();
  await owner?.end();
  await database?.[Symbol.asyncDispose]();
});

/** A call that books, as the application does it. A new table of an organization needs its rows made here. */
async function useEveryTable(tenantId: string, practitionerId: string): Promise<void> {
  const callSid = 'a call of B';
  const slot = await inTenant(app, tenantId, async (tx) => {
    await tx`
      insert into busy_times (tenant_id, practitioner_id, starts_at, ends_at, source)
      values (${tenantId}, ${practitionerId}, ledger_now() + interval '5 days', ledger_now() + interval '6 days', 'test')`;
    await tx`insert into call_turns (tenant_id, call_sid, number) values (${tenantId}, ${callSid}, 1)`;
    await tx`
      insert into console_record (tenant_id, who, action, about)
      values (${tenantId}, 'front desk', 'details shown', ${callSid})`;
    await tx`
      insert into prompt_overrides (tenant_id, name, version, text, author)
      values (${tenantId}, 'speech/en/limit', 1, 'No more today.', 'Ann')`;
    await tx`
      insert into slot_fills (practitioner_id, tenant_id, rules, filled_to)
      values (${practitionerId}, ${tenantId}, 'some hours', current_date)`;
    const [made] = await tx<{ slot_id: string; version: string }[]>`
      insert into available_slots (tenant_id, practitioner_id, slot_id, starts_at, during, occupies)
      select ${tenantId}, ${practitionerId}, 'a slot of B', at, span, span
      from (select at, tstzrange(at, at + interval '30 minutes') as span from (select ledger_now() + interval '1 day' as at))
      returning slot_id, version`;
    return made;
  });
  await inTenant(app, tenantId, async (tx) => {
    await tx`update practitioners set calendar_id = 'lee@clinic.example' where id = ${practitionerId}`;
    await tx`select connect_calendars(${tenantId}, 'oauth', '\\x00', 'somebody')`;
  });
  const [first] = await app`select begin_turn(${tenantId}, ${callSid}, '+15550100009', 1) as call`;
  expect(first?.['call']).toBeDefined();
  const offer = { number: 1, slotId: slot?.slot_id ?? '', version: slot?.version ?? '' };
  await app`select record_offers(${tenantId}, ${callSid}, 1, ${app.json([offer])})`;
  const [claim] = await app`
    select claim_slot_atomic(${tenantId}, ${offer.slotId}, ${callSid}, ${offer.version}) as answer`;
  expect(claim?.['answer']).toMatchObject({ success: true });
  await app`select begin_turn(${tenantId}, ${callSid}, '+15550100009', 2)`;
  const text = { number: '+15550100009', wording: 'Booked.', language: 'en' };
  const patient = { name: 'Ann Miller', phone: '+15550100009' };
  const [booking] = await app`
    select confirm_booking(${tenantId}, ${callSid}, ${claim?.['answer'].version}, ${app.json(patient)},
      ${app.json(text)}) as answer`;
  expect(booking?.['answer']).toMatchObject({ success: true });
  await inTenant(
    app,
    tenantId,
    (tx) => tx`insert into call_back_requests (tenant_id, number) values (${tenantId}, '+15550100009')`,
  );
  const [day, next] = [Date.now(), Date.now() + 2 * 86_400_000].map((ms) => new Date(ms).toISOString());
  const events = app.json([{ id: 'away', startsAt: day, endsAt: next }] as never);
  const [applied] = await app`
    select apply_reading_part(${tenantId}, ${practitionerId},
      begin_reading(${tenantId}, ${practitionerId}, 'lee@clinic.example', 0), ${events}) as answer`;
  expect(applied?.['answer']).toEqual({ applied: true, changed: 1 });
}

async function tenantTables(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select c.relname as name from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by c.relname`;
  return rows.map(({ name }) => name);
}

/** Tables of organizations that row-level security does not guard, whoever asks. */
async function unguarded(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select c.relname as name from pg_class c
    where c.relname = any(${await tenantTables(sql)}) and c.relnamespace = 'public'::regnamespace
      and not (c.relrowsecurity and c.relforcerowsecurity
        and exists (select from pg_policy p where p.polrelid = c.oid))
    order by c.relname`;
  return rows.map(({ name }) => name);
}

async function rowsPerTable(sql: Sql, where = 'true'): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of await tenantTables(sql)) {
    const [row] = await sql.unsafe<{ n: number }[]>(
      `select count(*)::integer as n from public."${table}" where ${where}`,
    );
    counts[table] = row?.n ?? -1;
  }
  return counts;
}

function namesWith(counts: Record<string, number>, fits: (n: number) => boolean): string[] {
  return Object.keys(counts).filter((name) => fits(counts[name] ?? -1));
}

describe('the catalogue', () => {
  test('every table of an organization is guarded, against its owner too', async () => {
    expect(await tenantTables(owner)).toContain('appointments');
    expect(await unguarded(owner)).toEqual([]);
  });

  test.each([
    ['without anything', ''],
    [
      'without a policy',
      'alter table added enable row level security; alter table added force row level security',
    ],
    [
      'that its owner may read past',
      'alter table added enable row level security; create policy own_rows on added using (true)',
    ],
  ])('a new table %s is named', async (_name, statements) => {
    const undo = new Error('undo');
    const made = owner.begin(async (tx) => {
      await tx.unsafe(`create table added (tenant_id uuid); ${statements}`);
      // Only the type of a pool and of a transaction differ here.
      expect(await unguarded(tx as unknown as Sql)).toEqual(['added']);
      throw undo;
    });
    await expect(made).rejects.toBe(undo);
  });

  test('organizations themselves are guarded by their id', async () => {
    const [row] = await owner`
      select relrowsecurity and relforcerowsecurity as guarded from pg_class where oid = 'organizations'::regclass`;
    expect(row?.['guarded']).toBe(true);
  });

  test('every function that runs as its owner pins its search path and has an owner without powers', async () => {
    const definers = await owner`
      select p.proname as name, r.rolsuper or r.rolbypassrls as powerful,
        exists (select from unnest(p.proconfig) as s where s like 'search_path=%pg_temp') as pinned
      from pg_proc p join pg_roles r on r.oid = p.proowner
      where p.prosecdef and p.pronamespace = 'public'::regnamespace`;
    expect(definers.map(({ name }) => name)).toContain('organization_directory');
    expect(definers.filter(({ powerful, pinned }) => powerful || !pinned)).toEqual([]);
  });
});

describe('the application role', () => {
  test.each(appRoles)('%s owns nothing, is no superuser and cannot bypass', async (name) => {
    const [role] = await owner`select oid, rolsuper, rolbypassrls from pg_roles where rolname = ${name}`;
    expect(role).toMatchObject({ rolsuper: false, rolbypassrls: false });
    // pg_shdepend knows the owners in every database of the cluster.
    expect(
      await owner`select classid::regclass, objid from pg_shdepend
        where refclassid = 'pg_authid'::regclass and refobjid = ${role?.['oid']} and deptype = 'o'`,
    ).toEqual([]);
  });

  test('it is no member of a role that owns or bypasses', async () => {
    const roles = await app<{ name: string }[]>`
      select rolname as name from pg_roles where pg_has_role(current_user, oid, 'USAGE') order by rolname`;
    expect(roles.map(({ name }) => name)).toEqual(appRoles);
    // It can take on one more, which has no organization's table (tests/rooms/jobs/queue.test.ts).
    const possible = await app<{ name: string }[]>`
      select rolname as name from pg_roles where pg_has_role(current_user, oid, 'MEMBER') order by rolname`;
    expect(possible.map(({ name }) => name)).toEqual([...appRoles, 'holdline_jobs']);
  });

  test.each(["update call_history set cause = 'x'", 'delete from call_history', 'truncate call_history'])(
    'it may not %s',
    async (statement) => {
      await expect(inTenant(app, tenantB, (tx) => tx.unsafe(statement))).rejects.toThrow(/permission denied/);
      await expect(owner.unsafe(statement)).rejects.toThrow(/append-only/);
    },
  );
});

describe('one organization and another', () => {
  test('every table holds rows of B', async () => {
    const counts = await rowsPerTable(owner, `tenant_id = '${tenantB}'`);
    expect(namesWith(counts, (n) => n < 1)).toEqual([]);
  });

  test('a connection that said no tenant sees no row of any table', async () => {
    expect(namesWith(await rowsPerTable(app), (n) => n !== 0)).toEqual([]);
    expect(await app`select id from organizations`).toEqual([]);
  });

  test('a connection of A sees no row of B in any table', async () => {
    await inTenant(app, tenantA, async (tx) => {
      expect(namesWith(await rowsPerTable(tx as unknown as Sql), (n) => n !== 0)).toEqual([]);
      expect(await tx`select id from organizations`).toEqual([{ id: tenantA }]);
    });
  });

  test('a connection of B sees its rows, and none once the transaction has ended', async () => {
    await using pool = await reserved();
    await inTenant(pool.sql, tenantB, async (tx) => {
      expect(namesWith(await rowsPerTable(tx as unknown as Sql), (n) => n < 1)).toEqual([]);
    });
    expect(namesWith(await rowsPerTable(pool.sql), (n) => n !== 0)).toEqual([]);
  });

  test('a connection of A writes nothing into B', async () => {
    const writing = inTenant(
      app,
      tenantA,
      (tx) => tx`insert into call_turns (tenant_id, call_sid, number) values (${tenantB}, 'forged', 1)`,
    );
    await expect(writing).rejects.toThrow(/row-level security/);
  });
});

/** One connection only, so that what comes later meets what went before. */
async function reserved(): Promise<{ sql: Sql } & AsyncDisposable> {
  const sql = postgres(database.appUrl, { max: 1 });
  return { sql, [Symbol.asyncDispose]: () => sql.end() };
}
