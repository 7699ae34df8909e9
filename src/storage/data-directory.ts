import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSameProcess, processStart } from './lock-file.ts';

/** Where a running server listens, for the commands that talk to it. */
export interface Runtime {
  pid: number;
  url: string;
}

/** Makes the data directory. Others may pass through it (Postgres may run as another user), not list it. */
export async function openDataDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o711 });
}

/**
 * A secret that is made once and kept, readable by its owner only. Two processes asking at once get the same one:
 * the file appears whole or not at all.
 */
export async function keptSecret(dataDir: string, name: string, make: () => string): Promise<string> {
  const path = join(dataDir, name);
  const draft = `${path}.${randomUUID()}`;
  await openDataDirectory(dataDir);
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await writeFile(draft, `${make()}\n`, { mode: 0o600 });
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(draft);
  return (await readFile(path, 'utf8')).trim();
}

/** Says where this process listens, until it is disposed of. */
export async function writeRuntimeFile(dataDir: string, { url }: { url: string }): Promise<AsyncDisposable> {
  const path = join(dataDir, 'server.json');
  const runtime = { pid: process.pid, startedAt: await processStart(process.pid), url };
  await writeFile(path, `${JSON.stringify(runtime)}\n`, { mode: 0o644 });
  return {
    [Symbol.asyncDispose]: () => rm(path, { force: true }),
  };
}

/** The server that runs on this data directory; what a dead one left behind is ignored. */
export async function readRuntimeFile(dataDir: string): Promise<Runtime | undefined> {
  try {
    const runtime = JSON.parse(await readFile(join(dataDir, 'server.json'), 'utf8')) as Runtime & {
      startedAt: string;
    };
    return (await isSameProcess(runtime)) ? { pid: runtime.pid, url: runtime.url } : undefined;
  } catch {
    return undefined;
  }
}
