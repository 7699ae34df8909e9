/** What a language model knows of a language's days and clocks. Not the product's own words: two who say the same day alike prove little. */
export interface ValueWords {
  weekdays: readonly string[];
  months: readonly string[];
  /** 0 to 59. */
  numbers: readonly string[];
  dayInLetters(day: SpokenDay): string[];
  dayInFigures(day: SpokenDay): string[];
  clockInLetters(clock: SpokenClockTime): string[];
  clockInFigures(clock: SpokenClockTime): string[];
}

interface SpokenDay {
  year: number;
  month: number;
  day: number;
  weekday: string;
  monthName: string;
}

interface SpokenClockTime {
  hour: number;
  minute: number;
}

const two = (value: number) => String(value).padStart(2, '0');
const twelve = (hour: number) => ((hour + 11) % 12) + 1;
const upTo = (count: number, of: (value: number) => string) =>
  Array.from({ length: count }, (_, value) => of(value));
const iso = ({ year, month, day }: SpokenDay) => `${year}-${two(month)}-${two(day)}`;

const enUnits =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const enTens = ['', '', 'twenty', 'thirty', 'forty', 'fifty'];
const enNumbers = upTo(60, (value) =>
  value < 20
    ? (enUnits[value] ?? '')
    : `${enTens[Math.floor(value / 10)]}${value % 10 === 0 ? '' : `-${enUnits[value % 10]}`}`,
);
const enOrdinals = enNumbers.map((word) =>
  word
    .replace(/one$/, 'first')
    .replace(/two$/, 'second')
    .replace(/three$/, 'third')
    .replace(/five$/, 'fifth')
    .replace(/eight$/, 'eighth')
    .replace(/nine$/, 'ninth')
    .replace(/twelve$/, 'twelfth')
    .replace(/ty$/, 'tieth')
    .replace(/(four|six|seven|ten|eleven|teen)$/, '$1th'),
);

const english: ValueWords = {
  weekdays: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'],
  months: 'January February March April May June July August September October November December'.split(' '),
  numbers: enNumbers,
  dayInLetters: ({ weekday, monthName, day }) => [
    `${weekday} the ${enOrdinals[day]}`,
    `${weekday}, ${monthName} ${enOrdinals[day]}`,
    `${weekday} the ${enOrdinals[day]} of ${monthName}`,
  ],
  dayInFigures: (said) => [
    `${said.weekday.slice(0, 3)} ${said.month}/${said.day}`,
    `${said.weekday}, ${said.monthName} ${said.day}`,
    `${said.monthName} ${said.day}`,
    iso(said),
  ],
  clockInLetters({ hour, minute }) {
    const name = enNumbers[twelve(hour)];
    const part = hour < 12 ? 'in the morning' : hour < 18 ? 'in the afternoon' : 'in the evening';
    const half = hour < 12 ? 'a.m.' : 'p.m.';
    if (hour === 12 && minute === 0) return ['noon', 'twelve noon', 'twelve p.m.'];
    if (minute === 0) return [`${name} ${part}`, `${name} o'clock`, `${name} ${half}`];
    if (minute === 30) return [`half past ${name} ${part}`, `${name} thirty`, `${name} thirty ${half}`];
    return [`${name} ${enNumbers[minute]} ${part}`, `${name} ${enNumbers[minute]} ${half}`];
  },
  clockInFigures: ({ hour, minute }) => [
    `${twelve(hour)}:${two(minute)} ${hour < 12 ? 'AM' : 'PM'}`,
    `${twelve(hour)}:${two(minute)}${hour < 12 ? 'am' : 'pm'}`,
    `${two(hour)}:${two(minute)}`,
  ],
};

const esUnits =
  'cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve'.split(
    ' ',
  );
const esTens = ['', '', '', 'treinta', 'cuarenta', 'cincuenta'];
const esNumbers = upTo(60, (value) =>
  value < 30
    ? (esUnits[value] ?? '')
    : `${esTens[Math.floor(value / 10)]}${value % 10 === 0 ? '' : ` y ${esUnits[value % 10]}`}`,
);

