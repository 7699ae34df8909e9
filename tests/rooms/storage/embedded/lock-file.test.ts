import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockHolder, takeLock, waitForLock } from '#storage/embedded/lock-file.ts';
import { thisProcess } from '#storage/running-process.ts';
import { migrationsFolder } from '../../../../src/config.ts';
import { openDataFolder } from '../../../data-folder.ts';

const root = join(migrationsFolder, '..');

/** A process that tries once, says whether it got the lock, and holds it until its standard input closes. */
function contender(path: string) {
  const script = `
    const { takeLock } = await import('#storage/embedded/lock-file.ts');
    const taken = await takeLock(process.argv[1]);
    process.stdout.write(taken.locked ? 'got it' : 'busy ' + taken.pid);
    process.stdin.resume();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const said = once(child.stdout, 'data').then(([chunk]) => String(chunk));
  const exit = once(child, 'exit');
  return { pid: child.pid ?? 0, said, exit, kill: () => child.kill('SIGKILL') };
}

/** What a process that is dead by now left behind. */
async function leaveStale(path: string): Promise<void> {
  const dead = contender(path);
  expect(await dead.said).toBe('got it');
  dead.kill();
  await dead.exit;
}

test('a free lock is taken and is free again afterwards', async () => {
  await using folder = await openDataFolder();
  const path = join(folder.path, 'x.lock');
  const first = await takeLock(path);
  expect(await takeLock(path)).toEqual({ locked: false, pid: process.pid });
  if (first.locked) await first.lock[Symbol.asyncDispose]();
  expect(await lockHolder(path)).toBeUndefined();
  expect((await takeLock(path)).locked).toBe(true);
});

test('the stale lock of a dead process is replaced', async () => {
  await using folder = await openDataFolder();
  const path = join(folder.path, 'x.lock');
  await leaveStale(path);
  expect(await lockHolder(path)).toBeUndefined();
  expect((await takeLock(path)).locked).toBe(true);
  expect(await readdir(folder.path)).toEqual(['x.lock']);
});

test('a process id that was given to somebody else since is no holder', async () => {
  await using folder = await openDataFolder();
  const path = join(folder.path, 'x.lock');
  await writeFile(path, JSON.stringify({ pid: process.pid, startedAt: 'in another boot', id: 'old' }));
  expect((await takeLock(path)).locked).toBe(true);
});

test('an unreadable lock is replaced', async () => {
  await using folder = await openDataFolder();
  const path = join(folder.path, 'x.lock');
  await writeFile(path, '');
  expect((await takeLock(path)).locked).toBe(true);
});

test('a helper that died while replacing a stale lock stops nobody', async () => {
  await using folder = await openDataFolder();
  const path = join(folder.path, 'x.lock');
  await leaveStale(path);
  await writeFile(`${path}.replacing`, await readFile(path));
  expect((await takeLock(path)).locked).toBe(true);
});

test('a lock that is no longer ours is not released', async () => {
  await using folder = await openDataFolder();
  const path = join(folder.path, 'x.lock');
  const taken = await takeLock(path);
  const other = JSON.stringify({ ...(await thisProcess()), id: 'somebody else' });
  await writeFile(path, other);
  if (taken.locked) await taken.lock[Symbol.asyncDispose]();
  expect(await readFile(path, 'utf8')).toBe(other);
});

test('who waits gets it when the holder gives it up, one after the other', async () => {
  await using folder = await openDataFolder();
  const path = join(folder.path, 'x.lock');
  let inside = 0;
  const most: number[] = [];
  const enter = async () => {
    await using _ = await waitForLock(path, 30_000);
    most.push(++inside);
    await new Promise(setImmediate);
    inside--;
  };
  await Promise.all(Array.from({ length: 8 }, enter));
  expect(most).toEqual(Array(8).fill(1));
});

test('who waits too long is told which process has it', async () => {
  await using folder = await openDataFolder();
  const path = join(folder.path, 'x.lock');
  await takeLock(path);
  await expect(waitForLock(path, 0)).rejects.toThrow(`process ${process.pid} has held ${path}`);
});

test('of many calls racing for a stale lock exactly one gets it', async () => {
  await using folder = await openDataFolder();
  for (let round = 0; round < 10; round++) {
    const path = join(folder.path, `${round}.lock`);
    await writeFile(path, JSON.stringify({ pid: process.pid, startedAt: 'in another boot', id: 'old' }));
    const taken = await Promise.all(Array.from({ length: 20 }, () => takeLock(path)));
    expect(taken.filter(({ locked }) => locked)).toHaveLength(1);
  }
});

test('of many processes racing for a stale lock exactly one gets it', async () => {
  await using folder = await openDataFolder();
  const path = join(folder.path, 'x.lock');
  await leaveStale(path);
  const racing = Array.from({ length: 8 }, () => contender(path));
  const said = await Promise.all(racing.map((one) => one.said));
  const winners = racing.filter((_, index) => said[index] === 'got it');
  expect(winners).toHaveLength(1);
  expect(said.filter((words) => words === `busy ${winners[0]?.pid}`)).toHaveLength(7);
  for (const one of racing) one.kill();
  await Promise.all(racing.map((one) => one.exit));
});
