import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Organization } from '#organization/organization.ts';
import { documentOf, organizationFile, readOrganizationFile } from '#organization/organization-file.ts';
import { settings, usualSchedule } from '#organization/settings.ts';
import { promptsFolder } from '../../../src/config.ts';

const clinic: Organization = {
  id: '0d3c11c0-0000-4000-8000-000000000009',
  key: 'clinic',
  name: 'the clinic',
  zone: 'America/New_York',
  country: 'US',
  languages: ['en'],
  receptionistName: 'Robin',
  humanNumber: null,
  vapiPrompt: 'append',
  model: 'holdline',
  releaseOnHangUp: false,
  holdsPerCallMax: 20,
  holdsPerNumberAndDayMax: 30,
  liveHoldsMax: 100,
  textsPerCallMax: 6,
  textsPerNumberAndDayMax: 10,
  textsPerDayMax: 1000,
  textCountries: null,
  retentionDays: 365,
  socketAddresses: [],
  schedule: usualSchedule,
  practitioners: [
    {
      id: '0d3c11c0-0000-4000-8000-0000000000b1',
      key: 'lee',
      name: 'Dr. Lee',
      spokenName: 'Doctor Lee',
      weekly: null,
      specialDays: [],
      slotMinutes: null,
      gridMinutes: null,
      bufferMinutes: null,
      minimumNoticeMinutes: null,
      horizonDays: null,
      calendarId: null,
    },
  ],
  addresses: [
    { kind: 'dialled', value: '+12125550100' },
    { kind: 'assistant', value: 'assistant-1' },
  ],
};

function problemsOf(file: string, current?: Organization): string[] {
  const read = readOrganizationFile(file, current);
  return read.ok ? [] : read.problems;
}

describe('the example', () => {
  const example = readFile(join(promptsFolder, '../examples/organization.yaml'), 'utf8');

  test('can be added as it stands', async () => {
    const read = readOrganizationFile(await example, undefined);
    expect(read).toMatchObject({
      ok: true,
      document: { zone: 'America/Chicago', numbers: ['+13125550100'] },
    });
    expect(read).toMatchObject({
      document: {
        schedule: {
          weekly: {
            monday: [
              { from: '09:00', to: '12:30' },
              { from: '13:30', to: '18:00' },
            ],
          },
        },
      },
    });
  });

  test('shows every setting there is', async () => {
    const read = readOrganizationFile(await example, undefined);
    const { document } = read as Extract<typeof read, { ok: true }>;
    expect(Object.keys(document)).toEqual(expect.arrayContaining(Object.keys(settings.shape)));
    expect(Object.keys(document.schedule)).toEqual(
      expect.arrayContaining(Object.keys(settings.shape.schedule.shape)),
    );
  });
});

describe('a file over an organization that exists', () => {
  test('as it was shown changes nothing', () => {
    const read = readOrganizationFile(organizationFile(documentOf(clinic)), clinic);
    expect(read).toEqual({ ok: true, document: documentOf(clinic) });
  });

  test('is shown with the days of the week in their order', () => {
    const { monday, tuesday, ...rest } = usualSchedule.weekly;
    const shuffled = {
      ...clinic,
      schedule: { ...usualSchedule, weekly: { ...rest, tuesday, monday } as typeof rest },
    };
    expect(organizationFile(documentOf(shuffled))).toMatch(/monday:[\s\S]*tuesday:[\s\S]*friday:/);
  });

  test('changes what it names and leaves the rest', () => {
    const read = readOrganizationFile(
      'key: clinic\nschedule: { bufferMinutes: 10, weekly: { monday: [9:00 - 12:00] } }\nhumanNumber: +12125550101\n',
      clinic,
    );
    expect(read).toEqual({
      ok: true,
      document: {
        ...documentOf(clinic),
        humanNumber: '+12125550101',
        schedule: {
          ...usualSchedule,
          bufferMinutes: 10,
          weekly: { monday: [{ from: '09:00', to: '12:00' }] },
        },
      },
    });
  });

  test('knows practitioners by their key, and those it does not name stay', () => {
    const read = readOrganizationFile(
      'key: clinic\npractitioners: [{ key: kim, name: Dr. Kim }, { key: lee, weekly: {} }]',
      clinic,
    );
    expect(read).toMatchObject({
      document: {
        practitioners: [
          { key: 'lee', name: 'Dr. Lee', spokenName: 'Doctor Lee', weekly: {} },
          { key: 'kim', name: 'Dr. Kim', spokenName: 'Dr. Kim' },
        ],
      },
    });
    expect(
      problemsOf('key: clinic\npractitioners: [{ key: lee, name: A }, { key: lee, name: B }]', clinic),
    ).toEqual([expect.stringContaining('lee: is there twice')]);
  });
});

