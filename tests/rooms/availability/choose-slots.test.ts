import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseSlots } from '#availability/choose-slots.ts';
import type { TimeWish } from '#language/read-time.ts';

interface Slot {
  startsAt: Date;
  practitionerId: string;
}

const midnight = Date.UTC(2026, 10, 24);
const slot = (minute: number, practitionerId = 'lee'): Slot => ({
  startsAt: new Date(midnight + minute * 60_000),
  practitionerId,
});
const minuteOf = ({ startsAt }: Slot) => (startsAt.getTime() - midnight) / 60_000;
/** Nine to six, every half hour. */
const day = (practitionerId?: string) =>
  Array.from({ length: 18 }, (_, index) => slot(540 + index * 30, practitionerId));
const clocks = (slots: Slot[]) => slots.map((one) => one.startsAt.toISOString().slice(11, 16));

function choose(open: Slot[], wish?: TimeWish, max = 5): string[] {
  return clocks(chooseSlots(open, wish, max, minuteOf));
}

describe('of a whole day', () => {
  test('without a wish, times are spread from the first to the last', () => {
    expect(choose(day())).toEqual(['09:00', '11:00', '13:30', '15:30', '17:30']);
  });

  test('near a time, those around it', () => {
    expect(choose(day(), { kind: 'at', fromMinute: 840, toMinute: 840 }, 3)).toEqual([
      '13:30',
      '14:00',
      '14:30',
    ]);
  });

  test('within a stretch, those of the stretch and no other, spread', () => {
    expect(choose(day(), { kind: 'between', fromMinute: 720, toMinute: 1079 }, 4)).toEqual([
      '12:00',
      '14:00',
      '15:30',
      '17:30',
    ]);
    expect(choose(day(), { kind: 'after', fromMinute: 1020, toMinute: 1440 })).toEqual(['17:00', '17:30']);
  });

  test('where a stretch has none, those nearest to it', () => {
    expect(choose(day(), { kind: 'after', fromMinute: 1200, toMinute: 1440 }, 2)).toEqual(['17:00', '17:30']);
  });

  test('different times come before a second practitioner at the same one, and the practitioners take turns', () => {
    const chosen = chooseSlots([...day('lee'), ...day('patel')], undefined, 5, minuteOf);
    expect(new Set(clocks(chosen)).size).toBe(5);
    expect(new Set(chosen.map((one) => one.practitionerId)).size).toBe(2);
    const few = chooseSlots([slot(540, 'lee'), slot(540, 'patel')], undefined, 5, minuteOf);
    expect(few.map((one) => one.practitionerId)).toEqual(['lee', 'patel']);
  });
});

test('whatever is open and wished for, at most five open ones are chosen, in order, each once, the same again', () => {
  const slots = fc.array(fc.tuple(fc.integer({ min: 0, max: 95 }), fc.constantFrom('lee', 'patel', 'kim')), {
    maxLength: 60,
  });
  const wish = fc.option(
    fc.tuple(fc.constantFrom('at', 'after', 'before', 'between'), fc.nat(1440), fc.nat(1440)).map(
      ([kind, a, b]): TimeWish => ({
        kind: kind as TimeWish['kind'],
        fromMinute: Math.min(a, b),
        toMinute: kind === 'at' ? Math.min(a, b) : Math.max(a, b),
      }),
    ),
    { nil: undefined },
  );
  fc.assert(
    fc.property(slots, wish, (given, wanted) => {
      const unique = new Map(given.map(([quarter, who]) => [`${quarter} ${who}`, slot(quarter * 15, who)]));
      const open = [...unique.values()].toSorted((a, b) => a.startsAt.getTime() - b.startsAt.getTime());
      const chosen = chooseSlots(open, wanted, 5, minuteOf);
      expect(chosen.length).toBeLessThanOrEqual(5);
      expect(chosen.length > 0).toBe(open.length > 0);
      expect(chosen.every((one) => open.includes(one))).toBe(true);
      expect(new Set(chosen).size).toBe(chosen.length);
      expect(chosen.map(minuteOf)).toEqual(chosen.map(minuteOf).toSorted((a, b) => a - b));
      expect(chooseSlots(open, wanted, 5, minuteOf)).toEqual(chosen);
      if (wanted === undefined || wanted.kind === 'at') return;
      const inside = (one: Slot) => minuteOf(one) >= wanted.fromMinute && minuteOf(one) <= wanted.toMinute;
      if (chosen.some(inside)) expect(chosen.every(inside)).toBe(true);
    }),
  );
});
