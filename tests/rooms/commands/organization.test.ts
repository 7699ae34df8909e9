import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { demoClinic } from '#organization/demo-clinic.ts';
import { promptsFolder } from '../../../src/config.ts';
import { runCommand } from '../../run-command.ts';
import { startApp } from '../../running-app.ts';

const example = join(promptsFolder, '../examples/organization.yaml');

test('an organization is added from a file, answers its number, is changed, and repeating changes nothing', async () => {
  await using app = await startApp();
  const organization = (args: string[], input = '') =>
    runCommand(app.ledgerUrl, ['organization', ...args], { input });

  const added = await organization(['add', example]);
  expect(added, added.said).toMatchObject({
    code: 0,
    said: expect.stringMatching(/Slots: [1-9]\d* added/),
  });
  expect(await organization(['add', example])).toMatchObject({
    code: 0,
    said: expect.stringContaining('Nothing to change'),
  });

  // The running server has heard of it: the number is its, and times can be offered.
  const made = await organization(['keys', 'make', 'riverside-dental', '--label', 'front desk']);
  const key = made.stdout.trim();
  expect(key).toMatch(/^hk_[\w-]{43}$/);
  await vi.waitFor(async () => expect(await ask(app.url, key)).toContain('Doctor'), 5_000);

  const preview = await organization(
    ['edit', '-', '--dry-run'],
    'key: riverside-dental\nreceptionistName: Kim\n',
  );
  expect(preview.said).toContain('~ receptionistName: "Robin" → "Kim"');
  expect((await organization(['show', 'riverside-dental'])).stdout).toContain('receptionistName: Robin');
  await organization([
    'set',
    'riverside-dental',
    'receptionistName=Kim',
    'schedule.horizonDays=40',
    'numbers=[]',
  ]);
  const shown = (await organization(['show', 'riverside-dental'])).stdout;
  expect(shown).toMatch(/receptionistName: Kim[\s\S]*horizonDays: 40[\s\S]*numbers: \[\]/);
  expect(await organization(['edit', '-'], shown)).toMatchObject({
    code: 0,
    said: expect.stringContaining('Nothing to change'),
  });

  const differs = await organization(['add', example]);
  expect(differs).toMatchObject({ code: 1, said: expect.stringMatching(/already[\s\S]*~ receptionistName/) });
  expect((await organization(['list'])).stdout).toMatch(/^demo-clinic .*\nriverside-dental .*$/m);

  const listed = await organization(['keys', 'list', 'riverside-dental']);
  expect(listed.said).toMatch(/in use +front desk/);
  expect(listed.said).not.toContain(key);
  const id = listed.said.split(' ')[0] ?? '';
  expect(await organization(['keys', 'revoke', 'riverside-dental', id])).toMatchObject({ code: 0 });
  expect(await organization(['keys', 'revoke', 'riverside-dental', id])).toMatchObject({ code: 0 });
  await expect.poll(() => ask(app.url, key)).toBe('401');
});

test('what cannot be is told all at once, and nothing is changed', async () => {
  await using app = await startApp();
  const organization = (args: string[], input = '') =>
    runCommand(app.ledgerUrl, ['organization', ...args], { input });

  const file = `${await readFile(example, 'utf8')}\n`
    .replace('numbers: ["+13125550100"]', `numbers: ["${demoClinic.dialled}"]`)
    .replace('assistantIds: []', `assistantIds: [${demoClinic.assistantId}]`);
  const taken = await organization(['add', '-'], file);
  expect(taken.code).toBe(1);
  expect(taken.said).toMatch(/\+15550100000: belongs to the organization demo-clinic/);
  expect(taken.said).toMatch(/ {2}demo-clinic: belongs to the organization demo-clinic/);

  const refusals = [
    [['edit', '-'], 'key: nobody\nzone: Mars', /no organization nobody[\s\S]*demo-clinic[\s\S]*zone: is not/],
    [['edit', 'no-such-file.yaml'], '', /no-such-file\.yaml cannot be read/],
    [['set', 'demo-clinic', 'zone'], '', /not of the form/],
    [['show', 'nobody'], '', /there are: demo-clinic/],
    [['keys', 'make', 'demo-clinic', '--label', ' '], '', /--label is empty/],
    [['keys', 'revoke', 'demo-clinic', 'the old one'], '', /no key's id/],
    [['keys', 'revoke', 'demo-clinic', demoClinic.id], '', /has no key/],
  ] as const;
  await Promise.all(
    refusals.map(async ([args, input, expected]) => {
      const { code, said } = await organization([...args], input);
      expect(code, said).toBe(1);
      expect(said).toMatch(expected);
      expect(said).not.toContain('    at ');
    }),
  );
  expect((await organization(['list', '--json'])).stdout).not.toContain('riverside');
});

/** Asks the tool server for times with a key; what it answers, or the status it refuses with. */
async function ask(url: string, key: string): Promise<string> {
  const response = await fetch(`${url}/tools/booking-handler`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      message: {
        type: 'tool-calls',
        call: { id: 'call-1' },
        toolCallList: [{ id: 'c1', name: 'check_availability', arguments: { date: 'next Tuesday' } }],
      },
    }),
  });
  return response.ok ? response.text() : String(response.status);
}
