import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { promptsFolder } from '../../src/config.ts';
import { clockEnvironment } from '../clock/test-clock.ts';
import { account } from '../stand-ins/twilio.ts';
import { openTextClinic, publicUrl, type TextClinic } from '../text-clinic.ts';

const root = join(promptsFolder, '..');

/** `npm run worker`, as a process of its own. */
async function startWorker(
  place: TextClinic,
): Promise<{ child: ChildProcess; exit: Promise<number | null> }> {
  const child = spawn(process.execPath, ['src/commands/worker.ts', '--concurrency', '2'], {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: place.clinic.database.appUrl,
      TWILIO_ACCOUNT_SID: account.accountSid,
      TWILIO_AUTH_TOKEN: account.authToken,
      TWILIO_FROM: account.from,
      TWILIO_BASE_URL: place.twilio.url,
      PUBLIC_URL: publicUrl,
      ...clockEnvironment(),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A test that fails in the middle leaves no process behind.
  onTestFinished(() => void child.kill('SIGKILL'));
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  let said = '';
  const started = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += String(chunk);
      if (said.includes('working')) started.resolve();
    });
  }
  if ((await Promise.race([started.promise, exit])) !== undefined)
    throw new Error(`it did not start: ${said}`);
  return { child, exit };
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

test('a worker killed with kill -9 while it sends: the next one finds what was accepted and sends nothing twice', async () => {
  await using place = await openTextClinic();
  const [accepted, lost] = ['+12125557001', '+12125557002'];
  await place.book(accepted);
  await place.book(lost);
  await place.owner`delete from text_messages where wording = 'reminder'`;
  const met = new Set<string>();
  place.twilio.mood = (number) => {
    met.add(number);
    return number === accepted ? { type: 'lie' } : { type: 'silent' };
  };
  const first = await startWorker(place);
  await place.hurry();
  await until(() => met.size === 2);
  first.child.kill('SIGKILL');
  await first.exit;

  place.twilio.mood = () => ({ type: 'accept' });
  const second = await startWorker(place);
  // A minute passes: nobody hears of the first any more, and its attempts are over.
  await place.owner`update job_runners set seen_at = seen_at - interval '2 minutes'
    where id = (select id from job_runners order by seen_at limit 1)`;
  await place.owner`update graphile_worker._private_jobs set locked_at = locked_at - interval '2 minutes'`;
  await place.owner`update text_messages set attempt_until = ledger_now()`;
  await until(async () => (await place.texts()).every(({ status }) => status === 'sent'));
  const told = place.twilio.accepted.map(({ to }) => to).toSorted();
  expect(told).toEqual([accepted, lost]);

  second.child.kill('SIGTERM');
  expect(await second.exit).toBe(0);
});
