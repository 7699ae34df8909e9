import type { Sql } from 'postgres';
import { z } from 'zod';
import { type Calendars, type Credentials, type Google, openGoogle } from '#calendar/google.ts';
import { readCalendarSecret } from '#organization/calendar-credentials.ts';
import { createSealer, type Sealer } from '#storage/sealing.ts';

/** The way to organizations' calendars; there is none in an installation without an encryption key. */
export interface CalendarAccess {
  google: Google;
  sealer: Sealer;
  /** Whether somebody can let us into their calendars through a browser. */
  consent: boolean;
  /** When all calendars are read, five fields as in cron, UTC. */
  cron: string;
  /** The calendars an organization's credentials open. */
  of(sql: Sql, tenantId: string): Promise<OpenedCalendars>;
}

export type OpenedCalendars =
  | { opened: true; calendars: Calendars; account: string; problem: string | null }
  | { opened: false; reason: string };

export interface CalendarAccessOptions {
  /** 32 bytes. */
  encryptionKey: Uint8Array;
  clientId: string | undefined;
  clientSecret: string | undefined;
  baseUrl: string | undefined;
  cron: string;
}

export async function openCalendarAccess(options: CalendarAccessOptions): Promise<CalendarAccess> {
  const google = await openGoogle(options);
  const sealer = createSealer(options.encryptionKey);
  /** A client keeps its access token for an hour: asking for one each time would double the requests. */
  const clients = new Map<string, { secret: string; calendars: Calendars }>();
  return {
    google,
    sealer,
    consent: options.clientId !== undefined && options.clientSecret !== undefined,
    cron: options.cron,
    async of(sql, tenantId) {
      const kept = await readCalendarSecret(sql, sealer, tenantId);
      if (kept === undefined) return { opened: false, reason: 'no Google account is connected' };
      if (kept === 'unreadable') {
        return {
          opened: false,
          reason: 'the credentials were encrypted with another ENCRYPTION_KEY; connect again',
        };
      }
      const known = clients.get(tenantId);
      const client =
        known?.secret === kept.secret
          ? known
          : { secret: kept.secret, calendars: google.calendars(credentialsOf(kept)) };
      clients.set(tenantId, client);
      return { opened: true, calendars: client.calendars, account: kept.account, problem: kept.problem };
    },
  };
}

function credentialsOf({ kind, secret }: { kind: Credentials['kind']; secret: string }): Credentials {
  const read: unknown = JSON.parse(secret);
  return kind === 'oauth'
    ? { kind, ...z.object({ refreshToken: z.string() }).parse(read) }
    : { kind, ...z.object({ email: z.string(), privateKey: z.string() }).parse(read) };
}
