import { type GoogleEvent, instancesOf, instantOf } from './google-recurrence.ts';

/** One version of an event; what it was before stays, so that a sync can say what has gone. */
interface Version {
  sequence: number;
  event: GoogleEvent;
}

/** One calendar and everything that ever happened to it. */
export interface StoredCalendar {
  id: string;
  sequence: number;
  /** Sync tokens from before this are forgotten: 410. */
  forgottenBefore: number;
  versions: Map<string, Version[]>;
}

interface ListQuery {
  maxResults?: number;
  pageToken?: string;
  syncToken?: string;
  singleEvents?: boolean;
  timeMin?: string;
  timeMax?: string;
}

/** What a token of ours stands for. */
interface Place {
  /** Only what changed after this; -1 for everything. */
  since: number;
  /** Everything up to this is in the list. */
  until: number;
  offset: number;
  timeMin: string;
  timeMax: string;
}

export function newCalendar(id: string): StoredCalendar {
  return { id, sequence: 0, forgottenBefore: 0, versions: new Map() };
}

/** Writes a new version of an event. */
export function write(calendar: StoredCalendar, event: GoogleEvent): void {
  calendar.sequence += 1;
  const versions = calendar.versions.get(event.id) ?? [];
  versions.push({ sequence: calendar.sequence, event });
  calendar.versions.set(event.id, versions);
}

export function current(calendar: StoredCalendar, id: string): GoogleEvent | undefined {
  return calendar.versions.get(id)?.at(-1)?.event;
}

/**
 * A page of a calendar, as `events.list` answers: the last one ends with a sync token, the others with a page token.
 *
 * @returns `gone` for a sync token that is forgotten
 */
export function list(calendar: StoredCalendar, query: ListQuery): 'gone' | Record<string, unknown> {
  const place = placeOf(calendar, query);
  if (place === 'gone') return 'gone';
  const size = query.maxResults ?? 250;
  const changed = [...calendar.versions.values()]
    .flatMap((versions) => itemsOf(versions, place))
    // An instance that was changed by itself is an event of its own.
    .filter(({ id, originalStartTime }) => originalStartTime === undefined || !calendar.versions.has(id));
  const items = changed.slice(place.offset, place.offset + size);
  const next = place.offset + size;
  const rest =
    next < changed.length
      ? { nextPageToken: tokenOf({ ...place, offset: next }) }
      : { nextSyncToken: tokenOf({ ...place, since: place.until, offset: 0 }) };
  return { kind: 'calendar#events', timeZone: 'UTC', items, ...rest };
}

function placeOf(calendar: StoredCalendar, query: ListQuery): Place | 'gone' {
  const read = (token: string): Place => JSON.parse(Buffer.from(token, 'base64url').toString());
  if (query.pageToken !== undefined) return read(query.pageToken);
  if (query.syncToken !== undefined) {
    const place = read(query.syncToken);
    if (place.since < calendar.forgottenBefore) return 'gone';
    return { ...place, until: calendar.sequence };
  }
  const { timeMin = '1970-01-01T00:00:00Z', timeMax = '2100-01-01T00:00:00Z' } = query;
  return { since: -1, until: calendar.sequence, offset: 0, timeMin, timeMax };
}

function tokenOf(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** What a list says about one event: nothing when it did not change, the instances of a series one by one. */
function itemsOf(versions: Version[], { since, until, timeMin, timeMax }: Place): GoogleEvent[] {
  const [from, to] = [new Date(timeMin), new Date(timeMax)];
  const now = versions.findLast(({ sequence }) => sequence <= until);
  if (now === undefined || now.sequence <= since) return [];
  const before = versions.findLast(({ sequence }) => sequence <= since)?.event;
  const present = instances(now.event, from, to);
  if (since < 0) return present;
  const kept = new Set(present.map(({ id }) => id));
  if (now.event.status === 'cancelled' && now.event.recurrence === undefined) return [gone(now.event)];
  const vanished = (before === undefined ? [] : instances(before, from, to)).filter(
    ({ id }) => !kept.has(id),
  );
  return [...present, ...vanished.map(gone)];
}

function gone({ id, recurringEventId, originalStartTime }: GoogleEvent): GoogleEvent {
  return {
    id,
    status: 'cancelled',
    ...(recurringEventId === undefined ? {} : { recurringEventId }),
    ...(originalStartTime === undefined ? {} : { originalStartTime }),
  };
}

function instances(event: GoogleEvent, from: Date, to: Date): GoogleEvent[] {
  if (event.status === 'cancelled') return [];
  if (event.recurrence !== undefined) return instancesOf(event, from, to);
  return instantOf(event.end) > from && instantOf(event.start) < to ? [event] : [];
}
