import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { promptsFolder } from '../../src/config.ts';
import { times } from './times.ts';

const root = join(promptsFolder, '..');

/** These hand over the instant that is now, or days are mere words to them. */
const withoutClock = [
  'tests/rooms/availability/clock-changes.test.ts',
  'tests/rooms/availability/open-hours.test.ts',
  'tests/rooms/commands/call-files.test.ts',
  'tests/rooms/conversation/temporal-context.test.ts',
  'tests/rooms/language/languages.test.ts',
  'tests/rooms/language/read-day.test.ts',
  'tests/rooms/language/spoken-time.test.ts',
  'tests/rooms/model/careless/careless.test.ts',
  'tests/rooms/model/rehearsal/rehearsal-change.test.ts',
  'tests/rooms/model/rehearsal/rehearsal-hold.test.ts',
  'tests/rooms/model/rehearsal/rehearsal.test.ts',
  'tests/rooms/organization/clinic-clock.test.ts',
  'tests/rooms/organization/organization-file.test.ts',
  'tests/rooms/prompts/templates.test.ts',
  'tests/rooms/sockets/relay-history.test.ts',
  'tests/rooms/sockets/retell-wire.test.ts',
  'tests/rooms/tools/resolve-date.test.ts',
  'tests/rooms/vapi/assistant-sync.test.ts',
];

/**
 * These ask for some day to have an open time, or for the instant to measure a length of time from it. Which day it is
 * changes nothing that they look at.
 */
const anyDay = [
  'tests/conformance/doors.test.ts',
  'tests/e2e/calendar.test.ts',
  'tests/e2e/console.test.ts',
  'tests/e2e/edited-prompts.test.ts',
  'tests/e2e/load.test.ts',
  'tests/e2e/lost-offers.test.ts',
  'tests/e2e/mutated-bodies.test.ts',
  'tests/e2e/mutated-staff-bodies.test.ts',
  'tests/e2e/quiet-log.test.ts',
  'tests/e2e/repeated-requests.test.ts',
  'tests/e2e/superseded-elsewhere.test.ts',
  'tests/e2e/texts.test.ts',
  'tests/e2e/told-offers.test.ts',
  'tests/process/lifecycle.test.ts',
  'tests/process/worker.test.ts',
  'tests/rooms/calendar/google.test.ts',
  'tests/rooms/commands/call.test.ts',
  'tests/rooms/commands/organization.test.ts',
  'tests/rooms/commands/prompts.test.ts',
  'tests/rooms/commands/staff.test.ts',
  'tests/rooms/console/api.test.ts',
  'tests/rooms/console/line.test.ts',
  'tests/rooms/conversation/admission.test.ts',
  'tests/rooms/conversation/every-word.test.ts',
  'tests/rooms/conversation/hold-watch.test.ts',
  'tests/rooms/conversation/prompt.test.ts',
  'tests/rooms/conversation/turn-with-a-model.test.ts',
  'tests/rooms/conversation/without-a-model.test.ts',
  'tests/rooms/hooks/twilio-answers.test.ts',
  'tests/rooms/jobs/cut-off.test.ts',
  'tests/rooms/jobs/queue.test.ts',
  'tests/rooms/sockets/limits.test.ts',
  'tests/rooms/sockets/live.test.ts',
  'tests/rooms/sockets/many.test.ts',
  'tests/rooms/sockets/relay.test.ts',
  'tests/rooms/sockets/retell.test.ts',
  'tests/rooms/storage/row-level-security.test.ts',
  'tests/rooms/tools/check-availability.test.ts',
  'tests/rooms/tools/facts.test.ts',
  'tests/rooms/vapi/chat-completions.test.ts',
  'tests/rooms/vapi/events.test.ts',
  'tests/truth/checker.test.ts',
  'tests/torture/checker.test.ts',
];

const aboutDays =
  /\b(mon|tues|wednes|thurs|fri|satur|sun)days?\b|\btomorrow\b|\btoday\b|next week|horizonDays|\breminder\b|new Date\(\)|Date\.now\(\)|localDate|comingDay/i;

describe('which suites run at other times than the real one', () => {
  const files = globSync('tests/**/*.test.ts', { cwd: root }).filter(
    (file) => !file.startsWith('tests/clock/'),
  );
  const atOtherTimes = new Set(
    Object.values(times)
      .flatMap(({ suites }) => suites)
      .filter((file) => !file.startsWith('tests/clock/')),
  );
  const decided = [...atOtherTimes, ...withoutClock, ...anyDay];

  test('is decided for each that mentions days or reads the clock, in times.ts or here', () => {
    const mentioning = files.filter((file) => aboutDays.test(readFileSync(join(root, file), 'utf8')));
    expect(mentioning.filter((file) => !decided.includes(file))).toEqual([]);
  });

  test('is said once of each, and of none that is gone', () => {
    expect(decided.filter((file) => !files.includes(file))).toEqual([]);
    expect(decided.filter((file, index) => decided.indexOf(file) !== index)).toEqual([]);
  });

  test('those without a clock ask for no present instant', () => {
    const present = /new Date\(\)|Date\.now\(\)|startApp|openClinic|startTwoServers|ledger_now/;
    const asking = withoutClock.filter((file) => present.test(readFileSync(join(root, file), 'utf8')));
    expect(asking).toEqual([]);
  });
});
