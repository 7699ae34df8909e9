/** A moment on the clock of a zone as it is written in a place: "Tuesday, November 24 at 2:00 PM". */
export function writtenMoment(instant: Date, zone: string, locale: string): string {
  const format = new Intl.DateTimeFormat(locale, {
    timeZone: zone,
    weekday: 'long',
    month: 'long',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
  });
  return format.format(instant);
}
