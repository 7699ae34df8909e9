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

/** A claim of the practitioner's waits for one part at most, which takes some 20 ms where nothing else is done. */
const partMax = 100;

/**
 * Makes busy times follow a reading, part by part, so that claims get in between. Slots and appointments are never
 * touched: a slot under a busy time is not open, and an appointment under one is a conflict. Whoever is interrupted
 * leaves the place to go on from as it was; the same reading is then made again, and does no harm.
 *
 * @returns not applied when another reading was begun to be applied since this one began; what had changed by then counts
 */
export async function applyReading(
  sql: Sql,
  { tenantId, practitionerId }: CalendarKey,
  reading: CalendarReading,
): Promise<{ applied: boolean; changed: number }> {
  const { calendarId, whole, events } = reading;
  const [begun] = await sql<[{ round: string | null }]>`
    select begin_reading(${tenantId}, ${practitionerId}, ${calendarId}, ${reading.round})::text as round`;
  const { round } = begun;
  let changed = 0;
  if (round === null) return { applied: false, changed };
  const changes = whole ? await differences(sql, { tenantId, practitionerId }, events) : events;
  for (const part of partsOf(changes)) {
    const [row] = await sql<[{ answer: { applied: boolean; changed: number } }]>`
      select apply_reading_part(${tenantId}, ${practitionerId}, ${round}, ${sql.json(part as never)}) as answer`;
    changed += row.answer.changed;
    if (!row.answer.applied) return { applied: false, changed };
  }
  await sql`select ask_after_reading(${tenantId}, ${practitionerId}, ${calendarId}, ${whole})`;
  const end = { ...reading, practitionerId, round, events: events.filter(({ id }) => ownEvent.test(id)) };
  const [finished] = await sql<[{ applied: boolean }]>`
    select finish_reading(${tenantId}, ${sql.json(end as never)}) as applied`;
  return { applied: finished.applied, changed };
}

/** As `calendar_event_id` makes them. */
const ownEvent = /^hl[0-9a-f]{32}$/;

type ReadEvent = CalendarReading['events'][number];

/** What the busy times do not say yet of a whole window; what is not in it any more counts as removed. */
async function differences(
  sql: Sql,
  { tenantId, practitionerId }: CalendarKey,
  events: ReadEvent[],
): Promise<ReadEvent[]> {
  const rows = await inTenant(
    sql,
    tenantId,
    (tx) => tx<{ id: string; startsAt: Date; endsAt: Date }[]>`
      select event_id as id, starts_at as "startsAt", ends_at as "endsAt" from busy_times
      where practitioner_id = ${practitionerId} and source = 'google'`,
  );
  const known = new Map(rows.map((row) => [row.id, row]));
  const changes: ReadEvent[] = [];
  for (const event of events) {
    const { startsAt, endsAt } = event;
    const busy = known.get(event.id);
    known.delete(event.id);
    const takesTime = startsAt !== undefined && endsAt !== undefined && startsAt < endsAt;
    const same = takesTime
      ? busy !== undefined && +busy.startsAt === +startsAt && +busy.endsAt === +endsAt
      : busy === undefined;
    if (!same) changes.push(event);
  }
  for (const id of known.keys()) changes.push({ id, seriesId: null, removed: true });
  return changes;
}

/** A series stays together as far as it can, what is said about the whole of it first. */
function partsOf(events: ReadEvent[]): ReadEvent[][] {
  const ordered = events.toSorted((a, b) => {
    const [one, other] = [a.seriesId ?? a.id, b.seriesId ?? b.id];
    if (one !== other) return one < other ? -1 : 1;
    return Number(a.seriesId !== null) - Number(b.seriesId !== null);
  });
  return Array.from({ length: Math.ceil(ordered.length / partMax) }, (_, n) =>
    ordered.slice(n * partMax, (n + 1) * partMax),
  );
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

/**
 * Notes where a calendar tells us of changes from now on.
 *
 * @param options.insteadOf the channel there was, if any
 * @returns false when another reading has noted a channel meanwhile; this one is not needed then
 */
export async function noteChannel(
  sql: Sql,
  { tenantId, practitionerId }: CalendarKey,
  {
    channel,
    insteadOf,
  }: { channel: NonNullable<CalendarState['channel']>; insteadOf: CalendarState['channel'] },
): Promise<boolean> {
  const noted = await inTenant(
    sql,
    tenantId,
    (tx) => tx`
      update calendar_syncs set channel_id = ${channel.id}, channel_resource_id = ${channel.resourceId},
        channel_address = ${channel.address}, channel_expires_at = ${channel.expiresAt}
      where practitioner_id = ${practitionerId} and channel_id is not distinct from ${insteadOf?.id ?? null}
      returning channel_id`,
  );
  return noted.length > 0;
}
