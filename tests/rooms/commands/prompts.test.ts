import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inTenant } from '#storage/postgres.ts';
import { recordingModel } from '../../recording-model.ts';
import { runCommand } from '../../run-command.ts';
import { Caller, startApp } from '../../running-app.ts';

test('a preview is, byte for byte, what the model receives', async () => {
  const model = recordingModel();
  await using recorded = await startApp({ model });
  const caller = new Caller(recorded);
  const at = new Date();
  await caller.say('Hello.');
  const folder = await mkdtemp(join(tmpdir(), 'holdline-preview-'));
  await writeFile(join(folder, 'dashboard.txt'), 'You answer the phone.');
  const preview = ['preview', '--organization', 'demo-clinic', '--dashboard', join(folder, 'dashboard.txt')];
  const wish = ['prompts', ...preview, '--at', at.toISOString()] as [string, ...string[]];
  const [{ stdout }, { stdout: json }] = await Promise.all([
    runCommand(recorded.ledgerUrl, [...wish, '--raw']),
    runCommand(recorded.ledgerUrl, [...wish, '--json']),
  ]);
  await rm(folder, { recursive: true });
  const [asked] = model.asked;
  // The minute may have turned between the two.
  const told = (message: string) => message.replace(/The time is \d\d:\d\d/, '');
  expect(told(stdout)).toBe(told(String(asked?.messages[0]?.content)));
  const ours = asked?.tools.filter((tool) => tool.function.name !== 'endCall');
  expect(JSON.parse(json)).toMatchObject({ tools: ours, message: expect.any(String) });
});

test('an hour that comes twice is said to be, and the tokens and the end of the cached prefix are shown', async () => {
  await using app = await startApp();
  const preview = ['preview', '--organization', 'demo-clinic', '--step', 'reserve'] as const;
  const { said, code } = await runCommand(app.ledgerUrl, ['prompts', ...preview, '--at', '2026-11-01T01:30']);
  expect(code).toBe(0);
  expect(said).toMatch(/2026-11-01T01:30:00-04:00 is shown, the other one is 2026-11-01T01:30:00-05:00/);
  expect(said).toMatch(/Sunday, 1 November 2026[\s\S]*The time is 01:30/);
  expect(said).toMatch(/the cached prefix ends here: about \d{3,4} tokens[\s\S]*# Right now at the clinic/);
  expect(said).toMatch(/"hold":\{"slotId":"slot_1","startsAt":"2026-11-02T09:00:00-05:00"/);
  const nonsense = await runCommand(app.ledgerUrl, ['prompts', ...preview, '--at', 'noon']);
  expect(nonsense).toMatchObject({ code: 1, said: expect.stringContaining('2026-11-01T01:30') });
});

test('a text is set, shown against the shipped one, rolled back, and refused with its line when it is not fit', async () => {
  await using app = await startApp();
  const run = (args: string[], input = '') => runCommand(app.ledgerUrl, ['prompts', ...args], { input });
  const ours = ['--organization', 'demo-clinic', '--author', 'Ann'];
  const name = 'speech/en/opening';
  expect(await run(['check'])).toMatchObject({
    code: 0,
    said: expect.stringMatching(/shipped templates are fit/),
  });
  expect(await run(['set', name, '-', ...ours], 'Hello\n{{ clinc }}')).toMatchObject({
    code: 1,
    said: expect.stringMatching(/opening, line 2, column \d+: unknown variable clinc/),
  });
  expect(await run(['set', name, '-', ...ours, '--note', 'shorter'], 'Hello, {{ clinic }}.')).toMatchObject({
    code: 0,
  });
  expect((await run(['diff', '--organization', 'demo-clinic'])).said).toMatch(
    /^\+Hello, \{\{ clinic \}\}\.$/m,
  );
  expect((await run(['list', '--organization', 'demo-clinic'])).said).toMatch(
    /opening {2}\(version 1 by Ann: serves\)/,
  );
  expect(await run(['rollback', name, '0', ...ours])).toMatchObject({ code: 0 });
  const { said } = await run(['history', name, '--organization', 'demo-clinic']);
  expect(said).toMatch(
    /^2 {2}\S+ {2}Ann {2}back to shipped {2}back to version 0\n1 {2}\S+ {2}Ann {2}shorter/,
  );
  expect(await run(['rollback', name, '9', ...ours])).toMatchObject({ code: 1 });

  await inTenant(
    app.sql,
    app.organization.id,
    (tx) => tx`
      insert into prompt_overrides (tenant_id, name, version, text, author)
      values (${app.organization.id}, ${name}, 3, ${'a\n{{ parking }}'}, 'an older release')`,
  );
  expect(await run(['check'])).toMatchObject({
    code: 1,
    said: expect.stringMatching(/demo-clinic: speech\/en\/opening \(version 3\), line 2.*parking/),
  });
});
