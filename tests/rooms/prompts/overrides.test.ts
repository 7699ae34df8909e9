import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { changeOverride, overrideHistory, rollBackOverride } from '#prompts/overrides.ts';
import { diffToShipped, listTemplates, tryTemplate } from '#prompts/template-list.ts';
import { openPrompts, type Prompts } from '#prompts/templates.ts';
import { inTenant } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { promptsFolder } from '../../../src/config.ts';
import { type Clinic, openClinic } from '../../clinic.ts';

const log = createLog({ level: 'silent', pretty: false });
const seen = { timeout: 5_000 };
const name = 'speech/en/limit';
const by = { author: 'Ann', note: '' };

let clinic: Clinic;
let prompts: Prompts;
/** As another process has them. */
let elsewhere: Prompts;

beforeAll(async () => {
  clinic = await openClinic();
  prompts = await openPrompts({ folder: promptsFolder, sql: clinic.sql, log });
  elsewhere = await openPrompts({ folder: promptsFolder, sql: clinic.sql, log });
});

afterAll(async () => {
  await prompts?.[Symbol.asyncDispose]();
  await elsewhere?.[Symbol.asyncDispose]();
  await clinic?.[Symbol.asyncDispose]();
});

/** An organization of one's own, so that tests do not meet. */
async function organization() {
  const id = randomUUID();
  const key = `clinic-${id.slice(0, 8)}`;
  await inTenant(
    clinic.sql,
    id,
    (tx) =>
      tx`insert into organizations (id, key, name, schedule) values (${id}, ${key}, 'Our Clinic', '{}')`,
  );
  return { id, key, name: 'Our Clinic', receptionistName: 'Robin' };
}

type Organization = Awaited<ReturnType<typeof organization>>;
const said = (process: Prompts, asked: Organization) =>
  process.speak('limit', { organization: asked, language: 'en' }, {});

test('every process says an organization’s own words as soon as they are stored, and nobody else’s', async () => {
  const [ours, others] = [await organization(), await organization()];
  const shipped = said(prompts, ours);
  const changed = await changeOverride(
    clinic.sql,
    { tenantId: ours.id, name },
    { text: 'Ours, {{ clinic }}.', ...by },
  );
  expect(changed).toEqual({ changed: true, version: 1 });
  for (const process of [prompts, elsewhere]) {
    await vi.waitFor(() => expect(said(process, ours)).toBe('Ours, Our Clinic.'), seen);
    expect(said(process, others)).toBe(shipped);
  }
});

test('versions are kept with author, time and note, and rolled back to as a new version', async () => {
  const ours = await organization();
  const key = { tenantId: ours.id, name };
  await changeOverride(clinic.sql, key, { text: 'One.', author: 'Ann', note: 'first' });
  await changeOverride(clinic.sql, key, { text: 'Two.', author: 'Ben', note: 'second' });
  const rolled = await rollBackOverride(clinic.sql, key, { toVersion: 1, author: 'Cy', note: 'back' });
  expect(rolled).toEqual({ changed: true, version: 3 });
  const history = await overrideHistory(clinic.sql, key);
  expect(history).toMatchObject([
    { version: 3, text: 'One.', author: 'Cy', note: 'back' },
    { version: 2, text: 'Two.', author: 'Ben', note: 'second' },
    { version: 1, text: 'One.', author: 'Ann', note: 'first' },
  ]);
  expect(history[0]?.createdAt).toBeInstanceOf(Date);
  await vi.waitFor(() => expect(said(elsewhere, ours)).toBe('One.'), seen);

  await rollBackOverride(clinic.sql, key, { toVersion: 0, ...by });
  const shipped = said(prompts, await organization());
  await vi.waitFor(() => expect(said(elsewhere, ours)).toBe(shipped), seen);
  expect(await rollBackOverride(clinic.sql, key, { toVersion: 9, ...by })).toMatchObject({
    reason: 'no_such_version',
  });
});

test('a text that is not fit is refused with its line and changes nothing', async () => {
  const ours = await organization();
  const key = { tenantId: ours.id, name };
  const changed = await changeOverride(clinic.sql, key, { text: 'a\n{{ slot }}', ...by });
  expect(changed).toMatchObject({ changed: false, reason: 'unfit', problems: [{ line: 2 }] });
  expect(await overrideHistory(clinic.sql, key)).toEqual([]);
});

test('an editor who began with an older version overwrites nobody; without a version the last one counts', async () => {
  const ours = await organization();
  const key = { tenantId: ours.id, name };
  await changeOverride(clinic.sql, key, { text: 'One.', ...by, basedOn: 0 });
  const late = await changeOverride(clinic.sql, key, { text: 'Late.', ...by, basedOn: 0 });
  expect(late).toEqual({ changed: false, reason: 'overtaken', version: 1 });
  const racing = await Promise.all(
    ['a', 'b', 'c', 'd'].map((text) => changeOverride(clinic.sql, key, { text, ...by })),
  );
  expect(racing.filter((one) => one.changed)).toHaveLength(4);
  expect((await overrideHistory(clinic.sql, key)).map((one) => one.version)).toEqual([5, 4, 3, 2, 1]);
  const based = await Promise.all(
    ['a', 'b', 'c', 'd'].map((text) => changeOverride(clinic.sql, key, { text, ...by, basedOn: 5 })),
  );
  expect(based.filter((one) => one.changed)).toHaveLength(1);
});

