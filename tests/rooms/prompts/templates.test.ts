import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { shippedLanguages } from '#language/shipped-languages.ts';
import { checkTemplate, exampleValues, renderTemplate } from '#prompts/template-check.ts';
import { openPrompts } from '#prompts/templates.ts';
import { createLog } from '#telemetry/log.ts';
import { promptsFolder } from '../../../src/config.ts';
import { copyTemplates } from '../../templates-folder.ts';

const log = createLog({ level: 'silent', pretty: false });
const organization = { id: 'an-id', name: 'the clinic', receptionistName: 'Robin' };
const listener = { organization, language: 'en' };
const seen = { timeout: 5_000 };

test('every shipped sentence can be said, with everything and with nothing to say', async () => {
  await using prompts = await openPrompts({ folder: promptsFolder, log });
  const spoken = [...prompts.shipped.values()].filter(({ place }) => place.kind === 'speech');
  expect(spoken.length).toBeGreaterThan(30);
  for (const template of spoken) {
    for (const withOptional of [true, false]) {
      const said = renderTemplate(template, {
        ...exampleValues(template.place, { withOptional }),
        clinic: 'the clinic',
      });
      expect(said, template.name).not.toBe('');
      // A voice reads markup and digits as they stand.
      expect(said, template.name).not.toMatch(/[{}<>*#\d]|undefined|null|\n| {2}/);
      expect(said, template.name).toMatch(/[.?!]$/);
    }
  }
});

test('every sentence and every text is there in each language that is shipped', async () => {
  await using prompts = await openPrompts({ folder: promptsFolder, log });
  const inLanguage = (language: string) =>
    [...prompts.shipped.values()]
      .filter(({ place }) => place.language === language)
      .map(({ name }) => name.replace(`/${language}/`, '/'));
  for (const { tag: language } of shippedLanguages)
    expect(inLanguage(language), language).toEqual(inLanguage('en'));
});

test('a template that is not fit at the start names file and line, and so does every other one', async () => {
  await using files = await copyTemplates();
  await files.edit('system', 'Hello\n{% if x %}');
  await files.edit('speech/en/limit', '\n\n{{ clinic | louder }}');
  const opening = openPrompts({ folder: files.folder, log });
  await expect(opening).rejects.toThrow(/system\.liquid, line 2/);
  await expect(opening).rejects.toThrow(/limit\.liquid, line 3.*louder/);
});

test('a sentence that is missing is noticed at the start, not in front of a caller', async () => {
  await using files = await copyTemplates();
  await files.remove('speech/en/taken');
  await expect(openPrompts({ folder: files.folder, log })).rejects.toThrow(/taken\.liquid is missing/);
});

test('a file nothing asks for keeps nobody from being answered, and is told', async () => {
  await using files = await copyTemplates();
  await files.edit('speech/es/ofered', 'Tengo libre.');
  await using prompts = await openPrompts({ folder: files.folder, log });
  expect(prompts.problem).toMatch(/ofered\.liquid: nothing asks/);
});

test.each([
  [
    'a variable nobody gives, in a branch that is not taken',
    'speech/en/full',
    'a\n{% if clinic == "never" %}{{ tmies }}{% endif %}',
    2,
    'tmies',
  ],
  [
    'one in a condition',
    'speech/en/booked',
    'a\nb\n{% if slot == "never" and textd %}c{% endif %}',
    3,
    'textd',
  ],
  ['one that another sentence has', 'speech/en/limit', '{{ slot }} {{ clinic }}', 1, 'slot'],
  ['one given to a filter', 'speech/en/booked', 'a {{ slot | append: nmae }}', 1, 'nmae'],
  [
    'one in a branch of a case',
    'speech/en/found',
    '{% case count %}\n{% when one %}a{% endcase %}b',
    2,
    'one',
  ],
  [
    'a field no entry of the list has, in a branch that is not taken',
    'context',
    '{% for d in days %}\n{% if d.date == "never" %}{{ d.opne }}{% endif %}{{ d.date }}{% endfor %}',
    2,
    'opne',
  ],
  ['an unknown filter', 'speech/en/booked', '\n{{ slot | shout }}', 2, 'shout'],
  ['the server’s clock', 'system', 'Today is {{ "now" | date: "%A" }}', 1, 'date'],
  ['another file', 'system', '\n{% render "secrets" %}', 2, 'render'],
  ['a tag that is not closed', 'speech/en/booked', '{{ slot }}\n{% if name %}', 2, 'not closed'],
  ['an output that is not closed', 'speech/en/booked', '{{ slot }}\n{{ name', 2, 'not closed'],
  [
    'a sentence that says nothing where nothing is free',
    'speech/en/full',
    '{% if times %}{{ times }}{% endif %}',
    1,
    'says nothing',
  ],
  [
    'a loop without end',
    'speech/en/booked',
    '{% for i in (1..1000000000) %}{{ slot }}{% endfor %}',
    1,
    'limit',
  ],
  ['a name nothing asks for', 'speech/en/ofered', 'a', 1, 'nothing asks'],
])('%s is refused, with its line', (...[, name, text, line, about]) => {
  const checked = checkTemplate(name, text);
  if (checked.fit) throw new Error('it was found fit');
  expect(checked.problems[0]).toMatchObject({ line, message: expect.stringContaining(about) });
});

test('all unknown variables are reported at once', () => {
  const checked = checkTemplate('system', '{{ a }}\n{{ b }}\n{{ clinic }}');
  expect(checked).toMatchObject({ fit: false, problems: [{ line: 1 }, { line: 2 }] });
});

test('what a template assigns and counts itself is no unknown variable', () => {
  const text =
    '{% assign first = days[0] %}{{ first.date }}{% for d in days %}{{ forloop.index }} {{ d.open }}{% endfor %}';
  expect(checkTemplate('context', text)).toMatchObject({ fit: true });
});

test('a language is answered in itself, a dialect in its language, and what we do not speak in English', async () => {
  await using files = await copyTemplates();
  await files.edit('speech/es/limit', 'En español.');
  await files.edit('speech/en/limit', 'In English.');
  await using prompts = await openPrompts({ folder: files.folder, log });
  const said = (language: string) => prompts.speak('limit', { organization, language }, {});
  expect([said('es'), said('es-MX'), said('fr'), said('en')]).toEqual([
    'En español.',
    'En español.',
    'In English.',
    'In English.',
  ]);
});

test('an edit counts at once; a broken one is refused with file and line, and the last good one serves', async () => {
  await using files = await copyTemplates();
  await using prompts = await openPrompts({ folder: files.folder, log });
  const said = () => prompts.speak('limit', listener, {});
  await files.edit('speech/en/limit', 'One, {{ clinic }}.');
  await vi.waitFor(() => expect(said()).toBe('One, the clinic.'), seen);

  await files.edit('speech/en/limit', 'Two.\n{% if human %}Three.{% endif %}');
  await vi.waitFor(() => expect(prompts.problem).toMatch(/limit\.liquid, line 2.*human/), seen);
  expect(said()).toBe('One, the clinic.');

  // What is edited beside a broken template counts all the same.
  await files.edit('speech/en/to-human', 'Here is a colleague.');
  await vi.waitFor(() => expect(prompts.speak('to-human', listener, {})).toBe('Here is a colleague.'), seen);
  expect(prompts.problem).toMatch(/limit\.liquid/);

  await files.remove('speech/en/limit');
  await vi.waitFor(() => expect(prompts.problem).toMatch(/limit\.liquid is missing/), seen);
  expect(said()).toBe('One, the clinic.');

  await files.edit('speech/en/limit', 'Four.');
  await vi.waitFor(() => expect(said()).toBe('Four.'), seen);
  expect(prompts.problem).toBeUndefined();
});

test('a server that starts over on a broken edit goes on with what served before, and says so', async () => {
  await using files = await copyTemplates();
  const keptIn = join(files.folder, 'kept.json');
  const open = () => openPrompts({ folder: files.folder, keptIn, log });
  {
    await using before = await open();
    await files.edit('speech/en/limit', 'Edited, {{ clinic }}.');
    await vi.waitFor(() => expect(before.speak('limit', listener, {})).toBe('Edited, the clinic.'), seen);
    await vi.waitFor(async () => expect(await readFile(keptIn, 'utf8')).toContain('Edited, '), seen);
  }
  await files.edit('speech/en/limit', 'Broken, {{ clinc }}.');
  await files.remove('system');
  {
    await using after = await open();
    expect(after.speak('limit', listener, {})).toBe('Edited, the clinic.');
    expect(after.problem).toMatch(/limit\.liquid, line 1.*clinc.*system\.liquid is missing/);
  }
  await writeFile(keptIn, 'nonsense');
  await expect(open()).rejects.toThrow(/clinc/);
});

test('a template that was not edited stays the same object, so that what was rendered from it can be kept', async () => {
  await using files = await copyTemplates();
  await using prompts = await openPrompts({ folder: files.folder, log });
  const before = prompts.serving('system', organization);
  await files.edit('speech/en/limit', 'Edited.');
  await vi.waitFor(() => expect(prompts.speak('limit', listener, {})).toBe('Edited.'), seen);
  await writeFile(join(files.folder, 'system.liquid'), before.text);
  await files.edit('speech/en/limit', 'Edited again.');
  await vi.waitFor(() => expect(prompts.speak('limit', listener, {})).toBe('Edited again.'), seen);
  expect(prompts.serving('system', organization)).toBe(before);
});

test('a draft speaks in place of its own name, in its own language, and only where it is asked to', async () => {
  await using prompts = await openPrompts({ folder: promptsFolder, log });
  const draft = checkTemplate('speech/en/opening', 'A draft of {{ clinic }}.');
  if (!draft.fit) throw new Error('the draft is not fit');
  const drafted = prompts.withDrafts([draft.template]);
  const opening = (by: typeof prompts, language: string) =>
    by.speak('opening', { organization, language }, {});
  expect(opening(drafted, 'en')).toBe('A draft of the clinic.');
  // A language of its own has its own sentence; one that has none is answered in English.
  expect(opening(drafted, 'de-AT')).toBe(opening(prompts, 'de'));
  expect(opening(drafted, 'fi')).toBe('A draft of the clinic.');
  expect(opening(prompts, 'en')).not.toContain('draft');
  expect(drafted.speak('limit', listener, {})).toBe(prompts.speak('limit', listener, {}));
});
