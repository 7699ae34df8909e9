import type { DayToSay, SpeakingWords } from '#language/language.ts';

/** English: "Tuesday the twenty-fourth at half past two in the afternoon". */
export const spokenEnglish: SpeakingWords = {
  day(said) {
    const name = dayName(said);
    if (said.ahead === 0) return `today, ${name}`;
    return said.ahead === 1 ? `tomorrow, ${name}` : name;
  },
  dateName: (day, month) => `the ${ordinal(day)} of ${month}`,
  clock(hour, minute) {
    if (minute === 0 && hour === 12) return { clock: 'noon' };
    if (minute === 0 && hour === 0) return { clock: 'midnight' };
    return { clock: clockWords(hour, minute), part: partOfDay(hour) };
  },
  repeated: { first: 'before the clocks go back', second: 'after the clocks go back' },
  moment: (day, clock) => `${day} at ${clock}`,
  with: (practitioner) => `with ${practitioner}`,
  allWith: (practitioner) => `all with ${practitioner}`,
  or: () => 'or',
};

function dayName({ weekday, day, month, withMonth }: DayToSay): string {
  const name = `${weekday} the ${ordinal(day)}`;
  return withMonth ? `${name} of ${month}` : name;
}

function partOfDay(hour: number): string {
  if (hour < 12) return 'in the morning';
  if (hour < 18) return 'in the afternoon';
  return hour < 22 ? 'in the evening' : 'at night';
}

function clockWords(hour: number, minute: number): string {
  const name = (h: number) => number(((h + 11) % 12) + 1);
  if (minute === 0) return name(hour);
  if (minute === 15) return `a quarter past ${name(hour)}`;
  if (minute === 30) return `half past ${name(hour)}`;
  if (minute === 45) return `a quarter to ${name(hour + 1)}`;
  return minute < 10 ? `${name(hour)} oh ${number(minute)}` : `${name(hour)} ${number(minute)}`;
}

/** 0 to 59. */
function number(value: number): string {
  const rest = value % 10;
  if (value < 20) return numbers[value] ?? '';
  return `${tens[Math.floor(value / 10)]}${rest === 0 ? '' : `-${numbers[rest]}`}`;
}

/** 1 to 31. */
function ordinal(day: number): string {
  if (day <= 20) return ordinals[day - 1] ?? '';
  if (day === 30) return 'thirtieth';
  return `${tens[Math.floor(day / 10)]}-${ordinals[(day % 10) - 1]}`;
}

const numbers = [
  ...[
    'zero',
    'one',
    'two',
    'three',
    'four',
    'five',
    'six',
    'seven',
    'eight',
    'nine',
    'ten',
    'eleven',
    'twelve',
  ],
  ...['thirteen', 'fourteen', 'fifteen', 'sixteen', 'seventeen', 'eighteen', 'nineteen'],
];
const tens = ['', '', 'twenty', 'thirty', 'forty', 'fifty'];
const ordinals = [
  ...[
    'first',
    'second',
    'third',
    'fourth',
    'fifth',
    'sixth',
    'seventh',
    'eighth',
    'ninth',
    'tenth',
    'eleventh',
  ],
  ...[
    'twelfth',
    'thirteenth',
    'fourteenth',
    'fifteenth',
    'sixteenth',
    'seventeenth',
    'eighteenth',
    'nineteenth',
  ],
  'twentieth',
];
