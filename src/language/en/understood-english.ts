import type { UnderstoodWords } from '#language/language.ts';
import { phrase } from '#language/plain-words.ts';

const units = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const teens = [
  ...['ten', 'eleven', 'twelve', 'thirteen', 'fourteen', 'fifteen', 'sixteen', 'seventeen', 'eighteen'],
  'nineteen',
];
const tens = ['twenty', 'thirty', 'forty', 'fifty'];
const ordinalUnits = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth'];
const ordinalTeens = [
  ...['tenth', 'eleventh', 'twelfth', 'thirteenth', 'fourteenth', 'fifteenth', 'sixteenth', 'seventeenth'],
  ...['eighteenth', 'nineteenth'],
];

const numbers = new Map<string, number>([
  ...[...units, ...teens].map((word, index) => [word, index + 1] as const),
  ...tens.flatMap((ten, index) => [
    [ten, (index + 2) * 10] as const,
    ...units.flatMap((unit, more) =>
      [' ', '-'].map((between) => [`${ten}${between}${unit}`, (index + 2) * 10 + more + 1] as const),
    ),
  ]),
]);

/** "first" and "second" mean other things too; the phrases read them where a day is certain to be meant. */
const ordinals = new Map<string, number>([
  ...[...ordinalUnits, ...ordinalTeens].map((word, index) => [word, index + 1] as const).slice(2),
  ['twentieth', 20],
  ['thirtieth', 30],
  ...['twenty', 'thirty'].flatMap((ten, index) =>
    ordinalUnits.flatMap((unit, more) =>
      [' ', '-'].map((between) => [`${ten}${between}${unit}`, (index + 2) * 10 + more + 1] as const),
    ),
  ),
]);

const notADay = '(?! (?:available|free|open|one|thing|slot|time|appointment|opening|half|week))';

export const understoodEnglish: UnderstoodWords = {
  // Of those who speak English, the Americans alone put the month first.
  dayFirst: (region) => region !== '' && region !== 'us',
  numbers,
  ordinals,
  phrases: [
    [phrase(`(the |<month> )first${notADay}`), (_, before = '') => `${before}1th`],
    [phrase(`(the |<month> )second${notADay}`), (_, before = '') => `${before}2th`],
    [/(\d)(?:st|nd|rd)\b/g, '$1th'],
    [phrase('oh (\\d+)'), '0$1'],
    // A model's own abbreviations.
    [phrase('mon'), 'monday'],
    [phrase('tues?'), 'tuesday'],
    [phrase('weds?'), 'wednesday'],
    [phrase('thu(?:rs?)?'), 'thursday'],
    [phrase('fri'), 'friday'],
    [phrase('sat'), 'saturday'],
    [phrase('sun'), 'sunday'],
    [phrase('jan'), 'january'],
    [phrase('feb'), 'february'],
    [phrase('mar'), 'march'],
    [phrase('apr'), 'april'],
    [phrase('jun'), 'june'],
    [phrase('jul'), 'july'],
    [phrase('aug'), 'august'],
    [phrase('sept?'), 'september'],
    [phrase('oct'), 'october'],
    [phrase('nov'), 'november'],
    [phrase('dec'), 'december'],
    [phrase('(?:the )?day after tomorrow'), 'in 2 days'],
    [phrase('(?:the )?day before yesterday'), '2 days ago'],
    [phrase('half an hour'), '30 minutes'],
    [phrase('an? (week|day|month|hour)'), '1 $1'],
    [phrase('(?:a )?couple of (weeks|days)'), '2 $1'],
    [phrase('(?:in )?(?:an?|1) fortnight(?: from (?:now|today))?'), 'in 2 weeks'],
    [phrase('(\\d+) (days?|weeks?|months?) (?:from|after) (?:today|now)'), 'in $1 $2'],
    [phrase('(?:today|tomorrow) week'), (match) => (match.startsWith('today') ? 'in 1 week' : 'in 8 days')],
    [phrase('1 week (?:from|after) tomorrow'), 'in 8 days'],
    [phrase('2 weeks (?:from|after) tomorrow'), 'in 15 days'],
    [phrase('1 weeks? (today|tomorrow)'), (_, day) => (day === 'today' ? 'in 1 week' : 'in 8 days')],
    [phrase('2 weeks? (today|tomorrow)'), (_, day) => (day === 'today' ? 'in 2 weeks' : 'in 15 days')],
    [phrase('(?:this time|(?:the )?same (?:day|time)) next week'), 'in 1 week'],
    [phrase('(?:coming|upcoming|following)'), 'next'],
    [phrase('early (?:in )?((?:this|next) (?:week|month)|<month>)'), 'beginning of $1'],
    [phrase('late (?:in )?((?:this|next) (?:week|month)|<month>)'), 'end of $1'],
    [phrase('(?:christmas|xmas) eve'), '24 december'],
    [phrase('(?:christmas|xmas)(?: day)?'), '25 december'],
    [phrase('boxing day'), '26 december'],
    [phrase("new year'?s? eve"), '31 december'],
    [phrase("new year'?s?(?: day)?"), '1 january'],
    [phrase('halloween'), '31 october'],
    [phrase("valentine'?s?(?: day)?"), '14 february'],
    [
      phrase(
        '(?:as soon as possible|asap|right away|(?:the )?(?:soonest|earliest|first|next) (?:available|free|possible|open)?(?: ?(?:day|date|slot|time|appointment|opening))|(?:the )?(?:soonest|earliest)|(?:first|next) available|any ?day|any ?time|whenever(?: you (?:can|like))?)',
      ),
      'earliest',
    ],
    [phrase('tonight'), 'today in the evening'],
    [phrase('this (morning|afternoon|evening)'), 'today in the $1'],
    [phrase('(tomorrow|<weekday>) (morning|afternoon|evening|night)'), '$1 in the $3'],
  ],
};
