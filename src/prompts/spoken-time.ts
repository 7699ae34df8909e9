import { Temporal } from 'temporal-polyfill';

/** "Tuesday the twenty-fourth of November", or "today" and "tomorrow" as seen from `today` (an ISO date). */
export function spokenDate(date: string, _language: string, { today }: { today?: string } = {}): string {
  const day = Temporal.PlainDate.from(date);
  const weekday = weekdays[day.dayOfWeek - 1] ?? '';
  const plain = `${weekday} the ${ordinals[day.day - 1]} of ${months[day.month - 1]}`;
  if (today === undefined) return plain;
  const daysAhead = Temporal.PlainDate.from(today).until(day).days;
  if (daysAhead === 0) return `today, ${weekday} the ${ordinals[day.day - 1]}`;
  if (daysAhead === 1) return `tomorrow, ${weekday} the ${ordinals[day.day - 1]}`;
  return daysAhead > 0 && daysAhead < 21 ? `${weekday} the ${ordinals[day.day - 1]}` : plain;
}

/** "half past two in the afternoon", "nine in the morning", "noon": the clinic's clock at an instant. */
export function spokenClock(instant: Date, zone: string, _language: string): string {
  const { hour, minute } = Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(zone);
  if (minute === 0 && hour === 12) return 'noon';
  if (minute === 0 && hour === 0) return 'midnight';
  const part = hour < 12 ? 'in the morning' : hour < 18 ? 'in the afternoon' : 'in the evening';
  return `${clockWords(hour, minute)} ${part}`;
}

/** "two in the afternoon with Doctor Lee". */
export function spokenSlot({
  startsAt,
  zone,
  language,
  practitioner,
}: {
  startsAt: Date;
  zone: string;
  language: string;
  practitioner?: string;
}): string {
  const clock = spokenClock(startsAt, zone, language);
  return practitioner === undefined ? clock : `${clock} with ${practitioner}`;
}

/** "a, b or c". */
export function spokenList(parts: string[], _language: string): string {
  if (parts.length < 2) return parts[0] ?? '';
  return `${parts.slice(0, -1).join(', ')} or ${parts.at(-1)}`;
}

function clockWords(hour: number, minute: number): string {
  const name = (h: number) => numbers[((h + 11) % 12) + 1] ?? '';
  if (minute === 0) return name(hour);
  if (minute === 15) return `a quarter past ${name(hour)}`;
  if (minute === 30) return `half past ${name(hour)}`;
  if (minute === 45) return `a quarter to ${name(hour + 1)}`;
  return minute < 10 ? `${name(hour)} oh ${numbers[minute]}` : `${name(hour)} ${minuteWords(minute)}`;
}

function minuteWords(minute: number): string {
  if (minute < 20) return numbers[minute] ?? '';
  const rest = minute % 10;
  return `${tens[Math.floor(minute / 10)]}${rest === 0 ? '' : `-${numbers[rest]}`}`;
}

const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const months = 'January February March April May June July August September October November December'.split(
  ' ',
);
const numbers =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const tens = ['', '', 'twenty', 'thirty', 'forty', 'fifty'];
const ordinals = [
  ...'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth'.split(
    ' ',
  ),
  ...'sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third'.split(
    ' ',
  ),
  ...'twenty-fourth twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first'.split(
    ' ',
  ),
];
