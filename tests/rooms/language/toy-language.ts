import type { Language } from '#language/language.ts';
import { monthNames, phrase, weekdayNames } from '#language/plain-words.ts';

const units = ['ula', 'bela', 'tila', 'kola', 'pela', 'sela', 'zela', 'ola', 'nela'];
const tens = ['', 'dika', 'beladika', 'tiladika', 'koladika', 'peladika'];
const weekdays = ['lunor', 'martor', 'merkor', 'jovor', 'venor', 'sabor', 'domor'] as const;
const months = [
  ...(['janlu', 'feblu', 'marlu', 'aprilu', 'mailu', 'junlu', 'julu'] as const),
  ...(['auglu', 'seplu', 'oktolu', 'novlu', 'declu'] as const),
] as const;

const upToFiftyNine = Array.from({ length: 59 }, (_, index) => index + 1);

/** "dika ula" is eleven, "dika ulato" the eleventh. */
function number(value: number): string {
  return [tens[Math.floor(value / 10)], units[(value % 10) - 1]].filter((word) => word).join(' ');
}

/** A language nobody speaks, with words no other language here has. */
export const toyLanguage: Language = {
  // From the range that is kept for private use.
  tag: 'qlu',
  weekdays,
  months,
  understood: {
    dayFirst: () => true,
    numbers: new Map(upToFiftyNine.map((value) => [number(value), value])),
    ordinals: new Map(upToFiftyNine.slice(0, 31).map((value) => [`${number(value)}to`, value])),
    phrases: [
      ...weekdays.map((name, index) => [phrase(name), weekdayNames[index] ?? ''] as const),
      ...months.map((name, index) => [phrase(name), monthNames[index] ?? ''] as const),
      [phrase('veni <weekday>'), 'next $1'],
      [phrase('nu'), 'today'],
      [phrase('sur'), 'tomorrow'],
      [phrase('klo (\\d+) e (\\d)'), '$1:0$2'],
      [phrase('klo (\\d+) e (\\d\\d)'), '$1:$2'],
      [phrase('klo (\\d+)'), 'at $1'],
      [phrase('pos at (\\d+)'), 'after $1'],
      [phrase('matinu'), 'in the morning'],
      [phrase('vesperu'), 'in the afternoon'],
    ],
  },
  spoken: {
    day({ weekday, day, month, ahead, withMonth }) {
      const name = `${weekday} ${number(day)}to${withMonth ? ` ${month}` : ''}`;
      return ahead === 0 ? `nu, ${name}` : ahead === 1 ? `sur, ${name}` : name;
    },
    dateName: (day, month) => `lo ${number(day)}to ${month}`,
    clock(hour, minute) {
      const clock = `klo ${number(hour % 12 || 12)}${minute === 0 ? '' : ` e ${number(minute)}`}`;
      return { clock, part: hour < 12 ? 'matinu' : 'vesperu' };
    },
    repeated: { first: 'unua', second: 'duua' },
    moment: (day, clock) => `${day} ${clock}`,
    with: (practitioner) => `kun ${practitioner}`,
    allWith: (practitioner) => `ciu kun ${practitioner}`,
    or: () => 'au',
  },
  told: {
    longDate: ({ weekday, day, month, year }) => `${weekday} ${day} ${month} ${year}`,
    to: 'gis',
    and: 'kaj',
    closed: 'fermu',
    none: 'neniu',
  },
  texts: {
    moment: (instant, zone) => {
      const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeStyle: 'short' });
      return `klo ${format.format(instant)}`;
    },
    answers: {
      stop: ['HALTU'],
      start: ['DAURU'],
      help: ['AIDU'],
      cancel: ['NULO'],
      'call-back': ['VOKU'],
    },
  },
};
