import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOpenSlots } from '#availability/open-slots.ts';
import { fillSlots } from '#availability/slot-upkeep.ts';
import { beginTurn } from '#booking/calls.ts';
import { openDirectory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';
import { openPrompts } from '#prompts/templates.ts';
import { inTenant } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { createToolbox, type Toolbox } from '#tools/toolbox.ts';
import { promptsFolder } from '../../../src/config.ts';
import { type Clinic, openClinic } from '../../clinic.ts';
import { languages } from '../../languages.ts';

const log = createLog({ level: 'silent', pretty: false });
/** A Tuesday, ten in the morning in New York, far enough ahead that the ledger's own clock does not matter. */
const now = new Date('2030-01-08T15:00:00Z');
const day = [{ from: '09:00', to: '17:00' }];
const weekly = { monday: day, tuesday: day, wednesday: day, thursday: day, friday: day };
const stack = new AsyncDisposableStack();

let clinic: Clinic;
let organization: Organization;
let toolbox: Toolbox;

beforeAll(async () => {
  const settings = { zone: 'America/New_York', languages: ['en', 'es', 'de'] };
  clinic = stack.use(
    await openClinic({
      schedule: { weekly, horizonDays: 14, specialDays: [{ date: '2030-01-10', open: [] }] },
      settings,
      practitioners: ['lee', 'patel'],
    }),
  );
  const { sql, store } = clinic;
  await inTenant(
    sql,
    clinic.organization.id,
    (tx) => tx`
      update practitioners set weekly = ${tx.json({ tuesday: day, friday: day } as never)} where key = 'patel'`,
  );
  const directory = stack.use(await openDirectory({ sql, log }));
  organization = directory.named('clinic') ?? clinic.organization;
  await fillSlots(sql, organization, now);
  const prompts = stack.use(await openPrompts({ folder: promptsFolder, log }));
  const openSlots = stack.use(createOpenSlots({ sql, store }));
  toolbox = createToolbox({ sql, openSlots, prompts, texting: false });
});

afterAll(() => stack.disposeAsync());

async function check(args: object, { language = 'en', at = now } = {}) {
  const call = await clinic.call();
  const facts = await beginTurn(clinic.sql, call, { caller: null, userTurns: 1, requestedAt: null });
  if (facts === undefined) throw new Error('the turn did not begin');
  const about = { organization, call, facts, now: at, language, languages, userTurns: 1, turn: facts.turn };
  const { result, speech, settled } = await toolbox.run('check_availability', args, about);
  await settled;
  const slots = (result['slots'] ?? result['nearest']) as { startsAt: string; practitioner: string }[];
  return { result, speech, starts: slots.map(({ startsAt }) => startsAt), slots };
}

test('a day is offered with at most five times, in the clinic’s own time, in words, with who it is', async () => {
  const { result, speech, starts } = await check({ date: 'next Tuesday' });
  expect(result).toMatchObject({ success: true, date: '2030-01-15' });
  expect(starts.length).toBeGreaterThan(2);
  expect(starts.length).toBeLessThanOrEqual(5);
  expect(starts.every((one) => /^2030-01-15T(09|1[0-6]):[03]0:00-05:00$/.test(one))).toBe(true);
  expect(speech).toMatch(/^For Tuesday the fifteenth, I have nine in the morning with Doctor lee/);
  expect(speech).not.toMatch(/\d/);
});

test('near the wish, read by the clinic’s hours and in the caller’s language', async () => {
  expect((await check({ date: 'Friday', time: 'at four' })).starts).toContain('2030-01-11T16:00:00-05:00');
  const spanish = await check({ date: 'el viernes por la tarde' }, { language: 'es' });
  expect(spanish.starts.every((one) => one.slice(11, 13) >= '12')).toBe(true);
  expect(spanish.speech).toMatch(/el viernes once: a las doce|el viernes once: al mediodía/);
  const german = await check({ date: 'Freitag um halb drei' }, { language: 'de' });
  expect(german.starts).toContain('2030-01-11T14:30:00-05:00');
  expect(german.speech).toMatch(/am Freitag, dem elften.*um halb drei/);
});

test('after hours it says what can be booked', async () => {
  const evening = new Date('2030-01-09T00:30:00Z');
  expect((await check({ date: 'tomorrow' }, { at: evening })).speech).toMatch(
    /^I can book you for tomorrow, Wednesday the ninth: /,
  );
  expect((await check({ date: 'tomorrow' })).speech).toMatch(/^For tomorrow, Wednesday the ninth, I have /);
});

describe('a day that cannot be', () => {
  test.each([
    [
      'en',
      'the 10th',
      'closed',
      /^We are closed Thursday the tenth\. The nearest times are Friday the eleventh: /,
    ],
    [
      'en',
      'yesterday',
      'past',
      /^That day is already over\. The nearest times are today, Tuesday the eighth: /,
    ],
    ['en', 'March 3', 'beyond_horizon', /^I cannot book that far ahead yet\. The nearest times are today/],
    ['es', 'el diez', 'closed', /^Cerramos el jueves diez\. .* el viernes once: a las nueve de la mañana/],
    [
      'de',
      'am zehnten',
      'closed',
      /^Wir haben am Donnerstag, dem zehnten, geschlossen\. .*am Freitag, dem elften/,
    ],
  ])('in %s "%s" is %s and comes with the nearest open times', async (language, date, ...expected) => {
    const [reason, sentence] = expected;
    const { result, speech, starts } = await check({ date }, { language });
    expect(result).toMatchObject({ success: false, reason });
    expect(starts.length).toBeGreaterThan(0);
    expect(speech).toMatch(sentence);
    expect(speech).not.toMatch(/\d|undefined|null/);
  });

  test.each([
    [
      'en',
      'Monday the 9th',
      /the ninth of January is a Wednesday, not a Monday\. .*tomorrow, Wednesday the ninth, or Monday the fourteenth\?$/,
    ],
    [
      'es',
      'el lunes 9',
      /el nueve de enero es miércoles, no lunes\. .*mañana, miércoles nueve, o el lunes catorce\?$/,
    ],
    [
      'de',
      'Montag, den 9.',
      /der neunte Januar ist ein Mittwoch, kein Montag\. .*morgen, Mittwoch, den neunten, oder am Montag, dem vierzehnten\?$/,
    ],
  ])('in %s "%s" is asked about, with the two days it may have been', async (language, date, sentence) => {
    const { result, speech } = await check({ date }, { language });
    expect(result).toEqual({ success: false, reason: 'mismatch', nearest: [] });
    expect(speech).toMatch(sentence);
  });

  test('what is not understood is asked for', async () => {
    const { result, speech } = await check({ date: 'when the moon is right' });
    expect(result).toEqual({ success: false, reason: 'unclear', nearest: [] });
    expect(speech).toMatch(/\?$|enough\.$/);
  });
});

describe('a practitioner who was asked for', () => {
  test('is offered alone', async () => {
    const { slots } = await check({ date: 'Friday', practitioner: 'Dr. Patel' });
    expect(new Set(slots.map(({ practitioner }) => practitioner))).toEqual(new Set(['Dr. patel']));
  });

  test('is not in on a day others are, and the nearest times are theirs', async () => {
    const { result, speech, slots } = await check({ date: 'tomorrow', practitioner: 'patel' });
    expect(result).toMatchObject({ success: false, reason: 'closed' });
    expect(speech).toMatch(
      /^Doctor patel is not in tomorrow, Wednesday the ninth\. .* Friday the eleventh: /,
    );
    expect(new Set(slots.map(({ practitioner }) => practitioner))).toEqual(new Set(['Dr. patel']));
  });

  test('whom nobody here is called narrows nothing', async () => {
    const { result } = await check({ date: 'tomorrow', practitioner: 'Dr. Nobody' });
    expect(result).toMatchObject({ success: true, date: '2030-01-09' });
  });
});
