import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import postgres, { type Sql, type TransactionSql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inTenant, openPostgres, type Postgres } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { type LedgerDatabase, openLedgerDatabase } from '../../ledger-database.ts';

// What `patches/README.md` says of the driver's patch is shown here: each hunk by the test it names.

const cuts = 60;
const tenant = '0d3c11c0-0000-4000-8000-000000000009';
const log = createLog({ level: 'silent', pretty: false });

let database: LedgerDatabase;
let admin: Sql;

beforeAll(async () => {
  database = await openLedgerDatabase();
  admin = postgres(database.ownerUrl, { max: 1, onnotice: () => {} });
});

afterAll(async () => {
  await admin?.end();
  await database?.[Symbol.asyncDispose]();
});

/** One connection, so that whatever is lost on it meets whatever comes next. */
function oneConnection(url = database.appUrl): Promise<Postgres> {
  return openPostgres({ url, poolSize: 1, log });
}

async function kill(pid: number): Promise<void> {
  await admin`select pg_terminate_backend(${pid}, 5000)`;
}

async function pidOf(sql: Sql | TransactionSql): Promise<number> {
  const [row] = await sql<[{ pid: number }]>`select pg_backend_pid() as pid`;
  return row.pid;
}

/** Asks until the pool answers: what it was waiting for when the connection was lost may fail, nothing after it. */
async function answersAgain({ sql }: Postgres): Promise<void> {
  await sql`select 1`.catch(() => {});
  for (let n = 0; n < 3; n += 1) expect(await sql`select 1 as n`).toEqual([{ n: 1 }]);
}

describe('a transaction whose connection is lost', () => {
  test('while it waits for something else: the rest of it runs on no other connection', async () => {
    await using pool = await oneConnection();
    const { sql } = pool;
    let restDone: Promise<unknown> | undefined;
    const whole = sql.begin(async (tx) => {
      await kill(await pidOf(tx));
      // Somebody else's statement opens the connection anew.
      await sql`select 1`;
      const rest = tx`create temporary table written_after_the_loss ()`;
      restDone = rest.catch(() => {});
      return rest;
    });
    await expect(whole).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    await expect.poll(() => restDone !== undefined).toBe(true);
    await restDone;
    expect(await sql`select to_regclass('pg_temp.written_after_the_loss') as there`).toEqual([
      { there: null },
    ]);
  });

  test('in the middle of a statement: it fails, the process goes on, and the pool answers', async () => {
    await using pool = await oneConnection();
    const whole = pool.sql.begin(async (tx) => {
      const pid = await pidOf(tx);
      const sleeping = tx`select pg_sleep(60)`.execute();
      await kill(pid);
      await sleeping;
    });
    await expect(whole).rejects.toThrow();
    await answersAgain(pool);
  });

  test('with statements that wait for their turn: they fail with it', async () => {
    await using pool = await oneConnection();
    const { sql } = pool;
    const settled: string[] = [];
    const whole = sql.begin(async (tx) => {
      const pid = await pidOf(tx);
      // A statement with parameters that is new to the connection keeps those behind it in the transaction's own queue.
      const statements = [tx`select pg_sleep(${60})`, tx`select ${1}::int`, tx`select ${2}::int`];
      const all = Promise.all(statements.map((one) => one.catch(() => settled.push('failed'))));
      await kill(pid);
      await all;
    });
    await expect(whole).rejects.toThrow();
    await expect.poll(() => settled).toEqual(['failed', 'failed', 'failed']);
    await answersAgain(pool);
  });
});

/** Stands between a pool and Postgres; looks at what the pool sends. */
async function startProxy(onPiece: (piece: Buffer, client: Socket) => 'pass' | 'drop') {
  const url = new URL(database.appUrl);
  const ledger = { host: url.hostname, port: Number(url.port) };
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(ledger);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => other.destroy());
    }
    client.on('data', (piece) => {
      if (onPiece(piece, client) === 'pass') upstream.write(piece);
    });
    upstream.on('data', (piece) => client.write(piece));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

