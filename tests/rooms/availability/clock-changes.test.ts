import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openHoursOn, slotsOf } from '#availability/open-hours.ts';

// Every zone of the runtime, every day of five years on which its clock is put forward or back. What is right is found
// out a second way: minute by minute, by asking the runtime's own Intl what the clock on the wall shows.

const years = { from: Date.UTC(2026, 0, 1), to: Date.UTC(2031, 0, 1) };
const quarterMs = 15 * 60_000;
const dayMs = 86_400_000;

interface Clock {
  /** `2026-11-01 01:30`. */
  shows(ms: number): string;
  offsetMinutes(ms: number): number;
}

function clockIn(zone: string): Clock {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'short',
    hourCycle: 'h23',
  });
  const shows = (ms: number) => format.format(ms);
  return {
    shows,
    offsetMinutes: (ms) => Math.round((Date.parse(`${shows(ms).replace(' ', 'T')}:00Z`) - ms) / 60_000),
  };
}

/** The instants at which a zone's clock is changed: a fortnight without one has the same difference at both ends. */
function changesOf(clock: Clock): number[] {
  const stepMs = 14 * dayMs;
  const changes: number[] = [];
  for (let ms = years.from; ms < years.to; ms += stepMs) {
    let [before, after] = [ms, ms + stepMs];
    if (clock.offsetMinutes(before) === clock.offsetMinutes(after)) continue;
    while (after - before > 60_000) {
      const middle = before + Math.floor((after - before) / 120_000) * 60_000;
      if (clock.offsetMinutes(middle) === clock.offsetMinutes(before)) before = middle;
      else after = middle;
    }
    changes.push(after);
  }
  return changes;
}

const stretches = [
  // The whole night, a stretch that begins and one that ends within what is left out or repeated, mornings, afternoons.
  [{ from: '00:00', to: '24:00' }],
  [
    { from: '00:00', to: '01:30' },
    { from: '02:30', to: '04:00' },
  ],
  [
    { from: '09:00', to: '12:00' },
    { from: '13:15', to: '18:00' },
  ],
  [{ from: '12:30', to: '24:00' }],
];

const zones = Intl.supportedValuesOf('timeZone');
const covered = { zones: 0, days: 0, gaps: 0, repeated: 0, slots: 0 };

test.each(zones)('the slots of %s lie in the hours on every day its clock is changed', (zone) => {
  const clock = clockIn(zone);
  const changes = changesOf(clock);
  // A zone that has no change is tried on two days of its own.
  const instants = changes.length > 0 ? changes : [Date.UTC(2026, 2, 8, 12), Date.UTC(2028, 1, 29, 12)];
  const dates = new Set(instants.flatMap((ms) => [ms - 1, ms].map((at) => clock.shows(at).slice(0, 10))));
  covered.zones += 1;
  for (const date of dates) {
    covered.days += 1;
    const quarters = quartersOf(clock, date);
    for (const hours of stretches) {
      const open = quarters.filter(({ shows }) => hours.some(({ from, to }) => from <= shows && shows < to));
      const slotsAre = (slotMinutes: number) =>
        slotsOf(
          { zone, hoursOn: () => hours, slotMinutes, gridMinutes: slotMinutes },
          { from: date, to: date },
        );

      // Every open quarter of an hour, as often as the clock shows it and no other, is a slot.
      const slots = slotsAre(15);
      expect(slots.map(({ startsAt }) => startsAt.getTime())).toEqual(open.map(({ ms }) => ms));
      covered.slots += slots.length;

      // Longer ones follow each other from each opening, in real time, as long as one fits; a change of clocks that
      // leaves no gap in what is open is no new opening.
      const longer = slotsAre(45);
      expect(longer.map(({ startsAt }) => startsAt.getTime())).toEqual(
        stretchesOf(open.map(({ ms }) => ms)).flatMap(([fromMs, toMs]) =>
          Array.from(
            { length: Math.floor((toMs - fromMs) / (45 * 60_000)) },
            (_, n) => fromMs + n * 45 * 60_000,
          ),
        ),
      );
      for (const { startsAt, endsAt } of longer)
        expect(endsAt.getTime() - startsAt.getTime()).toBe(45 * 60_000);
      // The day's first start is the opening by the clock on the wall, before noon and after, unless it is left out.
      const [first] = slots;
      const opening = hours[0]?.from ?? '';
      if (first !== undefined && quarters.some(({ shows }) => shows === opening)) {
        expect(clock.shows(first.startsAt.getTime())).toBe(`${date} ${opening}`);
      }
    }
    const times = quarters.map(({ shows }) => shows);
    covered.repeated += times.length - new Set(times).size;
    covered.gaps += 96 - new Set(times).size;
  }
});

test('that was every zone, with gaps, repeated hours and changes by half an hour', () => {
  expect(covered.zones).toBe(zones.length);
  expect(covered.days).toBeGreaterThan(1_500);
  expect(covered.gaps).toBeGreaterThan(1_000);
  expect(covered.repeated).toBeGreaterThan(1_000);
});

