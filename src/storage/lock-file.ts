import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';

/** Who holds a lock. A process id alone may have been given to somebody else since; its start time tells. */
interface Holder {
  pid: number;
  startedAt: string;
}

export type Locked = { locked: true; lock: AsyncDisposable } | { locked: false; pid: number };

/** Takes the lock file, or says which living process has it. One that a dead process left is replaced. */
export async function takeLock(path: string): Promise<Locked> {
  const mine: Holder = { pid: process.pid, startedAt: await processStart(process.pid) };
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(mine), { mode: 0o644 });
  try {
    for (;;) {
      try {
        // A hard link appears whole or not at all, and fails if the name is taken.
        await link(draft, path);
        return { locked: true, lock: { [Symbol.asyncDispose]: () => rm(path, { force: true }) } };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = await readHolder(path);
      if (holder !== undefined && (await isSameProcess(holder))) return { locked: false, pid: holder.pid };
      await removeStale(path);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** Moves a lock aside before removing it; one that turns out to be another process's fresh lock is put back. */
async function removeStale(path: string): Promise<void> {
  const aside = `${path}.stale-${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const holder = await readHolder(aside);
  if (holder !== undefined && (await isSameProcess(holder))) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

/** Waits for a lock that is held for moments only. */
export async function waitForLock(path: string, deadlineMs: number): Promise<AsyncDisposable> {
  const startedMs = Date.now();
  for (;;) {
    const taken = await takeLock(path);
    if (taken.locked) return taken.lock;
    if (Date.now() - startedMs > deadlineMs) {
      throw new Error(
        `process ${taken.pid} has held ${path} for more than ${deadlineMs} ms; end it and try again`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Whether the process that wrote this is still running, and is not another one with its number. */
export async function isSameProcess({ pid, startedAt }: Holder): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, as somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return (await processStart(pid)) === startedAt;
}

/** When a process started, as the kernel counts; empty where that cannot be read (not Linux). */
export async function processStart(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; fields are counted behind it. Start time is field 22.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}
