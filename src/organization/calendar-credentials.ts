import type { Sql } from 'postgres';
import { inTenant } from '#storage/postgres.ts';
import type { Sealer } from '#storage/sealing.ts';

/** What opens an organization's calendars, as it is kept: sealed, apart from everything else about it. */
export interface CalendarSecret {
  kind: 'service-account' | 'oauth';
  /** Whose it is, for people to see. */
  account: string;
  /** What Google gave out, as JSON. */
  secret: string;
}

/** Keeps the credentials, in place of earlier ones, and asks for a reading of the organization's calendars. */
export async function connectCalendars(
  sql: Sql,
  sealer: Sealer,
  tenantId: string,
  { kind, account, secret }: CalendarSecret,
): Promise<{ calendars: number }> {
  const sealed = sealer.seal(secret, aboutOf(tenantId));
  const [row] = await sql<[{ calendars: number }]>`
    select connect_calendars(${tenantId}, ${kind}, ${sealed}, ${account}) as calendars`;
  return row;
}

/** Nothing when there are none; `unreadable` when they were sealed with another key. */
export async function readCalendarSecret(
  sql: Sql,
  sealer: Sealer,
  tenantId: string,
): Promise<(CalendarSecret & { problem: string | null }) | 'unreadable' | undefined> {
  const [row] = await inTenant(
    sql,
    tenantId,
    (tx) => tx<(Omit<CalendarSecret, 'secret'> & { sealed: Buffer; problem: string | null })[]>`
      select kind, account, sealed, problem from calendar_credentials where tenant_id = ${tenantId}`,
  );
  if (row === undefined) return undefined;
  const secret = sealer.open(row.sealed, aboutOf(tenantId));
  if (secret === undefined) return 'unreadable';
  return { kind: row.kind, account: row.account, problem: row.problem, secret };
}

/** Notes why the credentials open nothing, or that they do again. */
export async function noteCalendarProblem(sql: Sql, tenantId: string, problem: string | null): Promise<void> {
  await inTenant(
    sql,
    tenantId,
    (tx) => tx`
      update calendar_credentials set problem = ${problem}
      where tenant_id = ${tenantId} and problem is distinct from ${problem}`,
  );
}

/** Removes the credentials; what was read of the calendars stays until somebody takes the calendars away too. */
export async function disconnectCalendars(sql: Sql, tenantId: string): Promise<boolean> {
  const gone = await inTenant(
    sql,
    tenantId,
    (tx) => tx`delete from calendar_credentials where tenant_id = ${tenantId}`,
  );
  return gone.count > 0;
}

function aboutOf(tenantId: string): string {
  return `calendar credentials of ${tenantId}`;
}
