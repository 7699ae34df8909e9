import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { expect, test } from 'vitest';
import { addDays, weekdayOf } from '#organization/clinic-clock.ts';

const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const anyDate = fc
  .integer({ min: 0, max: 73_000 })
  .map((days) => Temporal.PlainDate.from('1950-01-01').add({ days }));

test('dates follow each other and fall on weekdays as in the calendar', () => {
  fc.assert(
    fc.property(anyDate, fc.integer({ min: -800, max: 800 }), (date, days) => {
      expect(addDays(`${date}`, days)).toBe(`${date.add({ days })}`);
      expect(weekdayOf(`${date}`)).toBe(weekdays[date.dayOfWeek - 1]);
    }),
    { numRuns: 500 },
  );
});

test.each(['', 'tomorrow', '2026-13-01', '2026-1-1'])('%j is refused with what to write', (text) => {
  expect(() => addDays(text, 1)).toThrow(/2026-11-24/);
});
