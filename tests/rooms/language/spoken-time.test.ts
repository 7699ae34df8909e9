import { describe, expect, test } from 'vitest';
import {
  spokenClock,
  spokenDate,
  spokenDateName,
  spokenList,
  spokenSlotWithDay,
  spokenTimes,
  spokenWeekday,
} from '#language/spoken-time.ts';
import { languages } from '../../languages.ts';

const of = languages.of;

function at(clock: string): Date {
  return new Date(`2026-11-24T${clock}:00Z`);
}

describe.each(languages.all)('in $tag', (language) => {
  test('no minute and no day holds a digit a voice could misread, and no two sound the same', () => {
    const clocks = new Set<string>();
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      const said = spokenClock(new Date(Date.UTC(2026, 10, 24, 0, minute)), 'UTC', language);
      expect(said).toMatch(/^[\p{L} -]+$/u);
      expect(said).not.toMatch(/undefined/);
      clocks.add(said);
    }
    expect(clocks.size).toBe(24 * 60);
    const days = new Set<string>();
    for (let day = 0; day < 366; day += 1) {
      const date = new Date(Date.UTC(2028, 0, 1 + day)).toISOString().slice(0, 10);
      for (const said of [
        spokenDate(date, language, { today: '2028-06-15' }),
        spokenDateName(date, language),
      ]) {
        expect(said).toMatch(/^[\p{L}, -]+$/u);
        expect(said).not.toMatch(/undefined/);
      }
      days.add(spokenDateName(date, language));
    }
    expect(days.size).toBe(366);
  });
});

test.each([
  ['en', '14:30', 'half past two in the afternoon'],
  ['en', '12:00', 'noon'],
  ['en', '09:00', 'nine in the morning'],
  ['en', '17:45', 'a quarter to six in the afternoon'],
  ['en', '12:45', 'a quarter to one in the afternoon'],
  ['en', '09:05', 'nine oh five in the morning'],
  ['en', '19:20', 'seven twenty in the evening'],
  ['es', '14:30', 'a las dos y media de la tarde'],
  ['es', '13:00', 'a la una de la tarde'],
  ['es', '09:15', 'a las nueve y cuarto de la mañana'],
  ['es', '12:00', 'al mediodía'],
  ['es', '16:45', 'a las cuatro y cuarenta y cinco de la tarde'],
  ['es', '20:00', 'a las ocho de la noche'],
  ['de', '14:30', 'um halb drei nachmittags'],
  ['de', '13:00', 'um ein Uhr nachmittags'],
  ['de', '09:15', 'um Viertel nach neun vormittags'],
  ['de', '12:30', 'um halb eins mittags'],
  ['de', '08:20', 'um acht Uhr zwanzig morgens'],
  ['de', '16:45', 'um Viertel vor fünf nachmittags'],
])('in %s %s is "%s"', (language, clock, words) => {
  expect(spokenClock(at(clock), 'UTC', of(language))).toBe(words);
});

test.each([
  ['en', '2026-11-24', 'today, Tuesday the twenty-fourth'],
  ['en', '2026-11-25', 'tomorrow, Wednesday the twenty-fifth'],
  ['en', '2026-12-01', 'Tuesday the first'],
  ['en', '2026-12-31', 'Thursday the thirty-first of December'],
  ['es', '2026-11-24', 'hoy, martes veinticuatro'],
  ['es', '2026-11-25', 'mañana, miércoles veinticinco'],
  ['es', '2026-12-01', 'el martes primero'],
  ['es', '2026-12-31', 'el jueves treinta y uno de diciembre'],
  ['de', '2026-11-24', 'heute, Dienstag, den vierundzwanzigsten'],
  ['de', '2026-11-25', 'morgen, Mittwoch, den fünfundzwanzigsten'],
  ['de', '2026-12-01', 'am Dienstag, dem ersten'],
  ['de', '2026-12-31', 'am Donnerstag, dem einunddreißigsten Dezember'],
  // A language without words of its own is spoken in English, one of a region like its language.
  ['fr', '2026-12-01', 'Tuesday the first'],
  ['es-MX', '2026-12-01', 'el martes primero'],
])('in %s %s is "%s"', (language, date, words) => {
  expect(spokenDate(date, of(language), { today: '2026-11-24' })).toBe(words);
});

test.each([
  ['en', 'the twenty-fifth of November', 'Wednesday'],
  ['es', 'el veinticinco de noviembre', 'miércoles'],
  ['de', 'der fünfundzwanzigste November', 'Mittwoch'],
])('in %s a date and its weekday can be told apart', (language, name, weekday) => {
  expect(spokenDateName('2026-11-25', of(language))).toBe(name);
  expect(spokenWeekday(3, of(language))).toBe(weekday);
});

test.each([
  ['en', 'Tuesday the first at two in the afternoon with Doctor Lee'],
  ['es', 'el martes primero a las dos de la tarde con Doctor Lee'],
  ['de', 'am Dienstag, dem ersten, um zwei Uhr nachmittags bei Doctor Lee'],
])('in %s an appointment is said whole', (language, words) => {
  const slot = { startsAt: new Date('2026-12-01T19:00:00Z'), zone: 'America/New_York' };
  const said = spokenSlotWithDay({ ...slot, practitioner: 'Doctor Lee' }, of(language), {
    today: '2026-11-24',
  });
  expect(said).toBe(words);
});

describe('a list of times', () => {
  const slot = (clock: string, practitioner?: string) => ({ startsAt: at(clock), zone: 'UTC', practitioner });

  test.each([
    ['en', 'nine in the morning, half past ten, one in the afternoon or five'],
    ['es', 'a las nueve de la mañana, a las diez y media, a la una de la tarde o a las cinco'],
    ['de', 'um neun Uhr vormittags, um halb elf, um ein Uhr nachmittags oder um fünf Uhr'],
  ])('in %s says the part of the day where it changes', (language, words) => {
    expect(
      spokenTimes(
        ['09:00', '10:30', '13:00', '17:00'].map((clock) => slot(clock)),
        of(language),
      ),
    ).toBe(words);
  });

  test('names each practitioner where they differ, and one who has all of them once', () => {
    const mixed = [slot('09:00', 'Doctor Lee'), slot('10:00', 'Doctor Patel')];
    expect(spokenTimes(mixed, of('en'))).toBe('nine in the morning with Doctor Lee or ten with Doctor Patel');
    const one = [slot('09:00', 'Doctor Lee'), slot('10:00', 'Doctor Lee')];
    expect(spokenTimes(one, of('en'))).toBe('nine in the morning or ten, all with Doctor Lee');
    expect(spokenTimes(one.slice(1), of('en'))).toBe('ten in the morning with Doctor Lee');
  });

  test('of none is nothing, and Spanish says u before an o', () => {
    expect(spokenTimes([], of('en'))).toBe('');
    expect(spokenList(['siete', 'ocho'], of('es'))).toBe('siete u ocho');
  });
});

test('the hour that comes twice is said as two different ones', () => {
  const [first, second] = ['2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z'].map((instant) =>
    spokenClock(new Date(instant), 'America/New_York', of('en')),
  );
  expect(first).toBe('half past one in the morning before the clocks go back');
  expect(second).toBe('half past one in the morning after the clocks go back');
});
