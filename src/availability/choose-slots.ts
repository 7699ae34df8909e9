import type { TimeWish } from '#language/read-time.ts';

interface Choosable {
  startsAt: Date;
  practitionerId: string;
}

/**
 * At most `max` of the open slots, in order of time: near the wish if there is one, spread over the day if not.
 * Different starts come before a second practitioner at the same time. A pure function of its arguments.
 *
 * @param minuteOf minute of the clinic's day a slot starts at
 */
export function chooseSlots<T extends Choosable>(
  open: T[],
  wish: TimeWish | undefined,
  max: number,
  minuteOf: (slot: T) => number,
): T[] {
  const starts = oneOfEachStart(open);
  const pool = starts.length >= max ? starts : open;
  const chosen = wish === undefined ? spread(pool, max) : nearest(pool, wish, max, minuteOf);
  return chosen.toSorted((a, b) => a.startsAt.getTime() - b.startsAt.getTime());
}

/** One slot of each start, the practitioners taking turns so that none is offered always or never. */
function oneOfEachStart<T extends Choosable>(open: T[]): T[] {
  const byStart = Map.groupBy(open, (slot) => slot.startsAt.getTime());
  return [...byStart.values()].flatMap((slots, index) => slots[index % slots.length] ?? []);
}

function spread<T>(slots: T[], max: number): T[] {
  if (slots.length <= max) return slots;
  return Array.from(
    { length: max },
    (_, index) => slots[Math.round((index * (slots.length - 1)) / (max - 1))] as T,
  );
}

function nearest<T extends Choosable>(
  slots: T[],
  wish: TimeWish,
  max: number,
  minuteOf: (slot: T) => number,
): T[] {
  const distance = (slot: T) => {
    const minute = minuteOf(slot);
    return Math.max(wish.fromMinute - minute, minute - wish.toMinute, 0);
  };
  const inside = slots.filter((slot) => distance(slot) === 0);
  // A stretch is kept to and spread over; a point in time, or a stretch without any, is approached from both sides.
  if (inside.length > 0 && wish.kind !== 'at') return spread(inside, max);
  return slots.toSorted((a, b) => distance(a) - distance(b)).slice(0, max);
}
