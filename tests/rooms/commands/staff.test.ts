import { expect, test } from 'vitest';
import { askForCallBack } from '#booking/texts.ts';
import { FinalFailure } from '#jobs/job.ts';
import { allJobs } from '#jobs/queue.ts';
import { openRunner } from '#jobs/runner.ts';
import { createLog } from '#telemetry/log.ts';
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

test('the clinic’s people see who wants to be called back, and note that they were', async () => {
  await using app = await startApp();
  const { id: tenantId } = app.organization;
  await askForCallBack(app.sql, { tenantId, number: '+12125550143', appointmentId: null });
  const listed = await runCommand(app.ledgerUrl, ['appointments', 'call-backs']);
  expect(listed).toMatchObject({ code: 0, said: expect.stringContaining('+12125550143') });
  const id = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(listed.said)?.[0] ?? '';
  expect(await runCommand(app.ledgerUrl, ['appointments', 'called-back', id])).toMatchObject({ code: 0 });
  expect((await runCommand(app.ledgerUrl, ['appointments', 'call-backs'])).said).toContain('0 to call back');
});

test('jobs that failed for good are listed with the reason and tried again', async () => {
  await using app = await startApp();
  const failing = { 'never-works': () => Promise.reject(new FinalFailure('there is nobody to do it')) };
  const log = createLog({ level: 'silent', pretty: false });
  const failed = async () => (await allJobs(app.sql)).some(({ state }) => state === 'failed');
  {
    const options = { url: app.ledgerUrl, sql: app.sql, schedules: [], log, pollIntervalMs: 50 };
    await using _ = await openRunner({ ...options, handlers: failing });
    await app.sql`select enqueue_job('never-works', ${app.sql.json({ tenantId: app.organization.id })})`;
    while (!(await failed())) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const listed = await runCommand(app.ledgerUrl, ['jobs', 'list']);
  expect(listed).toMatchObject({ code: 0, said: expect.stringContaining('there is nobody to do it') });
  expect(listed.said).toContain(`tenantId=${app.organization.id}`);
  const retried = await runCommand(app.ledgerUrl, ['jobs', 'retry']);
  expect(retried).toMatchObject({ code: 0, said: expect.stringContaining('One job is tried again') });
  expect(await failed()).toBe(false);
});

test('a command that is told nonsense says what to do', async () => {
  await using app = await startApp();
  const unknown = '00000000-0000-4000-8000-000000000000';
  for (const [command, args, expected] of [
    ['appointments', ['cancel', 'tomorrow'], /list/],
    ['appointments', ['cancel', unknown], /list/],
    ['appointments', ['list', '--organization', 'nobody'], /there are: demo-clinic/],
    ['appointments', ['called-back', unknown], /call-backs/],
    ['jobs', ['retry', 'all'], /list/],
    ['worker', ['--concurrency', 'many'], /whole number/],
    ['forget', [], /--phone/],
    ['forget', ['--phone', 'Ann'], /no phone number/],
  ] as const) {
    const { code, said } = await runCommand(app.ledgerUrl, [command, ...args]);
    expect(code, said).toBe(1);
    expect(said).toMatch(expected);
    expect(said).not.toContain('    at ');
  }
});
