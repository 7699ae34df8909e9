import type { DayToSay, SpeakingWords } from '#language/language.ts';

/** Spanish as it is understood on both sides of the ocean: "el martes veinticuatro a las dos y media de la tarde". */
export const spokenSpanish: SpeakingWords = {
  day(said) {
    const name = dayName(said);
    if (said.ahead === 0) return `hoy, ${name}`;
    return said.ahead === 1 ? `mañana, ${name}` : `el ${name}`;
  },
  dateName: (day, month) => `el ${dayNumber(day)} de ${month}`,
  clock(hour, minute) {
    if (minute === 0 && hour === 12) return { clock: 'al mediodía' };
    if (minute === 0 && hour === 0) return { clock: 'a medianoche' };
    return { clock: clockWords(hour, minute), part: partOfDay(hour) };
  },
  repeated: { first: 'antes del cambio de hora', second: 'después del cambio de hora' },
  moment: (day, clock) => `${day} ${clock}`,
  with: (practitioner) => `con ${practitioner}`,
  allWith: (practitioner) => `siempre con ${practitioner}`,
  or: (last) => (/^h?[oó]/i.test(last) ? 'u' : 'o'),
};

function dayName({ weekday, day, month, withMonth }: DayToSay): string {
  const name = `${weekday} ${dayNumber(day)}`;
  return withMonth ? `${name} de ${month}` : name;
}

function partOfDay(hour: number): string {
  if (hour < 5) return 'de la madrugada';
  if (hour < 12) return 'de la mañana';
  return hour < 19 ? 'de la tarde' : 'de la noche';
}

/** "menos cuarto" is not said everywhere; "y cuarenta y cinco" is understood everywhere. */
function clockWords(hour: number, minute: number): string {
  const twelve = ((hour + 11) % 12) + 1;
  const name = twelve === 1 ? 'a la una' : `a las ${number(twelve)}`;
  if (minute === 0) return name;
  if (minute === 15) return `${name} y cuarto`;
  if (minute === 30) return `${name} y media`;
  return `${name} y ${number(minute)}`;
}

/** 0 to 59. */
function number(value: number): string {
  const rest = value % 10;
  if (value < 30) return numbers[value] ?? '';
  return `${tens[Math.floor(value / 10)]}${rest === 0 ? '' : ` y ${numbers[rest]}`}`;
}

function dayNumber(day: number): string {
  return day === 1 ? 'primero' : number(day);
}

const numbers = [
  ...[
    'cero',
    'uno',
    'dos',
    'tres',
    'cuatro',
    'cinco',
    'seis',
    'siete',
    'ocho',
    'nueve',
    'diez',
    'once',
    'doce',
  ],
  ...[
    'trece',
    'catorce',
    'quince',
    'dieciséis',
    'diecisiete',
    'dieciocho',
    'diecinueve',
    'veinte',
    'veintiuno',
  ],
  ...['veintidós', 'veintitrés', 'veinticuatro', 'veinticinco', 'veintiséis', 'veintisiete', 'veintiocho'],
  'veintinueve',
];
const tens = ['', '', '', 'treinta', 'cuarenta', 'cincuenta'];
