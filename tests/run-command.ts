import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promptsFolder } from '../src/config.ts';
import { clockEnvironment } from './clock/test-clock.ts';

const root = join(promptsFolder, '..');

/** What a command printed and how it ended. */
export interface Ran {
  code: number;
  /** Everything printed. */
  said: string;
  /** What was printed for other programs. */
  stdout: string;
}

/** Runs a command as a person would, on the ledger of a running server. */
export function runCommand(
  ledgerUrl: string,
  [command, ...args]: [string, ...string[]],
  { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [`src/commands/${command}.ts`, ...args],
      {
        cwd: root,
        env: { PATH: process.env['PATH'], DATABASE_URL: ledgerUrl, ...clockEnvironment(), ...env },
      },
      (error, stdout, stderr) => {
        const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : 1;
        resolve({ code, said: stdout + stderr, stdout });
      },
    );
    child.stdin?.end(input);
  });
}
