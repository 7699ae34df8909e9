import type { PhraseRule, UnderstoodWords } from '#language/language.ts';
import { monthNames, phrase, weekdayNames } from '#language/plain-words.ts';

const upToTwentyNine = [
  ...['uno', 'dos', 'tres', 'cuatro', 'cinco', 'seis', 'siete', 'ocho', 'nueve', 'diez', 'once', 'doce'],
  ...['trece', 'catorce', 'quince', 'diecis[eé]is', 'diecisiete', 'dieciocho', 'diecinueve', 'veinte'],
  ...['veintiuno', 'veintid[oó]s', 'veintitr[eé]s', 'veinticuatro', 'veinticinco', 'veintis[eé]is'],
  ...['veintisiete', 'veintiocho', 'veintinueve'],
].flatMap((word, index) => spellings(word).map((one) => [one, index + 1] as const));

const numbers = new Map<string, number>([
  ...upToTwentyNine,
  ['un', 1],
  ['una', 1],
  ...[30, 40, 50].flatMap((ten, index) => {
    const name = ['treinta', 'cuarenta', 'cincuenta'][index] ?? '';
    const more = upToTwentyNine
      .slice(0, 9)
      .map(([word, value]) => [`${name} y ${word}`, ten + value] as const);
    return [[name, ten] as const, ...more];
  }),
]);

const weekday = '(lunes|martes|mi[eé]rcoles|jueves|viernes|s[aá]bado|domingo)';
const weekdayPhrases = ['lunes', 'martes', 'mi[eé]rcoles', 'jueves', 'viernes', 's[aá]bado', 'domingo'].map(
  (name, index): PhraseRule => [phrase(name), weekdayNames[index] ?? ''],
);
const monthPhrases = [
  ...['enero', 'febrero', 'marzo', 'abril', 'mayo', 'junio', 'julio', 'agosto', 'sep?tiembre', 'octubre'],
  ...['noviembre', 'diciembre'],
].map((name, index): PhraseRule => [phrase(name), monthNames[index] ?? '']);

