import postgres, { type ISql, type Sql, type TransactionSql } from 'postgres';
import type { Log } from '#telemetry/log.ts';
import { connectionProblem } from './connection-problem.ts';

export interface Postgres extends AsyncDisposable {
  sql: Sql;
}

interface Options {
  url: string;
  poolSize: number;
  log: Log;
  /** Off for a pooler that cannot keep prepared statements; `?prepare=false` in the url does the same. */
  prepare?: boolean;
}

/** Tells our connections from other processes' in Postgres' own views. */
export const applicationName = `holdline ${process.pid}`;

/** No statement of ours takes a second; one that takes half a minute would never end, and holds locks meanwhile. */
export const statementTimeoutMs = 30_000;

/** A caller waits behind every connection attempt; a server that is there answers in far less. */
const connectTimeoutSeconds = 5;

/** After an outage the next caller tries again within a second; the driver's own twenty would be twenty more callers. */
const reconnectAfterSecondsMax = 1;

/** Running statements get this long to end when the pool closes. */
const closeTimeoutSeconds = 5;

/** The role the migrations make for the application: it owns nothing and row-level security binds it. */
const applicationRole = 'holdline_app';

/**
 * Opens a pool that row-level security binds. A login role that could bypass it (superuser, BYPASSRLS, owner of the
 * tables) works as `holdline_app` instead; one that cannot is used as it is, without any session state, so that a
 * transaction-mode pooler may stand in between.
 *
 * @throws when nothing answers or the role is unfit, with the host and what to do, never with the password
 */
export async function openPostgres(options: Options): Promise<Postgres> {
  const plain = connect(options, {});
  try {
    const login = await lookAtRole(plain);
    refuseStranger(login);
    if (!login.mayBypass) return disposable(plain);
  } catch (error) {
    await plain.end({ timeout: 1 });
    throw error;
  }
  await plain.end({ timeout: 1 });

  const bound = connect(options, { role: applicationRole, statement_timeout: statementTimeoutMs });
  try {
    // A pooler may drop the role silently, and then nothing would stand between two organizations.
    const { name, mayBypass } = await lookAtRole(bound);
    if (!mayBypass) return disposable(bound);
    throw new Error(
      `DATABASE_URL: the role ${name} may read every organization's rows, and ${applicationRole} cannot be taken ` +
        `through this connection; log in as a member of ${applicationRole} that owns no tables`,
    );
  } catch (error) {
    await bound.end({ timeout: 1 });
    throw error;
  }
}

/** Where statements run: a pool, or a transaction that is open. */
export type Statements = ISql;

/**
 * Runs statements on one organization's rows: a transaction that says whose they are first. Hot paths do not pay for
 * it; they are SQL functions that say so themselves.
 *
 * @param sql a transaction that is open is used as it is, and is that organization's from here to its end
 */
export async function inTenant<T>(
  sql: Sql | TransactionSql,
  tenantId: string,
  work: (tx: TransactionSql) => Promise<T>,
): Promise<T> {
  const asTenant = async (tx: TransactionSql) => {
    await tx`select set_config('holdline.tenant_id', ${tenantId}, true)`;
    return work(tx);
  };
  return 'begin' in sql ? ((await sql.begin(asTenant)) as T) : asTenant(sql);
}

function connect({ url, poolSize, log, prepare }: Options, session: Record<string, string | number>): Sql {
  return postgres(url, {
    max: poolSize,
    connect_timeout: connectTimeoutSeconds,
    backoff: (failures: number) => Math.min(0.05 * 2 ** failures, reconnectAfterSecondsMax),
    onnotice: (notice) => log.debug({ notice: notice['message'] }, 'Postgres says'),
    connection: { application_name: applicationName, ...session },
    ...(prepare === undefined ? {} : { prepare }),
  });
}

function disposable(sql: Sql): Postgres {
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: closeTimeoutSeconds }) };
}

interface Role {
  name: string;
  mayBypass: boolean;
  /** Null when the migrations have not made the application's role. */
  isApplication: boolean | null;
}

async function lookAtRole(sql: Sql): Promise<Role> {
  try {
    const [role] = await sql<[Role]>`
      select rolname as name,
        rolsuper or rolbypassrls or exists (
          select from pg_class where relrowsecurity and pg_has_role(relowner, 'USAGE')) as "mayBypass",
        (select pg_has_role(oid, 'USAGE') from pg_roles where rolname = ${applicationRole}) as "isApplication"
      from pg_roles where rolname = current_user`;
    return role;
  } catch (error) {
    throw connectionProblem(error, sql, 'DATABASE_URL');
  }
}

function refuseStranger({ name, isApplication }: Role): void {
  if (isApplication === null) {
    throw new Error(
      `DATABASE_URL: the role ${applicationRole} is missing; run npm run migrate, with MIGRATE_DATABASE_URL set`,
    );
  }
  if (!isApplication) {
    throw new Error(
      `DATABASE_URL: the role ${name} may not read the ledger; run: grant ${applicationRole} to "${name}"`,
    );
  }
}
