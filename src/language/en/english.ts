import type { Language } from '#language/language.ts';
import { writtenMoment } from '#language/written-moment.ts';
import { spokenEnglish } from './spoken-english.ts';
import { understoodEnglish } from './understood-english.ts';

export const english: Language = {
  tag: 'en',
  weekdays: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'],
  months: [
    'January',
    'February',
    'March',
    'April',
    'May',
    'June',
    'July',
    'August',
    'September',
    'October',
    'November',
    'December',
  ],
  understood: understoodEnglish,
  spoken: spokenEnglish,
  told: {
    longDate: ({ weekday, day, month, year }) => `${weekday}, ${day} ${month} ${year}`,
    to: 'to',
    and: 'and',
    closed: 'closed',
    none: 'none',
  },
  texts: {
    moment: writtenMoment,
    answers: { stop: ['STOP'], start: ['START'], help: ['HELP'], cancel: ['C'], 'call-back': ['R'] },
  },
};
