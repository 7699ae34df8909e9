import type { Language } from '#language/language.ts';
import { writtenMoment } from '#language/written-moment.ts';
import { spokenGerman } from './spoken-german.ts';
import { understoodGerman } from './understood-german.ts';

export const german: Language = {
  tag: 'de',
  weekdays: ['Montag', 'Dienstag', 'Mittwoch', 'Donnerstag', 'Freitag', 'Samstag', 'Sonntag'],
  months: [
    'Januar',
    'Februar',
    'März',
    'April',
    'Mai',
    'Juni',
    'Juli',
    'August',
    'September',
    'Oktober',
    'November',
    'Dezember',
  ],
  understood: understoodGerman,
  spoken: spokenGerman,
  told: {
    longDate: ({ weekday, day, month, year }) => `${weekday}, ${day}. ${month} ${year}`,
    to: 'bis',
    and: 'und',
    closed: 'geschlossen',
    none: 'keiner',
  },
  texts: {
    moment: writtenMoment,
    answers: { stop: ['STOPP'], start: ['START'], help: ['HILFE'], cancel: ['C'], 'call-back': ['R'] },
  },
};