/** Quarters that follow each other, as stretches of real time. */
function stretchesOf(quarters: number[]): [fromMs: number, toMs: number][] {
  const found: [number, number][] = [];
  for (const ms of quarters) {
    const last = found.at(-1);
    if (last?.[1] === ms) last[1] += quarterMs;
    else found.push([ms, ms + quarterMs]);
  }
  return found;
}

/** The quarters of an hour whose clock shows a date, in order of real time, with what it shows. */
function quartersOf(clock: Clock, date: string): { ms: number; shows: string }[] {
  const noon = Date.parse(`${date}T12:00:00Z`);
  const quarters: { ms: number; shows: string }[] = [];
  for (let ms = noon - 30 * 3_600_000; ms < noon + 30 * 3_600_000; ms += quarterMs) {
    const [day, shows = ''] = clock.shows(ms).split(' ');
    if (day === date) quarters.push({ ms, shows });
  }
  return quarters;
}

test.each([
  // Half an hour forward at two; an hour at a quarter to three; at midnight, so that the day begins at one.
  ['Australia/Lord_Howe', '2026-10-04', ['01:30', '01:45', '02:30', '02:45']],
  ['Pacific/Chatham', '2026-09-27', ['02:15', '02:30', '03:45', '04:00']],
  ['America/Santiago', '2026-09-06', ['01:00', '01:15']],
  ['America/New_York', '2026-03-08', ['01:45', '03:00']],
  // Back: an hour comes twice, or half an hour.
  [
    'America/New_York',
    '2026-11-01',
    ['00:45', '01:00', '01:15', '01:30', '01:45', '01:00', '01:15', '01:30', '01:45', '02:00'],
  ],
  ['Australia/Lord_Howe', '2026-04-05', ['01:30', '01:45', '01:30', '01:45', '02:00']],
])(
  'in %s on %s a slot that is left out does not exist, and a repeated one is two: %j',
  (zone, date, expected) => {
    const clock = clockIn(zone);
    const hoursOn = () => [{ from: '00:00', to: '24:00' }];
    const slots = slotsOf({ zone, hoursOn, slotMinutes: 15, gridMinutes: 15 }, { from: date, to: date });
    const starts = slots.map(({ startsAt }) => clock.shows(startsAt.getTime()).slice(11));
    const begin = starts.indexOf(expected[0] ?? '');
    expect(starts.slice(begin, begin + expected.length)).toEqual(expected);
    if (expected[0] === '01:00') expect(begin).toBe(0);
  },
);

test('whatever the hours, lengths and grid, slots lie within them and last as long as they say', () => {
  const quarter = fc.integer({ min: 0, max: 96 });
  const hours = fc.array(fc.tuple(quarter, quarter), { minLength: 1, maxLength: 3 });
  const minutes = fc.integer({ min: 1, max: 8 }).map((quarters) => quarters * 15);
  const changing = zones.map((zone) => ({ zone, changes: changesOf(clockIn(zone)) }));
  const changes = changing.flatMap(({ zone, changes }) => changes.map((ms) => ({ zone, ms })));
  fc.assert(
    fc.property(fc.constantFrom(...changes), hours, minutes, minutes, ({ zone, ms }, given, length, grid) => {
      const clock = clockIn(zone);
      const date = clock.shows(ms).slice(0, 10);
      const stretches = given.map(([from, to]) => ({ from: clockText(from), to: clockText(to) }));
      const tidied = openHoursOn({ ...noHours, specialDays: [{ date, open: stretches }] }, date);
      const openMs = quartersOf(clock, date)
        .filter(({ shows }) => stretches.some(({ from, to }) => from <= shows && shows < to))
        .map((quarter) => quarter.ms);
      const timetable = { zone, hoursOn: () => tidied, slotMinutes: length, gridMinutes: grid };
      const slots = slotsOf(timetable, { from: date, to: date });
      for (const { startsAt, endsAt } of slots) {
        expect(endsAt.getTime() - startsAt.getTime()).toBe(length * 60_000);
        for (let at = startsAt.getTime(); at < endsAt.getTime(); at += quarterMs)
          expect(openMs).toContain(at);
      }
      const starts = slots.map(({ startsAt }) => startsAt.getTime());
      expect(starts).toEqual([...new Set(starts)].toSorted((a, b) => a - b));
      for (const [index, start] of starts.entries()) {
        const before = starts[index - 1];
        if (before !== undefined)
          expect(start - before).toBeGreaterThanOrEqual(Math.min(grid, length) * 60_000);
      }
    }),
    { numRuns: 300 },
  );
});

const noHours = {
  weekly: {},
  slotMinutes: 30,
  gridMinutes: 30,
  bufferMinutes: 0,
  minimumNoticeMinutes: 0,
  horizonDays: 21,
};

function clockText(quarter: number): string {
  return `${String(Math.floor(quarter / 4)).padStart(2, '0')}:${String((quarter % 4) * 15).padStart(2, '0')}`;
}
