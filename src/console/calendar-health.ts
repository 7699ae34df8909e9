import type { Sql } from 'postgres';
import { inTenant } from '#storage/postgres.ts';

/** How an organization's calendars are, as far as the ledger was told. */
export interface CalendarHealth {
  connected: boolean;
  /** The first thing that is wrong, of the connection or of a calendar. */
  problem: string | null;
  /** When the calendar that was read longest ago was read; `null` when one never was. */
  syncedAt: Date | null;
  /** Appointments about which calendar and ledger disagree. */
  conflicts: number;
}

export async function calendarHealth(sql: Sql, tenantId: string): Promise<CalendarHealth> {
  return inTenant(sql, tenantId, async (tx) => {
    const [row] = await tx<[CalendarHealth]>`
      select
        exists (select from calendar_credentials where tenant_id = ${tenantId}) as connected,
        coalesce(
          (select problem from calendar_credentials where tenant_id = ${tenantId}),
          (select min(problem) from calendar_syncs where tenant_id = ${tenantId})) as problem,
        (select case when count(*) = count(synced_at) then min(synced_at) end
          from calendar_syncs where tenant_id = ${tenantId}) as "syncedAt",
        (select count(*)::integer from calendar_conflicts
          where tenant_id = ${tenantId} and resolved_at is null) as conflicts`;
    return row;
  });
}
