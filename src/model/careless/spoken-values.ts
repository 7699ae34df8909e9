import { Temporal } from 'temporal-polyfill';
import type { Dice } from './dice.ts';
import { carelessWords, type ValueWords } from './value-words.ts';

/** How a cheap model says a day, a time, a number: one of several ways, in letters or, carelessly, in figures. */
export interface ValueSpeech {
  day(date: string): string;
  clock(minute: number): string;
  phone(number: string): string;
}

export function valueSpeech(language: string, dice: Dice, figures: boolean): ValueSpeech {
  const words = carelessWords[language] ?? carelessWords.en;
  return {
    day(date) {
      const { year, month, day, dayOfWeek } = Temporal.PlainDate.from(date);
      const said = {
        year,
        month,
        day,
        weekday: words.weekdays[dayOfWeek - 1] ?? '',
        monthName: words.months[month - 1] ?? '',
      };
      return dice.pick(figures ? words.dayInFigures(said) : words.dayInLetters(said));
    },
    clock(minute) {
      const said = { hour: Math.floor(minute / 60), minute: minute % 60 };
      return dice.pick(figures ? words.clockInFigures(said) : words.clockInLetters(said));
    },
    phone: (number) => (figures ? inGroups(number) : digitByDigit(number, words)),
  };
}

function inGroups(number: string): string {
  const [, area, first, last] = /(\d{3})(\d{3})(\d{4})$/.exec(number) ?? [];
  return area === undefined ? number : `${area}-${first}-${last}`;
}

/** The last seven, as one dictates a number in town. */
export function digitByDigit(number: string, words: Pick<ValueWords, 'numbers'>): string {
  const digits = number.replace(/\D/g, '').slice(-7);
  return [...digits].map((digit) => words.numbers[Number(digit)]).join(' ');
}
