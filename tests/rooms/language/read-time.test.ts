import { describe, expect, test } from 'vitest';
import { resolveTime } from '#tools/resolve-date.ts';
import { languages } from '../../languages.ts';

describe('a time', () => {
  test.each([
    ['en', '3 pm', 'at', 900, 900],
    ['en', '15:00', 'at', 900, 900],
    ['en', 'three', 'at', 900, 900],
    ['en', 'half past two', 'at', 870, 870],
    ['en', 'a quarter to ten', 'at', 585, 585],
    ['en', 'quarter past nine in the morning', 'at', 555, 555],
    ['en', 'ten to four', 'at', 950, 950],
    ['en', 'two thirty', 'at', 870, 870],
    ['en', 'nine oh five', 'at', 545, 545],
    ['en', 'noon', 'at', 720, 720],
    ['en', 'twelve thirty', 'at', 750, 750],
    ['en', 'around 10 a.m.', 'at', 600, 600],
    ['en', 'after lunch', 'between', 780, 1020],
    ['en', 'before noon', 'between', 0, 719],
    ['en', 'in the afternoon', 'between', 720, 1079],
    ['en', 'first thing', 'between', 0, 600],
    ['en', 'late afternoon', 'between', 960, 1110],
    ['en', 'after four', 'after', 960, 1440],
    ['en', 'not before 10', 'after', 600, 1440],
    ['en', 'before eleven', 'before', 0, 659],
    ['en', 'between two and four', 'between', 840, 960],
    ['de', 'halb drei', 'at', 870, 870],
    ['de', 'viertel nach neun', 'at', 555, 555],
    ['de', 'viertel vor drei', 'at', 885, 885],
    ['de', '14 Uhr 30', 'at', 870, 870],
    ['de', 'um fünfzehn Uhr', 'at', 900, 900],
    ['de', 'vormittags', 'between', 0, 719],
    ['de', 'nachmittags', 'between', 720, 1079],
    ['de', 'nach dem Mittagessen', 'between', 780, 1020],
    ['de', 'nach vier', 'after', 960, 1440],
    ['de', 'ab zehn Uhr', 'after', 600, 1440],
    ['de', 'mittags', 'between', 690, 810],
    ['de', 'zwischen zwei und vier Uhr', 'between', 840, 960],
    ['de', 'um neun am Freitag', 'at', 540, 540],
    ['es', 'entre las dos y las cuatro', 'between', 840, 960],
    ['es', 'a las dos y media', 'at', 870, 870],
    ['es', 'a las tres menos cuarto', 'at', 885, 885],
    ['es', 'a las nueve y cuarto de la mañana', 'at', 555, 555],
    ['es', 'a la una', 'at', 780, 780],
    ['es', 'por la tarde', 'between', 720, 1079],
    ['es', 'después de comer', 'between', 780, 1020],
    ['es', 'después de las cuatro', 'after', 960, 1440],
    ['es', 'a primera hora', 'between', 0, 600],
    ['es', 'al mediodía', 'between', 690, 810],
  ] as const)('said in %s as "%s" is %s', (language, time, ...wish) => {
    const [kind, fromMinute, toMinute] = wish;
    expect(resolveTime({ time, language, languages })).toEqual({
      ok: true,
      wish: { kind, fromMinute, toMinute },
    });
  });

  test('without a half of the day is when there is somebody', () => {
    const at = (from: string, to: string) =>
      resolveTime({ time: 'at seven', language: 'en', languages, hours: [{ from, to }] });
    expect(at('07:00', '15:00')).toMatchObject({ wish: { fromMinute: 420 } });
    expect(at('12:00', '20:00')).toMatchObject({ wish: { fromMinute: 1140 } });
  });

  test('that says nothing is no wish, and one that cannot be understood says so', () => {
    expect(resolveTime({ time: '', language: 'en', languages })).toEqual({ ok: true });
    expect(resolveTime({ time: 'whatever', language: 'en', languages })).toEqual({
      ok: false,
      reason: 'unclear',
    });
  });
});