test('versions cannot be changed or taken away, not even by the application', async () => {
  const ours = await organization();
  await changeOverride(clinic.sql, { tenantId: ours.id, name }, { text: 'One.', ...by });
  for (const statement of ["update prompt_overrides set text = 'x'", 'delete from prompt_overrides']) {
    await expect(inTenant(clinic.sql, ours.id, (tx) => tx.unsafe(statement))).rejects.toThrow(
      /permission denied/,
    );
  }
});

test('an override a newer release has no use for does not break a call: the shipped one serves, and it is said', async () => {
  const [ours, others] = [await organization(), await organization()];
  // As an older release stored it, with a variable that was there then.
  await inTenant(
    clinic.sql,
    ours.id,
    (tx) => tx`
      insert into prompt_overrides (tenant_id, name, version, text, author)
      values (${ours.id}, ${name}, 1, ${'a\n{{ waitingRoom }}'}, 'Ann')`,
  );
  await vi.waitFor(() => expect(elsewhere.unfitOverrides).toHaveLength(1), seen);
  expect(elsewhere.unfitOverrides[0]).toMatchObject({
    organization: ours.key,
    name,
    version: 1,
    problems: [expect.stringMatching(/limit, line 2.*waitingRoom/)],
  });
  expect(elsewhere.problem).toMatch(/1 template/);
  expect(elsewhere.problem).not.toContain(ours.key);
  expect(said(elsewhere, ours)).toBe(said(elsewhere, others));
  const listed = (await listTemplates(elsewhere, clinic.sql, ours.id)).find((one) => one.name === name);
  expect(listed).toMatchObject({ serves: 'shipped', override: { version: 1, problems: [{ line: 2 }] } });

  await changeOverride(clinic.sql, { tenantId: ours.id, name }, { text: 'Repaired.', ...by });
  await vi.waitFor(() => expect(said(elsewhere, ours)).toBe('Repaired.'), seen);
  expect(elsewhere.problem).toBeUndefined();
});

test('what was stored while nobody could listen is noticed when the connection is back', async () => {
  const ours = await organization();
  const owner = postgres(clinic.database.ownerUrl, { max: 1, onnotice: () => {} });
  try {
    // Nobody is told of it, as when the listening connection is lost.
    await owner`alter table prompt_overrides disable trigger announce`;
    await changeOverride(clinic.sql, { tenantId: ours.id, name }, { text: 'Unheard.', ...by });
    expect(said(elsewhere, ours)).not.toBe('Unheard.');
    await owner`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and query ilike '%listen%' and pid <> pg_backend_pid()`;
    await vi.waitFor(() => expect(said(elsewhere, ours)).toBe('Unheard.'), { timeout: 15_000 });
  } finally {
    await owner`alter table prompt_overrides enable trigger announce`;
    await owner.end();
  }
}, 20_000);

test('an editor sees every template with what it may use, and tries a text before it is stored', async () => {
  const ours = await organization();
  await changeOverride(
    clinic.sql,
    { tenantId: ours.id, name: 'speech/fr/limit' },
    { text: 'Désolé.', ...by },
  );
  await prompts.refreshOverrides(ours.id);
  const listed = await listTemplates(prompts, clinic.sql, ours.id);
  expect(listed.find((one) => one.name === 'system')).toMatchObject({ kind: 'system', serves: 'shipped' });
  expect(listed.find((one) => one.name === 'speech/fr/limit')).toMatchObject({
    shipped: null,
    serves: 'override',
  });
  expect(listed.find((one) => one.name === 'speech/en/booked')?.variables).toContainEqual({
    name: 'name',
    meaning: expect.any(String),
    example: 'Ann Miller',
    optional: true,
  });
  expect(prompts.speak('limit', { organization: ours, language: 'fr-CA' }, {})).toBe('Désolé.');

  expect(tryTemplate('speech/en/booked', 'Yes, {{ name }}.', { name: 'Ben' })).toEqual({
    fit: true,
    text: 'Yes, Ben.',
  });
  expect(tryTemplate('speech/en/booked', '{{ nmae }}')).toMatchObject({
    fit: false,
    problems: [{ line: 1 }],
  });
});

test('the difference to the shipped text is shown line by line', () => {
  expect(diffToShipped('system', 'a\nb\n', 'a\nc')).toMatch(/-b\n\+c\n/);
  expect(diffToShipped('system', 'a\n', 'a\n')).toBe('');
});
