import type { PhraseRule, UnderstoodWords } from '#language/language.ts';
import { monthNames, phrase, weekdayNames } from '#language/plain-words.ts';

const units = ['ein', 'zwei', 'drei', 'vier', 'fünf', 'sechs', 'sieben', 'acht', 'neun'];
const upToNineteen = [
  ...['eins', ...units.slice(1), 'zehn', 'elf', 'zwölf', 'dreizehn', 'vierzehn', 'fünfzehn', 'sechzehn'],
  ...['siebzehn', 'achtzehn', 'neunzehn'],
];
const tens = ['zwanzig', 'dreißig', 'vierzig', 'fünfzig'];

const numbers = new Map<string, number>([
  ...upToNineteen.map((word, index) => [word, index + 1] as const),
  ...['ein', 'eine', 'einen', 'einem', 'einer'].map((word) => [word, 1] as const),
  ['zwo', 2],
  ...tens.flatMap((ten, index) => [
    [ten, (index + 2) * 10] as const,
    ...units.map((unit, more) => [`${unit}und${ten}`, (index + 2) * 10 + more + 1] as const),
  ]),
]);

const irregular: Record<number, string> = { 1: 'erst', 3: 'dritt', 7: 'siebt', 8: 'acht' };
const words = [...numbers].filter(([word, day]) => day <= 31 && !/^(?:eine.?|zwo)$/.test(word));
const ordinals = new Map<string, number>(
  words.flatMap(([word, day]) =>
    [irregular[day] ?? `${word}${day < 20 ? 't' : 'st'}`].flatMap((stem) =>
      ['e', 'en', 'er', 'es', 'em'].map((ending) => [`${stem}${ending}`, day] as const),
    ),
  ),
);

const weekday = '(montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag)';
const weekdayPhrases = [
  ...[
    'montags?',
    'dienstags?',
    'mittwochs?',
    'donnerstags?',
    'freitags?',
    '(?:samstag|sonnabend)s?',
    'sonntags?',
  ],
].map((name, index): PhraseRule => [phrase(name), weekdayNames[index] ?? '']);
const monthPhrases = [
  ...[
    'j[aä]n(?:uar|ner)',
    'februar|feber',
    'märz',
    'april',
    'mai',
    'juni|juno',
    'juli',
    'august',
    'september',
  ],
  ...['oktober', 'november', 'dezember'],
].map((name, index): PhraseRule => [phrase(name), monthNames[index] ?? '']);
const partOfDay: Record<string, string> = {
  vormittag: 'in the morning',
  früh: 'in the morning',
  morgen: 'in the morning',
  mittag: 'at midday',
  nachmittag: 'in the afternoon',
  abend: 'in the evening',
};
const partOfSpan: Record<string, string> = { ende: 'end', anfang: 'beginning', mitte: 'mid' };
const before = (hour = '') => (Number(hour) + 11) % 12 || 12;

