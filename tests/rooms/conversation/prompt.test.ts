import { expect, test, vi } from 'vitest';
import type { CallSnapshot } from '#booking/calls.ts';
import { createPromptParts, inOneMessage } from '#conversation/prompt.ts';
import { openDirectory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';
import { openPrompts, type Prompts } from '#prompts/templates.ts';
import { inTenant } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { promptsFolder } from '../../../src/config.ts';
import { openClinic } from '../../clinic.ts';
import { languages } from '../../languages.ts';
import { copyTemplates } from '../../templates-folder.ts';

const log = createLog({ level: 'silent', pretty: false });
const facts = {
  step: 'greeting',
  caller: '+12125550142',
  patient: {},
  hold: null,
  appointment: null,
  found: [],
  offers: [],
} as unknown as CallSnapshot;

const organization = {
  id: 'one',
  name: 'the clinic',
  receptionistName: 'Robin',
  languages: ['en', 'es'],
  country: 'US',
  zone: 'America/New_York',
  vapiPrompt: 'append',
  practitioners: [{ spokenName: 'Doctor Lee', weekly: null, specialDays: [] }],
  schedule: { weekly: {}, specialDays: [], horizonDays: 21 },
} as unknown as Organization;

/** Counts what is rendered, by name. */
function counting(prompts: Prompts): { prompts: Prompts; rendered: Record<string, number> } {
  const rendered: Record<string, number> = {};
  const render: Prompts['render'] = (name, ...rest) => {
    rendered[name] = (rendered[name] ?? 0) + 1;
    return prompts.render(name, ...rest);
  };
  return { prompts: Object.create(prompts, { render: { value: render } }), rendered };
}

function at(instant: string, about: Partial<Parameters<ReturnType<typeof createPromptParts>>[0]> = {}) {
  return { organization, facts, language: 'en', now: new Date(instant), dashboardPrompt: null, ...about };
}

test('the stable part is rendered once per template version, the context once per organization and minute', async () => {
  await using files = await copyTemplates();
  await using opened = await openPrompts({ folder: files.folder, log });
  const { prompts, rendered } = counting(opened);
  const parts = createPromptParts(prompts, languages);
  for (let second = 0; second < 60; second += 1)
    parts(at(`2026-11-24T15:00:${String(second).padStart(2, '0')}Z`, { dashboardPrompt: `At ${second}.` }));
  expect(rendered).toMatchObject({ system: 1, context: 1 });
  parts(at('2026-11-24T15:01:00Z'));
  expect(rendered).toMatchObject({ system: 1, context: 2 });
  const other = { ...organization, id: 'two', name: 'the other clinic' };
  for (const second of [1, 2, 3]) parts(at(`2026-11-24T15:01:0${second}Z`, { organization: other }));
  expect(rendered).toMatchObject({ system: 2, context: 3 });

  // An edit elsewhere renders nothing again; an edit of the template itself does, once.
  await files.edit('speech/en/limit', 'Edited.');
  await vi.waitFor(() => expect(opened.shipped.get('speech/en/limit')?.text).toBe('Edited.'), 5_000);
  parts(at('2026-11-24T15:01:10Z'));
  expect(rendered).toMatchObject({ system: 2, context: 3 });
  await files.edit('system', 'You are {{ receptionist }}.');
  await vi.waitFor(() => expect(opened.shipped.get('system')?.text).toMatch(/^You are/), 5_000);
  await vi.waitFor(() => expect(opened.shipped.get('system')?.text.length).toBeLessThan(50), 5_000);
  for (const second of [1, 2, 3]) parts(at(`2026-11-24T15:01:1${second}Z`));
  expect(rendered).toMatchObject({ system: 3, context: 3 });
});

test('a directory that was read again renders nothing again; an edited organization does', async () => {
  await using clinic = await openClinic();
  await using directory = await openDirectory({ sql: clinic.sql, log });
  await using opened = await openPrompts({ folder: promptsFolder, log });
  const { prompts, rendered } = counting(opened);
  const parts = createPromptParts(prompts, languages);
  const told = () => {
    const called = directory.named('clinic');
    if (called === undefined) throw new Error('the clinic is missing');
    return inOneMessage(parts(at('2026-11-24T15:00:00Z', { organization: called })));
  };
  told();
  await directory.refresh();
  told();
  expect(rendered).toMatchObject({ system: 1, context: 1 });
  await inTenant(
    clinic.sql,
    clinic.organization.id,
    (tx) => tx`update organizations set receptionist_name = 'Kim'`,
  );
  await directory.refresh();
  expect(told()).toContain('You are Kim');
  expect(rendered).toMatchObject({ system: 2, context: 2 });
});

test('the stable part is the same bytes whatever the time, the call and the text written at Vapi', async () => {
  await using prompts = await openPrompts({ folder: promptsFolder, log });
  // Two processes: nothing is kept between them.
  const made = ['2026-11-24T15:00:00Z', '2027-03-14T06:59:00Z'].flatMap((instant) =>
    [null, 'Parking is free.', `It is ${instant}.`].map((dashboardPrompt) => {
      const parts = createPromptParts(prompts, languages);
      return parts(at(instant, { dashboardPrompt, language: 'es', facts: { ...facts, step: 'booked' } }));
    }),
  );
  expect(new Set(made.map(([first]) => first?.text)).size).toBe(1);
  for (const parts of made) expect(parts[0]?.name).toBe('system');
});

test('what is written at Vapi stands behind the stable part, or nowhere, as the organization chooses', async () => {
  await using prompts = await openPrompts({ folder: promptsFolder, log });
  const parts = createPromptParts(prompts, languages);
  const names = (about: object) => parts(at('2026-11-24T15:00:00Z', about)).map(({ name }) => name);
  const dashboardPrompt = 'Parking is {{ free }}.';
  expect(names({ dashboardPrompt })).toEqual(['system', 'dashboard', 'context', 'call', 'call_state']);
  expect(names({ dashboardPrompt: ' ' })).not.toContain('dashboard');
  expect(names({ dashboardPrompt, organization: { ...organization, vapiPrompt: 'ignore' } })).not.toContain(
    'dashboard',
  );
  const [, dashboard] = parts(at('2026-11-24T15:00:00Z', { dashboardPrompt }));
  expect(dashboard?.text).toContain('Parking is {{ free }}.');
});
