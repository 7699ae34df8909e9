import type { DayToSay, SpeakingWords } from '#language/language.ts';

/** German: "am Dienstag, dem vierundzwanzigsten, um halb drei nachmittags". */
export const spokenGerman: SpeakingWords = {
  day(said) {
    if (said.ahead === 0) return `heute, ${dayName(said, 'den')}`;
    return said.ahead === 1 ? `morgen, ${dayName(said, 'den')}` : `am ${dayName(said, 'dem')}`;
  },
  dateName: (day, month) => `der ${ordinal(day)} ${month}`,
  clock(hour, minute) {
    if (minute === 0 && hour === 0) return { clock: 'um Mitternacht' };
    return { clock: `um ${clockWords(hour, minute)}`, part: partOfDay(hour) };
  },
  repeated: { first: 'vor der Zeitumstellung', second: 'nach der Zeitumstellung' },
  moment: (day, clock) => `${day}, ${clock}`,
  with: (practitioner) => `bei ${practitioner}`,
  allWith: (practitioner) => `jeweils bei ${practitioner}`,
  or: () => 'oder',
};

function dayName({ weekday, day, month, withMonth }: DayToSay, article: string): string {
  const name = `${weekday}, ${article} ${ordinal(day)}n`;
  return withMonth ? `${name} ${month}` : name;
}

function partOfDay(hour: number): string {
  if (hour < 5) return 'nachts';
  if (hour < 9) return 'morgens';
  if (hour < 12) return 'vormittags';
  if (hour < 13) return 'mittags';
  if (hour < 18) return 'nachmittags';
  return hour < 22 ? 'abends' : 'nachts';
}

function clockWords(hour: number, minute: number): string {
  const twelve = (h: number) => ((h + 11) % 12) + 1;
  const name = (h: number) => number(twelve(h));
  const oClock = `${twelve(hour) === 1 ? 'ein' : name(hour)} Uhr`;
  if (minute === 0) return oClock;
  if (minute === 15) return `Viertel nach ${name(hour)}`;
  if (minute === 30) return `halb ${name(hour + 1)}`;
  if (minute === 45) return `Viertel vor ${name(hour + 1)}`;
  return `${oClock} ${number(minute)}`;
}

/** 1 to 59. */
function number(value: number): string {
  if (value < 20) return numbers[value] ?? '';
  const ten = tens[Math.floor(value / 10)];
  const rest = value % 10;
  return rest === 0 ? `${ten}` : `${rest === 1 ? 'ein' : numbers[rest]}und${ten}`;
}

/** 1 to 31, as after an article: "der erste". */
function ordinal(day: number): string {
  return irregular[day] ?? `${number(day)}${day < 20 ? 'te' : 'ste'}`;
}

const irregular: Partial<Record<number, string>> = { 1: 'erste', 3: 'dritte', 7: 'siebte', 8: 'achte' };
const numbers = [
  ...[
    'null',
    'eins',
    'zwei',
    'drei',
    'vier',
    'fünf',
    'sechs',
    'sieben',
    'acht',
    'neun',
    'zehn',
    'elf',
    'zwölf',
  ],
  ...['dreizehn', 'vierzehn', 'fünfzehn', 'sechzehn', 'siebzehn', 'achtzehn', 'neunzehn'],
];
const tens = ['', '', 'zwanzig', 'dreißig', 'vierzig', 'fünfzig'];
