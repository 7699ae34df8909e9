/** "Tue 1 Dec", the clinic's calendar. */
function shortDate(iso: string, zone: string): string {
  return format(iso, { timeZone: zone, weekday: 'short', day: 'numeric', month: 'short' });
}

/** "13:30", the clinic's clock. */
export function clockTime(iso: string, zone: string): string {
  return format(iso, { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
}

/** "13:30:05.120", for what happens within a call. */
export function preciseClock(iso: string, zone: string): string {
  return format(iso, {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 1,
    hourCycle: 'h23',
  });
}

/** "Tue 1 Dec, 13:30". */
export function dateAndClock(iso: string, zone: string): string {
  return `${shortDate(iso, zone)}, ${clockTime(iso, zone)}`;
}

/** A calendar day that has no zone of its own. */
export function dayName(date: string): { weekday: string; day: string } {
  return {
    weekday: format(`${date}T12:00:00Z`, { timeZone: 'UTC', weekday: 'short' }),
    day: format(`${date}T12:00:00Z`, { timeZone: 'UTC', day: 'numeric', month: 'short' }),
  };
}

/** "12 ms" or "1.4 s". */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–';
  if (ms >= 9_950) return `${Math.round(ms / 1000)} s`;
  if (ms >= 1_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}

/** "4:32", for a hold that is running out. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** "3 minutes ago". */
export function ago(iso: string, nowMs: number): string {
  const seconds = Math.round((nowMs - new Date(iso).getTime()) / 1000);
  if (seconds < 60) return 'just now';
  const words = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
  if (seconds < 3_600) return words.format(-Math.floor(seconds / 60), 'minute');
  if (seconds < 86_400) return words.format(-Math.floor(seconds / 3_600), 'hour');
  return words.format(-Math.floor(seconds / 86_400), 'day');
}

/** A ledger's slot id as people read it: in the clinic's time, with the practitioner's name. */
export function slotWords(slotId: string, { zone, practitioners }: Clinic): string {
  const [instant = '', key = ''] = slotId.split('/');
  const name = practitioners.find((one) => one.key === key)?.name ?? key;
  return Number.isNaN(Date.parse(instant)) ? slotId : `${dateAndClock(instant, zone)}, ${name}`;
}

interface Clinic {
  zone: string;
  practitioners: { key: string; name: string }[];
}

/** Steps of a call as people say them. */
export const stepWords: Record<string, string> = {
  greeting: 'greeting',
  check_avail: 'looking for a time',
  reserve: 'time held',
  confirm_sms: 'confirming',
  booked: 'booked',
  failed: 'failed',
};

function format(iso: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat('en-GB', options).format(new Date(iso)).replace(/,/g, '');
}
