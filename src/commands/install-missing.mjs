// Installs what is missing before a script runs, so that `npm start` and `npm test` are one command on a fresh clone.
// Plain JavaScript for the machine's own Node: at this moment the project's Node may not be there yet.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const stamp = join(root, 'node_modules', '.holdline-installed');
const lock = join(root, '.installing');
/** An install that takes longer has died. */
const lockStaleMs = 10 * 60_000;

const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
if (Number(process.versions.node.split('.')[0]) < 20) {
  fail(`Holdline is started by Node 20 or later; this is ${process.version}.`);
}
if (!installed()) install();

function installed() {
  try {
    return readFileSync(stamp, 'utf8') === wanted;
  } catch {
    return false;
  }
}

function install() {
  takeTurn();
  try {
    // Somebody else may have installed it while we waited.
    if (installed()) return;
    console.log('Installing what is missing (npm ci); this happens once.');
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
    const { status, error } = spawnSync(npm, args, {
      cwd: root,
      stdio: 'inherit',
      shell: process.platform === 'win32',
    });
    if (status !== 0) {
      fail(
        `npm ci failed${error ? ` (${error.message})` : ''}. Its reason is above; check the network and try again.`,
      );
    }
    writeFileSync(stamp, wanted);
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** Making a folder succeeds for one process only. */
function takeTurn() {
  for (;;) {
    try {
      mkdirSync(lock);
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (age(lock) > lockStaleMs) rmSync(lock, { recursive: true, force: true });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  }
}

function age(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

function fail(message) {
  console.error(message);
  rmSync(lock, { recursive: true, force: true });
  process.exit(1);
}