const spanish: ValueWords = {
  weekdays: ['lunes', 'martes', 'miércoles', 'jueves', 'viernes', 'sábado', 'domingo'],
  months: 'enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre'.split(
    ' ',
  ),
  numbers: esNumbers,
  dayInLetters: ({ weekday, monthName, day }) => {
    const number = day === 1 ? 'primero' : esNumbers[day];
    return [
      `el ${weekday} ${number}`,
      `el ${weekday} ${number} de ${monthName}`,
      `el ${number} de ${monthName}`,
    ];
  },
  dayInFigures: (said) => [
    `el ${said.weekday} ${said.day}`,
    `el ${said.day}/${said.month}`,
    `el ${said.weekday} ${said.day} de ${said.monthName}`,
    `el ${iso(said)}`,
  ],
  clockInLetters({ hour, minute }) {
    const name = twelve(hour) === 1 ? 'la una' : `las ${esNumbers[twelve(hour)]}`;
    const part = hour < 12 ? 'de la mañana' : hour < 20 ? 'de la tarde' : 'de la noche';
    if (hour === 12 && minute === 0) return ['las doce del mediodía', 'las doce en punto'];
    if (minute === 0) return [`${name} ${part}`, `${name} en punto`, name];
    if (minute === 30) return [`${name} y media ${part}`, `${name} y media`];
    return [`${name} y ${esNumbers[minute]} ${part}`];
  },
  clockInFigures: ({ hour, minute }) => {
    const article = twelve(hour) === 1 ? 'la' : 'las';
    return [
      `${article} ${twelve(hour)}:${two(minute)} ${hour < 12 ? 'a. m.' : 'p. m.'}`,
      `${article} ${twelve(hour)}:${two(minute)}`,
      `las ${two(hour)}:${two(minute)}`,
    ];
  },
};

const deUnits =
  'null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn'.split(
    ' ',
  );
const deTens = ['', '', 'zwanzig', 'dreißig', 'vierzig', 'fünfzig'];
const deNumbers = upTo(60, (value) => {
  const rest = value % 10;
  if (value < 20) return deUnits[value] ?? '';
  return rest === 0
    ? (deTens[value / 10] ?? '')
    : `${rest === 1 ? 'ein' : deUnits[rest]}und${deTens[Math.floor(value / 10)]}`;
});
const deOrdinal = (day: number) =>
  ({ 1: 'ersten', 3: 'dritten', 7: 'siebten', 8: 'achten' })[day] ??
  `${deNumbers[day]}${day < 20 ? 'ten' : 'sten'}`;

const german: ValueWords = {
  weekdays: ['Montag', 'Dienstag', 'Mittwoch', 'Donnerstag', 'Freitag', 'Samstag', 'Sonntag'],
  months: 'Januar Februar März April Mai Juni Juli August September Oktober November Dezember'.split(' '),
  numbers: deNumbers,
  dayInLetters: ({ weekday, monthName, day }) => [
    `${weekday}, den ${deOrdinal(day)}`,
    `${weekday}, den ${deOrdinal(day)} ${monthName}`,
    `${weekday} den ${deOrdinal(day)}`,
  ],
  dayInFigures: (said) => [
    `${said.weekday}, ${said.day}.${said.month}.`,
    `${said.weekday}, den ${said.day}. ${said.monthName}`,
    `${two(said.day)}.${two(said.month)}.${said.year}`,
    `${said.day}. ${said.monthName}`,
  ],
  clockInLetters({ hour, minute }) {
    const name = deNumbers[twelve(hour)];
    const full = hour === 13 || hour === 1 ? deNumbers[hour]?.replace(/^eins$/, 'ein') : deNumbers[hour];
    const part = hour < 12 ? 'vormittags' : hour < 18 ? 'nachmittags' : 'abends';
    if (minute === 0) return [`${full} Uhr`, `${twelve(hour) === 1 ? 'ein' : name} Uhr ${part}`];
    if (minute === 30)
      return [
        `halb ${deNumbers[twelve(hour + 1)]}`,
        `${full} Uhr dreißig`,
        `halb ${deNumbers[twelve(hour + 1)]} ${part}`,
      ];
    return [`${full} Uhr ${deNumbers[minute]}`];
  },
  clockInFigures: ({ hour, minute }) => [
    `${hour}:${two(minute)} Uhr`,
    `${two(hour)}.${two(minute)}`,
    minute === 0 ? `${hour} Uhr` : `${two(hour)}:${two(minute)}`,
  ],
};

export const carelessWords: Record<string, ValueWords> & { en: ValueWords } = {
  en: english,
  es: spanish,
  de: german,
};
