import { expect, test } from 'vitest';
import { runCommand } from '../../run-command.ts';
import { Caller, startApp } from '../../running-app.ts';

test('the clinic’s people see an appointment, cancel it, and then forget the patient', async () => {
  await using app = await startApp();
  const caller = new Caller(app);
  await caller.say('Next Tuesday, please.');
  await caller.say('The first one.');
  await caller.say('Yes, this is Ann Miller.');

  const listed = await runCommand(app.ledgerUrl, ['appointments', 'list']);
  expect(listed).toMatchObject({ code: 0, said: expect.stringContaining('Ann Miller, +12125550142') });
  const id = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(listed.said)?.[0] ?? '';

  const tooEarly = await runCommand(app.ledgerUrl, ['forget', '--phone', '+12125550142']);
  expect(tooEarly).toMatchObject({
    code: 1,
    said: expect.stringContaining('1 appointments are still to come'),
  });

  expect(await runCommand(app.ledgerUrl, ['appointments', 'cancel', id])).toMatchObject({ code: 0 });
  const again = await runCommand(app.ledgerUrl, ['appointments', 'cancel', id]);
  expect(again).toMatchObject({ code: 0, said: expect.stringContaining('already') });
  expect((await runCommand(app.ledgerUrl, ['appointments', 'list'])).said).toContain('0 to come');

  expect(await runCommand(app.ledgerUrl, ['forget', '--phone', '(212) 555-0142'])).toMatchObject({ code: 0 });
});

test('a command that is told nonsense says what to do', async () => {
  await using app = await startApp();
  const unknown = '00000000-0000-4000-8000-000000000000';
  for (const [command, args, expected] of [
    ['appointments', ['cancel', 'tomorrow'], /list/],
    ['appointments', ['cancel', unknown], /list/],
    ['appointments', ['list', '--organization', 'nobody'], /there are: demo-clinic/],
    ['forget', [], /--phone/],
    ['forget', ['--phone', 'Ann'], /no phone number/],
  ] as const) {
    const { code, said } = await runCommand(app.ledgerUrl, [command, ...args]);
    expect(code, said).toBe(1);
    expect(said).toMatch(expected);
    expect(said).not.toContain('    at ');
  }
});
