/** The demo clinic's callers: what they are told depends on the weekday and on how much of it is left. */
const callers = [
  'tests/e2e/booking-flow.test.ts',
  'tests/e2e/languages.test.ts',
  'tests/e2e/scenarios.test.ts',
  'tests/rooms/conversation/call-start.test.ts',
];

/** Further ones, where the days themselves are unusual. */
const moreCallers = [
  'tests/e2e/calendar-out-of-reach.test.ts',
  'tests/e2e/hang-up.test.ts',
  'tests/e2e/second-call.test.ts',
  'tests/e2e/told-call.test.ts',
];

/**
 * Slots, busy times and promised texts of clinics that are open day and night, in UTC. Every weekday is the same to
 * them; what matters is that the day is nearly over, in UTC.
 */
const slotsInUtc = [
  'tests/rooms/availability/fill-slots.test.ts',
  'tests/rooms/availability/open-slots.test.ts',
  'tests/rooms/booking/calendar-readings.test.ts',
  'tests/rooms/jobs/forget-past-slots.test.ts',
  'tests/rooms/jobs/keep-slots.test.ts',
  'tests/rooms/jobs/texts.test.ts',
];

/** Events on days of the demo clinic's calendar. */
const calendar = 'tests/rooms/jobs/calendar-sync.test.ts';

/** Says Wednesday and tomorrow in a language that there is not. */
const toyLanguage = 'tests/rooms/language/toy-language.test.ts';

/** The clock itself, ahead of the real one and behind it. */
const itself = 'tests/clock/test-clock.test.ts';

/** Another time than the real one, and the suites that run at it. A suite's clock shows it when the suite begins. */
interface OtherTime {
  clock: string;
  suites: string[];
}

/**
 * The times are in New York, where the demo clinic is. The evenings are on both sides of midnight in UTC, where the
 * other test clinics are.
 */
export const times: Record<string, OtherTime> = {
  'monday-at-five': { clock: '2026-12-07T17:00-05:00', suites: [...callers, ...moreCallers, itself] },
  'monday-evening': { clock: '2026-12-07T20:30-05:00', suites: callers },
  'tuesday-evening': { clock: '2026-12-08T18:50-05:00', suites: [...callers, toyLanguage] },
  'wednesday-evening': { clock: '2026-12-09T19:10-05:00', suites: callers },
  'thursday-evening': { clock: '2026-12-10T22:00-05:00', suites: callers },
  'friday-evening': { clock: '2026-12-11T18:50-05:00', suites: [...callers, ...slotsInUtc] },
  'saturday-evening': { clock: '2026-12-12T19:10-05:00', suites: callers },
  'sunday-evening': { clock: '2026-12-13T18:50-05:00', suites: callers },
  'end-of-month': { clock: '2026-09-30T23:59-04:00', suites: callers },
  'end-of-year': { clock: '2026-12-31T23:59-05:00', suites: callers },
  'leap-day': {
    clock: '2028-02-29T18:57-05:00',
    suites: [...callers, 'tests/rooms/availability/fill-slots.test.ts'],
  },
  // A day later the clock shows half past midnight on Monday: Sunday is an hour short.
  'before-the-shorter-day': {
    clock: '2026-03-07T23:30-05:00',
    suites: [...callers, ...moreCallers, calendar, itself],
  },
  // A day later it is still this Sunday, which has half past one twice.
  'on-the-longer-day': {
    clock: '2026-11-01T00:30-04:00',
    suites: [...callers, ...moreCallers, calendar],
  },
  'holiday-eve': { clock: '2026-12-24T16:40-05:00', suites: callers },
};
