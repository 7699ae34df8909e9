import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { promisify } from 'node:util';

/** A process id alone may have been given to somebody else since; when that one started tells. */
export interface RunningProcess {
  pid: number;
  startedAt: string;
}

export async function thisProcess(): Promise<RunningProcess> {
  return { pid: process.pid, startedAt: await startOf(process.pid) };
}

/** Whether the process that is written down still runs, and is not another one with its number. */
export async function isSameProcess({ pid, startedAt }: RunningProcess): Promise<boolean> {
  return isAlive(pid) && (await startOf(pid)) === startedAt;
}

export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Ended, but nobody has asked how: in a container whose first process reaps nobody it stays so for ever. */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.charAt(stat.lastIndexOf(')') + 2) === 'Z';
  } catch {
    return false;
  }
}

/** What a process was started with, as one line; undefined where that cannot be seen. */
export async function commandOf(pid: number): Promise<string | undefined> {
  if (platform() === 'win32') return undefined;
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
  } catch {
    return await ask('command=', pid);
  }
}

/** When a process started: the kernel's tick in this boot where there is /proc, else as `ps` says. */
async function startOf(pid: number): Promise<string> {
  if (platform() === 'win32') return '';
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
    // The name in parentheses may hold anything; fields are counted behind it. The start is field 22.
    const tick = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${boot.trim()} ${tick ?? ''}`;
  } catch {
    return (await ask('lstart=', pid)) ?? '';
  }
}

async function ask(column: string, pid: number): Promise<string | undefined> {
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };
  try {
    return (await promisify(execFile)('ps', ['-o', column, '-p', String(pid)], { env })).stdout.trim();
  } catch {
    return undefined;
  }
}
