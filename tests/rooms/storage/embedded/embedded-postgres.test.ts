import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chown, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openEmbeddedPostgres } from '#storage/embedded/embedded-postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { migrationsFolder } from '../../../../src/config.ts';
import { openDataFolder } from '../../../data-folder.ts';

const root = join(migrationsFolder, '..');
const log = createLog({ level: 'silent', pretty: false });
const isRoot = process.getuid?.() === 0;

type Holder = 'server' | 'command';
const open = (dataDir: string, holder: Holder = 'server') => openEmbeddedPostgres({ dataDir, holder, log });

async function dataFolder(): Promise<string> {
  const folder = await openDataFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return folder.path;
}

async function asOwner<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

const keep = (url: string) => asOwner(url, (sql) => sql`create table kept as select 7 as n`);
const kept = (url: string) => asOwner(url, async (sql) => (await sql`select n from kept`)[0]?.['n']);

function postmasterPid(dataDir: string): number {
  return Number(readFileSync(join(dataDir, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]);
}

/** A process of its own that holds the folder until its standard input closes. */
async function openElsewhere(dataDir: string, user?: { uid: number; gid: number }) {
  const script = `
    const { openEmbeddedPostgres } = await import('#storage/embedded/embedded-postgres.ts');
    const { createLog } = await import('#telemetry/log.ts');
    const log = createLog({ level: 'silent', pretty: false });
    const opened = await openEmbeddedPostgres({ dataDir: process.argv[1], holder: 'server', log });
    process.stdout.write(opened.migrateUrl);
    process.stdin.resume().on('end', () => opened[Symbol.asyncDispose]());`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, dataDir], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
    ...user,
  });
  const exit = once(child, 'exit');
  const said = await Promise.race([once(child.stdout, 'data'), exit]);
  const end = (how: () => void) => {
    how();
    return exit;
  };
  return {
    url: String(said[0]),
    pid: child.pid,
    close: () => end(() => child.stdin.end()),
    kill: () => end(() => child.kill('SIGKILL')),
  };
}

test('data is made and found again on the second open', async () => {
  const dataDir = await dataFolder();
  {
    await using first = await open(dataDir);
    await keep(first.migrateUrl);
  }
  expect(existsSync(join(dataDir, 'postgres/postmaster.pid'))).toBe(false);
  await using second = await open(dataDir);
  expect(await kept(second.migrateUrl)).toBe(7);
});

test('a second server is refused and told which process has the folder, a command attaches', async () => {
  const dataDir = await dataFolder();
  await using server = await open(dataDir);
  await keep(server.migrateUrl);
  await expect(open(dataDir)).rejects.toThrow(`another Holdline server (process ${process.pid})`);
  {
    await using command = await open(dataDir, 'command');
    expect(await kept(command.migrateUrl)).toBe(7);
  }
  expect(await kept(server.migrateUrl)).toBe(7);
});

test('the Postgres of a killed process is adopted', async () => {
  const dataDir = await dataFolder();
  const first = await openElsewhere(dataDir);
  await expect(open(dataDir)).rejects.toThrow(`process ${first.pid}`);
  await keep(first.url);
  const pid = postmasterPid(dataDir);
  await first.kill();
  await using second = await open(dataDir);
  expect(postmasterPid(dataDir)).toBe(pid);
  expect(await kept(second.migrateUrl)).toBe(7);
});

test('after a killed Postgres the data is there again', async () => {
  const dataDir = await dataFolder();
  {
    await using first = await open(dataDir);
    await keep(first.migrateUrl);
    process.kill(postmasterPid(dataDir), 'SIGKILL');
  }
  await using second = await open(dataDir);
  expect(await kept(second.migrateUrl)).toBe(7);
});

test('several that open a new folder at once share one Postgres', async () => {
  const dataDir = await dataFolder();
  await using all = new AsyncDisposableStack();
  const holders: Holder[] = ['server', 'command', 'command'];
  const opened = await Promise.all(holders.map(async (holder) => all.use(await open(dataDir, holder))));
  expect(new Set(opened.map(({ appUrl }) => appUrl)).size).toBe(1);
});

test('a folder that holds something else is refused and left as it is', async () => {
  const dataDir = await dataFolder();
  await mkdir(join(dataDir, 'postgres'));
  const file = join(dataDir, 'postgres/letter.txt');
  await writeFile(file, 'mine');
  await expect(open(dataDir)).rejects.toThrow(/holds something that is no Postgres database; move it away/);
  expect(readFileSync(file, 'utf8')).toBe('mine');
});

describe.skipIf(!isRoot)('as root', () => {
  test('Postgres runs as another user', async () => {
    const dataDir = await dataFolder();
    await using _ = await open(dataDir);
    expect((await stat(`/proc/${postmasterPid(dataDir)}`)).uid).not.toBe(0);
  });

  test('a folder Postgres cannot enter is refused with what to do', async () => {
    const closed = join(await dataFolder(), 'closed');
    await mkdir(closed, { mode: 0o700 });
    await expect(open(join(closed, 'data'))).rejects.toThrow(
      `cannot enter ${closed}: let it pass (chmod o+x`,
    );
  });

  test('started by an ordinary user, Postgres runs as that user', async () => {
    const dataDir = await dataFolder();
    const user = { uid: 65_534, gid: 65_534 };
    await chown(dataDir, user.uid, user.gid);
    const server = await openElsewhere(dataDir, user);
    expect((await stat(`/proc/${postmasterPid(dataDir)}`)).uid).toBe(user.uid);
    await server.close();
    expect(existsSync(join(dataDir, 'postgres/postmaster.pid'))).toBe(false);
  });
});
