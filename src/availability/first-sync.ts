import type { Sql } from 'postgres';
import type { Organization } from '#organization/organization.ts';

/** Waits for calendars that have never been read. */
export interface FirstSync {
  /** Ends when every calendar of an organization has been read once, or when the caller's patience would. */
  wait(organization: Organization): Promise<void>;
}

/** A caller hears silence meanwhile; past this the ledger alone answers, as it does when Google is down. */
const patienceMs = 2_000;
const lookEveryMs = 100;
/** After a wait in vain nobody waits again for so long. */
const notAgainForMs = 60_000;

/**
 * The job that reads a calendar is asked for through the database, once however many callers and processes ask; so
 * is the answer. Nothing is asked while every calendar is known to have been read.
 */
export function createFirstSync({ sql, nowMs }: { sql: Sql; nowMs: () => number }): FirstSync {
  const read = new Set<string>();
  const waits = new Map<string, { untilMs: number; waiting: Promise<void> }>();

  async function waitFor(organization: Organization, key: string): Promise<void> {
    const endMs = nowMs() + patienceMs;
    while ((await unread(sql, organization.id)) > 0) {
      if (nowMs() >= endMs) return;
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
    read.add(key);
  }

  return {
    async wait(organization) {
      const calendars = organization.practitioners.flatMap(({ calendarId }) => calendarId ?? []);
      if (calendars.length === 0) return;
      const key = [organization.id, ...calendars].join(' ');
      if (read.has(key)) return;
      const other = waits.get(key);
      if (other !== undefined && other.untilMs > nowMs()) return other.waiting;
      const waiting = waitFor(organization, key);
      waits.set(key, { untilMs: nowMs() + notAgainForMs, waiting });
      waiting.catch(() => waits.delete(key));
      await waiting;
    },
  };
}

async function unread(sql: Sql, tenantId: string): Promise<number> {
  const [row] = await sql<[{ count: number }]>`select unread_calendars(${tenantId}) as count`;
  return row.count;
}