describe('a file with mistakes', () => {
  test('is told all of them at once, each with its place', () => {
    const problems = problemsOf(`
      key: New Clinic
      zone: Newyork
      receptionName: Kim
      humanNumber: 2125550101
      languages: []
      schedule:
        slotMinutes: half an hour
        weekly: { monday: ["9-12"], funday: [] }
      practitioners:
        - name: Dr. Nobody
        - { key: kim, name: Dr. Kim, weekly: 12 }
      retentionDays: -1`);
    for (const place of [
      /^name: is missing$/,
      /^key: is not a short name/,
      /^zone: is not an IANA time zone/,
      /^languages: /,
      /^receptionName: is not a setting/,
      /^humanNumber: .*quotes/,
      /^schedule\.slotMinutes: /,
      /^schedule\.weekly\.monday\.0: /,
      /^schedule\.weekly: .*funday/,
      /^practitioners: an entry has no key/,
      /^practitioners\.kim\.weekly: /,
      /^retentionDays: /,
    ]) {
      expect(problems).toContainEqual(expect.stringMatching(place));
    }
  });

  test.each([
    ['receptionName: Kim', /^receptionName: is not a setting/],
    ['schedule: { bufferminutes: 5 }', /^schedule\.bufferminutes: is not a setting/],
    ['schedule: { weekly: { monday: [13:00-18:00, 09:00-14:00] } }', /^schedule\.weekly\.monday: .*in order/],
    ['schedule: { weekly: { monday: [18:00-09:00] } }', /ends before it begins/],
    ['schedule: { weekly: { monday: [09:00-24:30] } }', /past midnight/],
    ['schedule: { horizonDays: 4000 }', /^schedule\.horizonDays: 4000 is more than a year/],
    ['schedule: { minimumNoticeMinutes: 99999 }', /nothing could be booked/],
    ['schedule: { gridMinutes: 1 }', /^schedule\.gridMinutes: .*at least 5/],
    ['schedule: { slotMinutes: 900 }', /^schedule\.slotMinutes: .*at most 720/],
    ['practitioners: [{ key: lee, horizonDays: 400 }]', /^practitioners\.lee\.horizonDays: .*a year/],
    [
      'practitioners: [{ key: lee, specialDays: [{ date: 2026-12-24, open: [10:00-09:00] }] }]',
      /^practitioners\.lee\.specialDays\.2026-12-24: .*ends before it begins/,
    ],
    ['schedule: { specialDays: [{ date: 2026-02-30, open: [] }] }', /^schedule\.specialDays\.0\.date/],
    [
      'schedule: { specialDays: [{ date: 2026-12-24, open: [] }, { date: 2026-12-24, open: [] }] }',
      /2026-12-24: is there twice/,
    ],
    ['humanNumber: 212 555 0101', /humanNumber: .*write it as "\+12125550101"/],
    ['humanNumber: ask Ann', /humanNumber: ask Ann is no phone number/],
    ['humanNumber: +12125550100', /humanNumber: .*would come back/],
    ['numbers: [12]', /^numbers\.0: /],
    ['country: XX', /^country: XX/],
    ['languages: [english please]', /^languages: english please is no language/],
    ['languages: [pt-br]', /^languages: pt-br is written pt-BR/],
    ['practitioners: []\nname: ""', /^name: is empty/],
    ['practitioners: [Dr. Lee]', /^practitioners: an entry has no key/],
    ['name: [', /^line \d+: /],
    ['name: a\nname: b', /^line \d+: /],
  ])('%j is refused with what to do', (line, problem) => {
    const file = line.startsWith('name: [') ? line : `key: clinic\n${line}`;
    expect(problemsOf(file, clinic)).toContainEqual(expect.stringMatching(problem));
  });

  test('is no list of settings at all', () => {
    for (const file of ['', 'just words', '- a\n- b', '12']) expect(problemsOf(file)).toHaveLength(1);
  });
});
