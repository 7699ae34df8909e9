import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { describe, expect, test } from 'vitest';
import { callRecord } from '#console/call-record.ts';
import { demoClinic } from '#organization/demo-clinic.ts';
import { readRuntimeFile } from '#storage/data-directory.ts';
import { promptsFolder } from '../../src/config.ts';
import { openDataFolder } from '../data-folder.ts';
import { Caller, vapiSecret } from '../running-app.ts';

const root = join(promptsFolder, '..');

/** A server process in a process group of its own, as a terminal would start it. */
async function startServer(
  dataDir: string,
): Promise<{ child: ChildProcess; url: string; exit: Promise<number | null> }> {
  const child = spawn(process.execPath, ['src/main.ts'], {
    cwd: root,
    detached: true,
    env: {
      PATH: process.env['PATH'],
      DATA_DIR: dataDir,
      PORT: '0',
      VAPI_SECRET: vapiSecret,
      LOG_LEVEL: 'info',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  let said = '';
  const started = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += String(chunk);
      if (said.includes('npm run call')) started.resolve();
    });
  }
  await Promise.race([started.promise, exit]);
  const runtime = await readRuntimeFile(dataDir);
  if (runtime === undefined) throw new Error(`the server did not start: ${said}`);
  return { child, url: runtime.url, exit };
}

async function asOwner<T>(dataDir: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const password = (await readFile(join(dataDir, 'postgres-password'), 'utf8')).trim();
  const port = readFileSync(join(dataDir, 'postgres/postmaster.pid'), 'utf8').split('\n')[3];
  const sql = postgres(`postgres://holdline_owner:${password}@127.0.0.1:${port}/holdline`, {
    onnotice: () => {},
  });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function postmasterPid(dataDir: string): number {
  return Number(readFileSync(join(dataDir, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Brings a call to the moment before it claims a slot. */
async function readyToClaim(url: string): Promise<Caller> {
  const caller = new Caller({ url });
  await caller.say('Next Tuesday, please.');
  caller.history.push({ role: 'user', content: 'The first one.' });
  return caller;
}

/** Holds back every claim in the ledger until released, so that a commit is running for as long as a test needs. */
async function holdBackClaims(sql: Sql): Promise<() => Promise<void>> {
  const reserved = await sql.reserve();
  for (const { id } of demoClinic.practitioners) {
    await reserved`select pg_advisory_lock(hashtextextended(${id}, 2))`;
  }
  return async () => {
    await reserved`select pg_advisory_unlock_all()`;
    reserved.release();
  };
}

async function claimIsWaiting(sql: Sql): Promise<void> {
  for (;;) {
    const [row] =
      await sql`select 1 from pg_stat_activity where wait_event_type = 'Lock' and wait_event = 'advisory'`;
    if (row !== undefined) return;
  }
}

describe('stopping during a running commit', () => {
  test.each([
    ['SIGTERM to the server alone', (child: ChildProcess) => child.kill('SIGTERM')],
    ['Ctrl-C to the whole group', (child: ChildProcess) => process.kill(-(child.pid ?? 0), 'SIGINT')],
  ])('%s: the commit is there afterwards, exit 0, no stray Postgres', async (_name, stop) => {
    await using folder = await openDataFolder();
    const dataDir = folder.path;
    const server = await startServer(dataDir);
    const caller = await readyToClaim(server.url);
    const answer = await asOwner(dataDir, async (sql) => {
      const release = await holdBackClaims(sql);
      const answering = caller.post().then((response) => response.text());
      await claimIsWaiting(sql);
      stop(server.child);
      // The door is closed before the commit ends.
      await expect
        .poll(() =>
          fetch(`${server.url}/health`).then(
            () => 'open',
            () => 'closed',
          ),
        )
        .toBe('closed');
      await release();
      return answering;
    });
    expect(answer).toMatch(/holding/i);
    expect(answer.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(await server.exit).toBe(0);
    expect(existsSync(join(dataDir, 'postgres/postmaster.pid'))).toBe(false);

    const again = await startServer(dataDir);
    const record = await asOwner(dataDir, (sql) => callRecord(sql, demoClinic.id, caller.callSid));
    expect(record.state).toMatchObject({ step: 'reserve', slotId: expect.stringMatching(/Z\/(lee|patel)$/) });
    process.kill(-(again.child.pid ?? 0), 'SIGTERM');
    expect(await again.exit).toBe(0);
  });
});

test('a server killed with kill -9 finds its data again, with the Postgres that was left behind', async () => {
  await using folder = await openDataFolder();
  const dataDir = folder.path;
  const server = await startServer(dataDir);
  const caller = await readyToClaim(server.url);
  expect(await (await caller.post()).text()).toMatch(/holding/i);
  const postgresPid = postmasterPid(dataDir);
  process.kill(-(server.child.pid ?? 0), 'SIGKILL');
  await server.exit;
  expect(isRunning(postgresPid)).toBe(true);

  const again = await startServer(dataDir);
  expect(postmasterPid(dataDir)).toBe(postgresPid);
  const resumed = Object.assign(new Caller(again), { callSid: caller.callSid });
  resumed.history.splice(0, resumed.history.length, ...caller.history, {
    role: 'assistant',
    content: 'I am holding it.',
  });
  expect(await resumed.say('Yes, this is Ann Miller.')).toMatch(/booked/i);
  process.kill(-(again.child.pid ?? 0), 'SIGTERM');
  expect(await again.exit).toBe(0);
  expect(existsSync(join(dataDir, 'postgres/postmaster.pid'))).toBe(false);
});

test('every problem of the configuration is told at once, and nothing is started', async () => {
  await using folder = await openDataFolder();
  const dataDir = folder.path;
  const child = spawn(process.execPath, ['src/main.ts'], {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      DATA_DIR: dataDir,
      PORT: 'eighty',
      DATABASE_URL: 'mysql://x',
      VAPI_SECRET: 'short',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  const [code] = await once(child, 'exit');
  expect(code).toBe(1);
  expect(said).toMatch(/PORT: .*0 .* to 65535/);
  expect(said).toMatch(/DATABASE_URL: .*postgres:\/\//);
  expect(said).toMatch(/VAPI_SECRET: .*16 characters/);
  expect(said).not.toMatch(/at .*\.ts:\d+/);
});
