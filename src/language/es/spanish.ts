import type { Language } from '#language/language.ts';
import { writtenMoment } from '#language/written-moment.ts';
import { spokenSpanish } from './spoken-spanish.ts';
import { understoodSpanish } from './understood-spanish.ts';

export const spanish: Language = {
  tag: 'es',
  weekdays: ['lunes', 'martes', 'miércoles', 'jueves', 'viernes', 'sábado', 'domingo'],
  months: [
    'enero',
    'febrero',
    'marzo',
    'abril',
    'mayo',
    'junio',
    'julio',
    'agosto',
    'septiembre',
    'octubre',
    'noviembre',
    'diciembre',
  ],
  understood: understoodSpanish,
  spoken: spokenSpanish,
  told: {
    longDate: ({ weekday, day, month, year }) => `${weekday}, ${day} de ${month} de ${year}`,
    to: 'a',
    and: 'y',
    closed: 'cerrado',
    none: 'ninguno',
  },
  texts: {
    moment: writtenMoment,
    answers: {
      stop: ['ALTO', 'PARAR'],
      start: ['START'],
      help: ['AYUDA'],
      cancel: ['C'],
      'call-back': ['R'],
    },
  },
};
