import postgres, { type Sql, type TransactionSql } from 'postgres';
import type { Log } from '#telemetry/log.ts';

/** The role the migrations make for the application: it owns nothing and row-level security binds it. */
const applicationRole = 'holdline_app';

/** A caller waits behind every connection attempt; a server that is there answers in far less. */
const connectTimeoutSeconds = 5;

/** Running statements get this long to end when the pool closes. */
const closeTimeoutSeconds = 5;

export interface Postgres extends AsyncDisposable {
  sql: Sql;
}

/**
 * Opens a pool that row-level security binds. A login role that could bypass it (superuser, BYPASSRLS, owner of the
 * tables) works as `holdline_app` instead; one that cannot is used as it is, without any session state, so that a
 * transaction-mode pooler may stand in between.
 *
 * @throws when nothing answers, with the host and what to check, never with the password
 */
export async function openPostgres(options: { url: string; poolSize: number; log: Log }): Promise<Postgres> {
  const { url, poolSize, log } = options;
  const mayBypass = await loginRoleMayBypass(url, log);
  const sql = postgres(url, {
    max: poolSize,
    connect_timeout: connectTimeoutSeconds,
    onnotice: (notice) => log.debug({ notice: notice['message'] }, 'Postgres says'),
    connection: { application_name: 'holdline', ...(mayBypass ? { role: applicationRole } : {}) },
  });
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: closeTimeoutSeconds }) };
}

/**
 * Runs statements on one organization's rows: a transaction that says whose they are first. Hot paths do not pay for
 * it; they are SQL functions that say so themselves.
 */
export async function inTenant<T>(
  sql: Sql,
  tenantId: string,
  work: (tx: TransactionSql) => Promise<T>,
): Promise<T> {
  const result = await sql.begin(async (tx) => {
    await tx`select set_config('holdline.tenant_id', ${tenantId}, true)`;
    return work(tx);
  });
  return result as T;
}

async function loginRoleMayBypass(url: string, log: Log): Promise<boolean> {
  const sql = postgres(url, { max: 1, connect_timeout: connectTimeoutSeconds, onnotice: () => {} });
  try {
    const [row] = await sql<{ bypass: boolean }[]>`
      select r.rolsuper or r.rolbypassrls or exists (
        select from pg_class c where c.relname = 'available_slots' and pg_has_role(c.relowner, 'USAGE')) as bypass
      from pg_roles r where r.rolname = current_user`;
    log.debug({ mayBypass: row?.bypass }, 'looked at the login role');
    return row?.bypass ?? true;
  } catch (error) {
    const { hostname, port } = new URL(url);
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `the database at ${hostname}:${port || 5432} cannot be used (${reason}); check DATABASE_URL and that Postgres runs`,
      { cause: error },
    );
  } finally {
    await sql.end({ timeout: 1 });
  }
}
