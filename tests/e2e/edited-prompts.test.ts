import { expect, test, vi } from 'vitest';
import { changeOverride } from '#prompts/overrides.ts';
import { recordingModel } from '../recording-model.ts';
import { Caller, startApp } from '../running-app.ts';
import { copyTemplates } from '../templates-folder.ts';

const seen = { timeout: 5_000, interval: 20 };

async function ready(app: { url: string }): Promise<string> {
  const response = await fetch(`${app.url}/ready`);
  return ((await response.json()) as { prompts: string }).prompts;
}

test('an edited template counts in a call that is on; a broken one is refused with file and line, and the call goes on', async () => {
  await using files = await copyTemplates();
  const model = recordingModel();
  await using app = await startApp({ model, folder: files.folder });
  const caller = new Caller(app);
  await caller.say('Next Tuesday, please.');
  const shipped = model.prompts().at(-1) ?? '';

  await files.edit('speech/en/reserved', 'Yours for a moment: {{ slot }}. Your name, please?');
  await files.edit('system', 'You are {{ receptionist }}, and you are brief.');
  // How long an editor's write takes to be noticed is the file system's; the very next turn after that has it.
  await vi.waitFor(async () => {
    expect(await caller.say('The first one.')).toMatch(/^Yours for a moment: /);
    expect(model.prompts().at(-1)).toMatch(/^You are Robin, and you are brief\.\n\n/);
  }, seen);
  expect(shipped).not.toContain('you are brief');

  await files.edit('speech/en/booked', 'Done.\n{% if texted %}{{ nobody }}{% endif %}');
  await files.edit('system', 'You are {{ receptionist');
  await vi.waitFor(async () => {
    const problem = await ready(app);
    expect(problem).toMatch(/booked\.liquid, line 2, column \d+: unknown variable nobody/);
    expect(problem).toMatch(/system\.liquid, line 1, column \d+: .*not closed/);
  }, seen);
  expect(await caller.say('Yes, this is Ann Miller.')).toMatch(/You are booked for/);
  expect(model.prompts().at(-1)).toMatch(/^You are Robin, and you are brief\.\n\n/);

  await files.edit('speech/en/booked', 'Done, {{ name }}.');
  await files.edit('system', 'You are {{ receptionist }} again.');
  await vi.waitFor(async () => expect(await ready(app)).toBe('ok'), seen);
  await caller.say('It is Anne with an E.');
  expect(model.prompts().at(-1)).toMatch(/^You are Robin again\.\n\n/);
});

test('an organization’s own text counts on every server, in calls that are on', async () => {
  await using app = await startApp();
  await using other = await startApp({ ledgerUrl: app.ledgerUrl });
  const callers = [new Caller(app, '+12125550143'), new Caller(other, '+12125550144')];
  for (const caller of callers) await caller.say('Next Tuesday, please.');
  const key = { tenantId: app.organization.id, name: 'speech/en/reserved' };
  await changeOverride(app.sql, key, { text: 'Kept: {{ slot }}. Who is it for?', author: 'Ann', note: '' });
  for (const caller of callers)
    await vi.waitFor(async () => expect(await caller.say('The first one.')).toMatch(/^Kept: /), seen);
});
