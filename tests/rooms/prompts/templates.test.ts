import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { openPrompts } from '#prompts/templates.ts';
import { createLog } from '#telemetry/log.ts';
import { promptsFolder } from '../../../src/config.ts';

const log = createLog({ level: 'silent', pretty: false });

async function openFolder(files: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), 'holdline-prompts-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** Every name a spoken template may use; a template that asks for another one would fail in front of a caller. */
const values = {
  times: 'nine or ten',
  nearestDay: 'Friday',
  count: 2,
  day: 'Tuesday',
  dateName: 'the twenty-fifth of November',
  choice: 'Tuesday the twenty-fourth or Wednesday the twenty-fifth',
  saidWeekday: 'Tuesday',
  actualWeekday: 'Wednesday',
  slot: 'Tuesday at nine',
  old: 'Monday at nine',
  name: 'Ann',
  clinic: 'the clinic',
  texted: true,
  human: true,
};

test('every shipped sentence can be said, with everything and with nothing to say', async () => {
  await using prompts = await openPrompts({ folder: promptsFolder, log });
  const nothing = Object.fromEntries(Object.keys(values).map((name) => [name, null]));
  const outcomes = await readdir(join(promptsFolder, 'speech/en'));
  expect(outcomes.length).toBeGreaterThan(20);
  for (const file of outcomes) {
    const outcome = file.replace('.liquid', '');
    for (const given of [values, nothing]) {
      const said = prompts.speak(outcome, 'en', given);
      expect(said.trim(), outcome).not.toBe('');
      // A voice reads markup and digits as they stand.
      expect(said, outcome).not.toMatch(/[{}<>*#\d]|undefined|null|\n/);
    }
  }
});

test('a language without a sentence of its own falls back to English', async () => {
  await using prompts = await openPrompts({ folder: promptsFolder, log });
  expect(prompts.speak('limit', 'es', {})).toBe(prompts.speak('limit', 'en', {}));
});

test('a template that cannot be read at the start names file and line', async () => {
  await using files = await openFolder({ 'system.liquid': 'Hello\n{% if x %}' });
  await expect(openPrompts({ folder: files.folder, log })).rejects.toThrow(/system\.liquid[\s\S]*line:?\s?2/);
});

test('a name nobody gave is an error, not an empty sentence', async () => {
  await using files = await openFolder({ 'system.liquid': 'Hello {{ nobody }}' });
  await using prompts = await openPrompts({ folder: files.folder, log });
  expect(() => prompts.render('system', {})).toThrow(/nobody/);
});

test('an edit is in use at once; a broken one is refused and the last good one serves', async () => {
  await using files = await openFolder({ 'system.liquid': 'One' });
  await using prompts = await openPrompts({ folder: files.folder, log });
  await writeFile(join(files.folder, 'system.liquid'), 'Two');
  await vi.waitFor(() => expect(prompts.render('system', {})).toBe('Two'), 5_000);
  await writeFile(join(files.folder, 'system.liquid'), '{{ two');
  await vi.waitFor(() => expect(prompts.problem).toMatch(/system\.liquid/), 5_000);
  expect(prompts.render('system', {})).toBe('Two');
});
