import { randomUUID } from 'node:crypto';
import type { Sql } from 'postgres';
import { type CalendarKey, type CalendarState, noteChannel } from '#booking/calendar-readings.ts';
import type { Calendars } from '#calendar/google.ts';
import type { Sealer } from '#storage/sealing.ts';
import type { Log } from '#telemetry/log.ts';
import type { CalendarAccess } from './calendar-access.ts';

/** A channel ends after a week; hourly readings meet this last day two dozen times. */
const renewBeforeMs = 24 * 3_600_000;

/** Keeps Google telling us when a calendar changes: opens a channel where there is none, or none for long. */
export async function keepChannel(
  {
    sql,
    access,
    publicUrl,
    log,
  }: { sql: Sql; access: CalendarAccess; publicUrl: string | undefined; log: Log },
  calendars: Pick<Calendars, 'watch' | 'stop'>,
  { key, state, now }: { key: CalendarKey; state: CalendarState; now: Date },
): Promise<void> {
  if (publicUrl === undefined) return;
  const address = `${publicUrl}/google/notifications`;
  const old = state.channel;
  const lasts = old !== null && old.expiresAt.getTime() - now.getTime() > renewBeforeMs;
  if (lasts && old.address === address) return;
  const id = randomUUID();
  const opened = await calendars.watch(state.calendarId, {
    id,
    token: channelToken(access.sealer, key, id),
    address,
  });
  if (!opened.ok) {
    // Edits are noticed by the hourly reading all the same.
    log.warn({ calendar: state.calendarId, reason: opened.message }, 'Google will not tell us of changes');
    return;
  }
  const channel = { id, address, ...opened.value };
  const noted = await noteChannel(sql, key, { channel, insteadOf: old });
  // Two readings at once may each have opened one; what is not noted would tell us everything twice for a week.
  const needless = noted ? old : channel;
  if (needless !== null) await calendars.stop(needless);
}

/** What Google sends along with each notification: whose calendar it is, signed, so that nobody else can say so. */
function channelToken(sealer: Sealer, { tenantId, practitionerId }: CalendarKey, channelId: string): string {
  return `${tenantId}/${practitionerId}/${sealer.sign(aboutOf({ tenantId, practitionerId }, channelId))}`;
}

/** Whose calendar a notification is about; nothing when the token is not one of ours for this channel. */
export function readChannelToken(sealer: Sealer, token: string, channelId: string): CalendarKey | undefined {
  const [tenantId = '', practitionerId = '', signature = ''] = token.split('/');
  const key = { tenantId, practitionerId };
  return sealer.isSigned(aboutOf(key, channelId), signature) ? key : undefined;
}

function aboutOf({ tenantId, practitionerId }: CalendarKey, channelId: string): string {
  return `channel ${channelId} of ${tenantId}/${practitionerId}`;
}
