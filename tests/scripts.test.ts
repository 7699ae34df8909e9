import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

test('every command installs what is missing first, so that any of them may be the first on a fresh clone', async () => {
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8'));
  const commands = Object.keys(scripts).filter((name) => name !== 'postinstall' && !isHook(name));
  expect(commands).toContain('organization');
  for (const name of commands) {
    expect(scripts[`pre${name}`], name).toBe('node src/commands/install-missing.mjs');
  }

  function isHook(name: string): boolean {
    return name.startsWith('pre') && scripts[name.slice(3)] !== undefined;
  }
});