export const understoodSpanish: UnderstoodWords = {
  dayFirst: () => true,
  numbers,
  ordinals: new Map([['primero', 1]]),
  phrases: [
    // The time of day first: "mañana por la mañana" is tomorrow in the morning.
    [phrase('a (?:la )?primera hora(?: de la mañana)?'), 'first thing'],
    [phrase('a (?:la )?[uú]ltima hora(?: de la tarde)?'), 'end of the day'],
    [phrase('(?:muy )?temprano'), 'early'],
    [phrase('(?:por|de|en|a) la mañana(?! por)'), 'in the morning'],
    [phrase('(?:por|de|en|a) la tarde'), 'in the afternoon'],
    [phrase('(?:por|de|en|a) la noche'), 'in the evening'],
    [
      phrase('(?:(?:despu[eé]s|luego) de (?:comer|la comida|almorzar)|despu[eé]s del almuerzo)'),
      'after lunch',
    ],
    [
      phrase('(?:a|al|antes del?|hacia el) (?:mediod[ií]a|medio d[ií]a|almuerzo|la hora de comer)'),
      'at midday',
    ],
    [phrase('(?:entre|de) las? (\\d+) (?:y|a) las? (\\d+)'), 'between $1 and $2'],
    [phrase('(\\d+) y media'), '$1:30'],
    [phrase('(\\d+) y cuarto'), '$1:15'],
    [phrase('(\\d+) y (\\d+)(?! de)'), (_, hour = '', minute = '') => `${hour}:${minute.padStart(2, '0')}`],
    [phrase('(\\d+) menos cuarto'), (_, hour = '') => `${(Number(hour) + 11) % 12 || 12}:45`],
    [phrase('(?:a las|a la|sobre las?|hacia las?|a eso de las?) (\\d+)'), 'at $1'],
    [phrase('(?:despu[eé]s de|pasadas?|m[aá]s tarde de) las? (\\d+)'), 'after $1'],
    [phrase('(?:a partir de|desde) las? (\\d+)'), 'from $1'],
    [phrase('(?:antes de) las? (\\d+)'), 'before $1'],
    [phrase('(\\d+) (?:horas|en punto)'), "$1 o'clock"],

    [phrase('(?:pasado mañana|(?:el )?d[ií]a despu[eé]s de mañana)'), 'in 2 days'],
    [phrase('de aqu[ií] a (\\d)'), 'en $1'],
    [phrase('(?:a )?(?:final|finales|fines) de (?:la |esta )?semana(?! que viene)'), 'end of this week'],
    [
      phrase('(?:a )?(?:principios|comienzos) de la (?:semana que viene|pr[oó]xima semana)'),
      'beginning of next week',
    ],
    [phrase('(?:anteayer|antes de ayer)'), '2 days ago'],
    [phrase('mañana'), 'tomorrow'],
    [phrase('hoy'), 'today'],
    [phrase('esta tarde'), 'today in the afternoon'],
    [phrase('esta noche'), 'today in the evening'],
    [phrase('ayer'), 'yesterday'],
    [phrase('(?:today en|de today en|en|dentro de) 8(?: d[ií]as)?'), 'in 1 week'],
    [phrase('(?:today en|de today en|en|dentro de) 15(?: d[ií]as)?'), 'in 2 weeks'],
    [phrase(`(?:el )?${weekday} en (?:8|1 semana)(?: d[ií]as)?`), '1 week from $1'],
    [phrase(`(?:el )?${weekday} en 15(?: d[ií]as)?`), '2 weeks from $1'],
    [phrase('(?:en|dentro de) (\\d+) d[ií]as?'), 'in $1 days'],
    [phrase('(?:en|dentro de) (\\d+) semanas?'), 'in $1 weeks'],
    [phrase('(?:en|dentro de) (\\d+) mes(?:es)?'), 'in $1 months'],
    [phrase('(?:en|dentro de) (\\d+) horas?'), 'in $1 hours'],
    [phrase('(?:en|dentro de) media hora'), 'in 30 minutes'],
    [
      phrase('(?:la semana que viene|la pr[oó]xima semana|la semana pr[oó]xima|la siguiente semana)'),
      'next week',
    ],
    [phrase('esta semana'), 'this week'],
    [phrase('(?:el )?(?:pr[oó]ximo fin de semana|fin de semana que viene)'), 'next weekend'],
    [phrase('(?:(?:este|el) )?fin de semana'), 'this weekend'],
    [
      phrase('(?:a )?(?:fin|fines|finales) de(?:l| este)? mes(?: que viene)?'),
      (match) => (match.endsWith('viene') ? 'end of next month' : 'end of the month'),
    ],
    [
      phrase('(?:a )?(?:principios|comienzos) de(?:l)? (?:pr[oó]ximo mes|mes que viene)'),
      'beginning of next month',
    ],
    [phrase('(?:el )?(?:mes que viene|pr[oó]ximo mes)'), 'next month'],
    [
      phrase(
        '(?:lo antes posible|cuanto antes|lo m[aá]s pronto posible|en cuanto (?:se )?pueda|cualquier d[ií]a|cuando sea)',
      ),
      'earliest',
    ],
    [phrase(`(?:el )?${weekday} (?:que viene|pr[oó]ximo|siguiente)`), 'next $1'],
    [phrase(`(?:el )?(?:pr[oó]ximo|siguiente) ${weekday}`), 'next $1'],
    [phrase(`(?:el )?${weekday} pasado`), 'last $1'],
    [phrase(`este ${weekday}`), 'this $1'],
    ...weekdayPhrases,
    ...monthPhrases,
    [
      phrase('(\\d{1,2})(?:th)? de(?:l)? <month>(?: de(?:l)? (\\d{4}))?'),
      (_, day = '', month = '', year = '') => `${day} ${month} ${year ?? ''}`,
    ],
    // A time would be "a las 3".
    [
      phrase("<weekday> (\\d{1,2})(?! (?:<month>|in the|o'clock))(?!:)"),
      (_, day = '', number = '') => `${day} the ${number}th`,
    ],
    [phrase('(?:el )?d[ií]a (\\d{1,2})'), 'the $1th'],
    [phrase('el (\\d{1,2})th'), 'the $1th'],
    [
      phrase(
        'el (\\d{1,2})(?! (?:january|february|march|april|may|june|july|august|september|october|november|december))',
      ),
      'the $1th',
    ],
    [phrase('nochebuena'), '24 december'],
    [phrase('(?:el )?(?:d[ií]a de )?navidad'), '25 december'],
    [phrase('(?:nochevieja|fin de año)'), '31 december'],
    [phrase('(?:el )?(?:d[ií]a de )?año nuevo'), '1 january'],
    [phrase('(?:el )?(?:d[ií]a de )?(?:los )?reyes(?: magos)?'), '6 january'],
  ],
};

/** A word with and without its accent: transcribers are of two minds. */
function spellings(word: string): string[] {
  const [plain, accented] = /\[(.)(.)\]/.exec(word)?.slice(1) ?? [];
  if (plain === undefined || accented === undefined) return [word];
  return [plain, accented].map((letter) => word.replace(/\[..\]/, letter));
}
