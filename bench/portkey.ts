import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Installation } from './installation.ts';
import { type Running, root, start } from './processes.ts';

const folder = join(root, 'bench/portkey');
const program = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js');

/**
 * Portkey's gateway, installed on first use into a folder of the benchmarks: the product does not depend on it.
 *
 * @returns nothing, and a note, where it cannot be installed
 */
export async function startPortkey(
  installation: Installation,
): Promise<{ running: Running; path: string; headers: Record<string, string> } | undefined> {
  if (!existsSync(program)) {
    try {
      execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
        cwd: folder,
        stdio: 'pipe',
        timeout: 180_000,
      });
    } catch {
      installation.notes.push('Portkey could not be installed: it is missing in this run');
      return undefined;
    }
  }
  const port = await freePort();
  const running = await start('portkey', [program, '--headless', `--port=${port}`], {
    role: 'measured',
    env: { NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1' },
  });
  return {
    running: { ...running, url: `http://127.0.0.1:${port}` },
    path: '/v1/chat/completions',
    headers: {
      authorization: 'Bearer none',
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': `${installation.model.url}/v1`,
    },
  };
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
