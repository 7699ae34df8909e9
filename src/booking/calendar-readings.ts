import type { Sql } from 'postgres';
import { inTenant } from '#storage/postgres.ts';

/** A practitioner whose calendar is read. */
export interface CalendarKey {
  tenantId: string;
  practitionerId: string;
}

/** How far a calendar has been read, and where it tells us of changes. */
export interface CalendarState {
  calendarId: string;
  /** Rises with each reading that is applied; a reading names the one it began with. */
  round: string;
  syncToken: string | null;
  windowEndsAt: Date | null;
  syncedAt: Date | null;
  problem: string | null;
  channel: { id: string; resourceId: string; address: string; expiresAt: Date } | null;
}

/** What was read of a calendar. Events without a time take none. */
export interface CalendarReading {
  calendarId: string;
  round: string;
  /** Whether it is the whole window: what is not in it is not there. */
  whole: boolean;
  listedFrom: Date;
  windowEndsAt: Date | null;
  syncToken: string;
  events: { id: string; seriesId: string | null; removed?: boolean; startsAt?: Date; endsAt?: Date }[];
}

/** Nothing when the practitioner has no calendar, any more or yet. */
export async function calendarState(
  sql: Sql,
  { tenantId, practitionerId }: CalendarKey,
): Promise<CalendarState | undefined> {
  const [row] = await inTenant(
    sql,
    tenantId,
    (tx) => tx<(Omit<CalendarState, 'channel'> & StoredChannel)[]>`
      select calendar_id as "calendarId", round::text, sync_token as "syncToken", window_ends_at as "windowEndsAt",
        synced_at as "syncedAt", problem, channel_id as "channelId", channel_resource_id as "resourceId",
        channel_address as address, channel_expires_at as "expiresAt"
      from calendar_syncs where tenant_id = ${tenantId} and practitioner_id = ${practitionerId}`,
  );
  if (row === undefined) return undefined;
  const { channelId, resourceId, address, expiresAt, ...state } = row;
  return { ...state, channel: channelId === null ? null : { id: channelId, resourceId, address, expiresAt } };
}

/** Null, all of them, when there is no channel. */
interface StoredChannel {
  channelId: string | null;
  resourceId: string;
  address: string;
  expiresAt: Date;
}

/**
 * Makes busy times follow a reading. Slots and appointments are never touched: a slot under a busy time is not open,
 * and an appointment under one is a conflict.
 *
 * @returns not applied when another reading was since this one began
 */
export async function applyReading(
  sql: Sql,
  { tenantId, practitionerId }: CalendarKey,
  reading: CalendarReading,
): Promise<{ applied: boolean; changed: number }> {
  const [row] = await sql<[{ answer: { applied: boolean; changed: number } }]>`
    select apply_calendar(${tenantId}, ${sql.json({ practitionerId, ...reading } as never)}) as answer`;
  return row.answer;
}

/** Asks for a reading; many who ask before it has begun get one. */
export async function askForReading(sql: Sql, { tenantId, practitionerId }: CalendarKey): Promise<void> {
  await sql`select ask_for_sync(${tenantId}, ${practitionerId})`;
}

/** Notes why a calendar could not be read. */
export async function noteReadingProblem(
  sql: Sql,
  { tenantId, practitionerId }: CalendarKey,
  problem: string,
): Promise<void> {
  await inTenant(
    sql,
    tenantId,
    (tx) => tx`update calendar_syncs set problem = ${problem} where practitioner_id = ${practitionerId}`,
  );
}

/** Notes where a calendar tells us of changes from now on. */
export async function noteChannel(
  sql: Sql,
  { tenantId, practitionerId }: CalendarKey,
  channel: NonNullable<CalendarState['channel']>,
): Promise<void> {
  await inTenant(
    sql,
    tenantId,
    (tx) => tx`
      update calendar_syncs set channel_id = ${channel.id}, channel_resource_id = ${channel.resourceId},
        channel_address = ${channel.address}, channel_expires_at = ${channel.expiresAt}
      where practitioner_id = ${practitionerId}`,
  );
}
