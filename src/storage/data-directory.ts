import { randomUUID } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isSameProcess, type RunningProcess, thisProcess } from './running-process.ts';

/** Others may pass through, because Postgres may run as another user, but not list what is inside. */
const folderMode = 0o711;

/**
 * Makes the data directory where it is missing. The mode of one that exists is its owner's business.
 *
 * @throws when it cannot be made, with what to do
 */
export async function openDataDirectory(path: string): Promise<void> {
  const folder = resolve(path);
  try {
    const firstMade = await mkdir(folder, { recursive: true, mode: folderMode });
    if (firstMade !== undefined) await openUp(folder, firstMade);
    if (!(await stat(folder)).isDirectory()) throw new Error('it is not a folder');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`DATA_DIR: ${folder} cannot be used (${reason}); choose a folder that may be written`, {
      cause: error,
    });
  }
}

/**
 * A secret that is made once and kept, readable by its owner only. Two processes asking at once get the same one:
 * the file appears whole or not at all.
 */
export async function keptSecret(dataDir: string, name: string, make: () => string): Promise<string> {
  const path = join(dataDir, name);
  const kept = await readSecret(path);
  if (kept !== undefined) return kept;
  await openDataDirectory(dataDir);
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeToDisk(draft, `${make()}\n`);
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  return (await readSecret(path)) ?? keptSecret(dataDir, name, make);
}

/** Says where this process listens, until it is disposed of. */
export async function writeRuntimeFile(dataDir: string, { url }: { url: string }): Promise<AsyncDisposable> {
  const path = join(dataDir, 'server.json');
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, `${JSON.stringify({ ...(await thisProcess()), url })}\n`, { mode: 0o644 });
  await rename(draft, path);
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

/** The server that runs on this data directory; what a dead one left behind is ignored. */
export async function readRuntimeFile(dataDir: string): Promise<{ pid: number; url: string } | undefined> {
  try {
    const text = await readFile(join(dataDir, 'server.json'), 'utf8');
    const runtime = JSON.parse(text) as RunningProcess & { url: string };
    return (await isSameProcess(runtime)) ? { pid: runtime.pid, url: runtime.url } : undefined;
  } catch {
    return undefined;
  }
}

/** A strict umask takes bits from the mode that was asked for, on every folder made on the way. */
async function openUp(folder: string, firstMade: string): Promise<void> {
  for (let path = folder; ; path = dirname(path)) {
    await chmod(path, folderMode);
    if (path === resolve(firstMade)) return;
  }
}

async function readSecret(path: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(
      `${path} cannot be read; start Holdline as the user who made it, or choose another DATA_DIR`,
      { cause: error },
    );
  }
  // An empty secret would open the door to everybody.
  if (text.trim() === '') throw new Error(`${path} is empty; remove it and start again`);
  return text.trim();
}

/** On the disk before it gets its name: a power cut must not leave an empty secret behind. */
async function writeToDisk(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  await file.writeFile(text);
  await file.sync();
}