export const understoodGerman: UnderstoodWords = {
  dayFirst: () => true,
  numbers,
  ordinals,
  phrases: [
    [/(?<!\d)(\d{1,2})\.(\d{2})(?= uhr)/g, '$1:$2'],
    // Dates first, so that their points are not lost: 3.12. and 25. Dezember.
    [/(?<!\d)(\d{1,2})\.(\d{1,2})\.(\d{4})/g, '$1/$2/$3'],
    [/(?<!\d)(\d{1,2})\.(\d{1,2})\.?(?=\s)/g, '$1/$2'],
    [/(?<!\d)(\d{1,2})\.(?=\s)/g, '$1th'],

    // Not the English "12 am".
    [phrase(`am ${weekday}`), '$1'],
    [phrase('(?:zwischen|von) (\\d+)(?: uhr)? (?:und|bis) (\\d+)(?: uhr)?'), 'between $1 and $2'],
    [phrase('(?:nach dem (?:mittag)?essen|nach der mittagspause|nach mittag)'), 'after lunch'],
    [phrase('(?:gleich )?(?:als 1th|ganz früh|in aller früh(?:e)?|gleich (?:in der )?früh)'), 'first thing'],
    [phrase('(?:am ende des tages|zum feierabend|(?:möglichst|ganz) spät)'), 'end of the day'],
    [phrase('halb (\\d+)'), (_, hour) => `${before(hour)}:30`],
    [phrase('(?:viertel nach) (\\d+)'), '$1:15'],
    [phrase('(?:viertel vor|dreiviertel) (\\d+)'), (_, hour) => `${before(hour)}:45`],
    [phrase('(\\d+) uhr (\\d{1,2})'), (_, hour = '', minute = '') => `${hour}:${minute.padStart(2, '0')}`],
    [phrase('(\\d+(?::\\d+)?) uhr'), "$1 o'clock"],
    [phrase('(?:nach|später als) (\\d+)'), 'after $1'],
    [phrase('ab (\\d+)'), 'from $1'],
    [phrase('(?:vor|bis|spätestens um) (\\d+)(?! (?:tag|woche|monat))'), 'before $1'],
    [phrase('(?:um|gegen|circa|ca|so um) (\\d{1,2})(?:th)?'), 'at $1'],

    [phrase('(?:über)?übermorgen'), 'in 2 days'],
    [phrase('vorgestern'), '2 days ago'],
    [phrase('gestern'), 'yesterday'],
    [phrase('am morgen|morgens|in der früh|frühmorgens'), 'in the morning'],
    [
      phrase(
        '(morgen|heute|' +
          weekday.slice(1, -1) +
          '|in 2 days) ?(vormittag|früh|morgen|mittag|nachmittag|abend)',
      ),
      (_, day = '', part = '') => `${day} ${partOfDay[part] ?? ''}`,
    ],
    [phrase('morgen'), 'tomorrow'],
    [phrase('heute'), 'today'],
    [phrase('früh(?:er morgen)?'), 'early'],
    [phrase('(?:am )?vormittags?'), 'in the morning'],
    [phrase('(?:am )?nachmittags?'), 'in the afternoon'],
    [phrase('(?:am )?abends?'), 'in the evening'],
    [phrase('(?:über |am |gegen )?mittags?'), 'at midday'],

    [phrase('(?:today )?(?:in|heut in) 8 tagen'), 'in 1 week'],
    [phrase('(?:today )?in 14 tagen'), 'in 2 weeks'],
    [phrase(`${weekday} in (\\d+) wochen?`), '$2 weeks from $1'],
    [phrase(`in (\\d+) wochen? am ${weekday}`), '$1 weeks from $2'],
    [phrase('(?:today )?in (\\d+) tag(?:en)?'), 'in $1 days'],
    [phrase('(?:today )?in (\\d+) wochen?'), 'in $1 weeks'],
    [phrase('in (\\d+) monat(?:en)?'), 'in $1 months'],
    [phrase('in (\\d+) stunden?'), 'in $1 hours'],
    [phrase('in 1 halben stunde'), 'in 30 minutes'],
    [
      phrase('(?:am )?(ende|anfang|mitte) (?:der|dieser|(nächster|kommender)) woche'),
      (_, part = '', next = '') => `${partOfSpan[part] ?? ''} of ${next ? 'next' : 'this'} week`,
    ],
    [phrase('(?:in der )?(?:nächste[rn]?|kommende[rn]?) woche'), 'next week'],
    [phrase('(?:in der )?übernächste[rn]? woche'), 'week after next'],
    [phrase('(?:in )?diese[rn]? woche'), 'this week'],
    [phrase('(?:am )?(?:nächste[sn]?|kommende[sn]?) wochenende'), 'next weekend'],
    [phrase('(?:am |an diesem |dieses )?wochenende'), 'this weekend'],
    [phrase('(?:am )?(?:ende|monatsende) (?:des|dieses) monats|(?:am |zum )?monatsende'), 'end of the month'],
    [phrase('(?:am )?ende (?:des )?nächsten monats'), 'end of next month'],
    [phrase('(?:am )?anfang (?:des )?nächsten monats'), 'beginning of next month'],
    [
      phrase(
        '(?:am )?(ende|anfang|mitte) (januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember)',
      ),
      (_, part = '', month = '') => `${partOfSpan[part] ?? ''} of ${month}`,
    ],
    [phrase('(?:im )?(?:nächsten|kommenden) monat'), 'next month'],
    [
      phrase(
        '(?:so (?:früh|bald|schnell) wie möglich|(?:so )?schnellstmöglich|möglichst bald|baldmöglichst|irgendwann|egal wann)',
      ),
      'earliest',
    ],
    [phrase(`(?:am )?übernächste[nrs]? ${weekday}`), '$1 after next'],
    [phrase(`(?:am )?(?:nächste[nrs]?|kommende[nrs]?) ${weekday}`), 'next $1'],
    [phrase(`(?:am )?(?:letzte[nrs]?|vergangene[nrs]?|vorige[nrs]?) ${weekday}`), 'last $1'],
    [phrase(`(?:an )?diese[nrsm]? ${weekday}`), 'this $1'],
    ...weekdayPhrases,
    ...monthPhrases,
    [phrase('(?:am|der|den|dem|zum) (\\d{1,2})th'), 'the $1th'],
    [phrase('heilig(?:er |e[nm]? )?abend'), '24 december'],
    [phrase('(?:1th )?weihnachts(?:feier)?tag|weihnachten'), '25 december'],
    [phrase('2th 25 december'), '26 december'],
    [phrase('silvester|sylvester'), '31 december'],
    [phrase('neujahr(?:stag)?'), '1 january'],
    [phrase('nikolaus(?:tag)?'), '6 december'],
  ],
};
