import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { promptsFolder } from '../../src/config.ts';
import { ConsoleClient } from '../console-client.ts';
import { openDataFolder } from '../data-folder.ts';

/** Gives a command a terminal; part of every Debian. */
const script = '/usr/bin/script';
const installed = process.platform === 'linux' && existsSync(script);
if (!installed && process.env['HOLDLINE_NO_SKIP'] === '1') {
  throw new Error(`${script} is not there, and HOLDLINE_NO_SKIP=1 forbids skipping the suite that needs it`);
}
if (!installed)
  process.stderr.write('\n*** THE TERMINAL’S LINK IS NOT TESTED: there is no script(1) ***\n\n');

/** Starts the server, with a terminal or without, and ends it when it has said what it says. */
async function said(command: string, args: string[], then: (said: string) => Promise<void>): Promise<void> {
  await using folder = await openDataFolder();
  const child = spawn(command, args, {
    cwd: join(promptsFolder, '..'),
    detached: true,
    env: { PATH: process.env['PATH'], DATA_DIR: folder.path, PORT: '0', LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const started = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
      if (output.includes('npm run call')) started.resolve();
    });
  }
  const exit = once(child, 'exit');
  await Promise.race([started.promise, exit]);
  try {
    // The link is said in the same breath.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await then(output);
  } finally {
    process.kill(-(child.pid ?? 0), 'SIGTERM');
    await exit;
  }
}

describe.skipIf(!installed)('a first start', () => {
  test('on a terminal, shows a link that signs in once', async () => {
    await said(script, ['-qefc', `${process.execPath} src/main.ts`, '/dev/null'], async (output) => {
      const [, url = '', code = ''] = /(http:\/\/127\.0\.0\.1:\d+)\/#sign-in=([\w-]+)/.exec(output) ?? [];
      expect(code).toHaveLength(43);
      const client = new ConsoleClient({ url });
      expect((await client.signIn({ code })).status).toBe(200);
      const { organizations } = await client.get<{ organizations: { key: string }[] }>('/session');
      expect(organizations.map((one) => one.key)).toEqual(['demo-clinic']);
      expect((await new ConsoleClient({ url }).signIn({ code })).status).toBe(401);
    });
  });

  test('into a log that is kept, it shows neither link nor secret', async () => {
    await said(process.execPath, ['src/main.ts'], async (output) => {
      expect(output).toContain('answering at');
      expect(output).not.toContain('sign-in');
      expect(output).not.toContain('the secret is');
    });
  });
});