test('a connection that is reset in a transaction fails what was sent after the reset, too, and is opened anew', async () => {
  let reset = false;
  await using proxy = await startProxy((piece, client) => {
    if (!reset || !piece.includes('to be reset')) return 'pass';
    reset = false;
    client.resetAndDestroy();
    return 'drop';
  });
  await using pool = await oneConnection(proxy.url);
  reset = true;
  await expect(pool.sql.begin((tx) => tx`select 'to be reset'`)).rejects.toThrow();
  await answersAgain(pool);
});

test('what waits to be sent when a connection is reset is sent on no other one, and keeps none from sending', async () => {
  let reset = false;
  await using proxy = await startProxy((piece, client) => {
    if (!reset || !piece.includes('to be reset')) return 'pass';
    reset = false;
    client.resetAndDestroy();
    return 'drop';
  });
  await using pool = await oneConnection(proxy.url);
  reset = true;
  const whole = pool.sql.begin(async (tx) => {
    await tx`select 'to be reset'`.catch(() => {});
    // The socket has failed and is not closed yet; what is written now would be sent in the event loop's next round.
    await new Promise(setImmediate);
    await tx`select 'too late'`;
  });
  await expect(whole).rejects.toThrow();
  await answersAgain(pool);
});

test('a connection on which the driver’s question for types fails is opened anew, and reads arrays', async () => {
  let fail = true;
  await using proxy = await startProxy((piece) => {
    if (fail && piece.includes('pg_catalog.pg_type')) {
      fail = false;
      piece.write('pg_catalog.no_type', piece.indexOf('pg_catalog.pg_type'));
    }
    return 'pass';
  });
  const sql = postgres(proxy.url, { max: 1, backoff: () => 0 });
  try {
    // Whoever opened the connection is told of it, and so may be whoever asks before it is closed.
    await expect(sql`select 1`).rejects.toThrow(/no_type/);
    await sql`select 1`.catch(() => {});
    expect(await sql`select array['a', 'b'] as letters`).toEqual([{ letters: ['a', 'b'] }]);
  } finally {
    await sql.end({ timeout: 1 });
  }
});

test('a connection that is lost while the driver asks for its types fails nobody but itself', async () => {
  let lose = 0;
  await using proxy = await startProxy((piece, client) => {
    if (lose === 0 || !piece.includes('typcategory')) return 'pass';
    lose -= 1;
    client.destroy();
    return 'drop';
  });
  await using pool = await oneConnection(proxy.url);
  await kill(await pidOf(pool.sql));
  lose = 1;
  await answersAgain(pool);
  expect(lose).toBe(0);
});

test('connections that are cut in the middle of anything fail what they carried, and nothing after it', async () => {
  await using pool = await openPostgres({ url: database.appUrl, poolSize: 6, log });
  const { sql } = pool;
  let over = false;
  let failures = 0;
  const work = async (attempt: () => Promise<unknown>) => {
    while (!over) {
      await attempt().catch(() => {
        failures += 1;
      });
    }
  };
  const small = () => sql`select 1`;
  const large = () => sql`select length(${'x'.repeat(2_000)})`;
  const several = () =>
    inTenant(sql, tenant, async (tx) => {
      await tx`select 1`;
      await new Promise(setImmediate);
      await tx`select array['a'] as names`;
    });
  const working = [small, large, several, several].flatMap((one) => [work(one), work(one), work(one)]);
  for (let cut = 0; cut < cuts; cut += 1) {
    await admin`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`;
    await new Promise((resolve) => setTimeout(resolve, (cut * 7) % 40));
  }
  over = true;
  await Promise.all(working);

  expect(failures).toBeGreaterThan(0);
  // The last cut may be noticed by the first statement after it.
  await Promise.all(Array.from({ length: 24 }, () => sql`select 1`.catch(() => {})));
  const answers = await Promise.all(Array.from({ length: 24 }, () => sql<{ n: number }[]>`select 1 as n`));
  expect(answers.every(([row]) => row?.n === 1)).toBe(true);
});
