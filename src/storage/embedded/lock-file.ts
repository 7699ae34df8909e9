import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { isSameProcess, type RunningProcess, thisProcess } from '#storage/running-process.ts';

type Locked = { locked: true; lock: AsyncDisposable } | { locked: false; pid: number };

interface Holder extends RunningProcess {
  /** Tells two locks of one process apart. */
  id: string;
}

/** Short beside what the lock is held for, long beside a look at a file. */
const lookEveryMs = 25;

/** Takes the lock file, or says which living process has it. One that a dead process left is replaced. */
export async function takeLock(path: string): Promise<Locked> {
  const mine: Holder = { ...(await thisProcess()), id: randomUUID() };
  const draft = `${path}.${mine.id}`;
  await writeFile(draft, JSON.stringify(mine), { mode: 0o644 });
  try {
    for (;;) {
      if (await linked(draft, path)) {
        return { locked: true, lock: { [Symbol.asyncDispose]: () => release(path, mine) } };
      }
      const holder = await lockHolder(path);
      if (holder !== undefined) return { locked: false, pid: holder.pid };
      await removeStale(path, draft);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** Waits for a lock that is held for moments only. */
export async function waitForLock(path: string, deadlineMs: number): Promise<AsyncDisposable> {
  const startedMs = performance.now();
  for (;;) {
    const taken = await takeLock(path);
    if (taken.locked) return taken.lock;
    if (performance.now() - startedMs > deadlineMs) {
      throw new Error(
        `process ${taken.pid} has held ${path} for more than ${deadlineMs / 1000} s; end it and try again`,
      );
    }
    await setTimeout(lookEveryMs);
  }
}

/** The living process that has the lock. */
export async function lockHolder(path: string): Promise<RunningProcess | undefined> {
  const holder = await read(path);
  return holder !== undefined && (await isSameProcess(holder)) ? holder : undefined;
}

/**
 * Removing a stale lock is looking and then removing, so only one process at a time may do it: a second one that
 * looked earlier would remove the lock that the first one has taken since.
 */
async function removeStale(path: string, draft: string): Promise<void> {
  const turn = `${path}.replacing`;
  if (!(await linked(draft, turn))) {
    if ((await lockHolder(turn)) === undefined) await rm(turn, { force: true });
    await setTimeout(lookEveryMs);
    return;
  }
  try {
    if ((await lockHolder(path)) === undefined) await rm(path, { force: true });
  } finally {
    await rm(turn, { force: true });
  }
}

/** A hard link appears whole or not at all, and fails if the name is taken. */
async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function release(path: string, mine: Holder): Promise<void> {
  if ((await read(path))?.id === mine.id) await rm(path, { force: true });
}

async function read(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}
