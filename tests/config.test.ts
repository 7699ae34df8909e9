import { expect, test } from 'vitest';
import { readConfig, readSecrets } from '../src/config.ts';
import { openDataFolder } from './data-folder.ts';

test('nothing needs to be set', () => {
  expect(readConfig({})).toMatchObject({
    HOST: '127.0.0.1',
    PORT: 8787,
    DATA_DIR: '.data',
    LOG_LEVEL: 'info',
  });
});

test('an empty variable is one that is not set', () => {
  expect(readConfig({ PORT: '', DATABASE_URL: ' ', VAPI_SECRET: '' })).toEqual(readConfig({}));
});

test('every problem is told at once, each with what to do', () => {
  const read = () =>
    readConfig({
      PORT: 'eighty',
      PUBLIC_URL: 'example.com',
      DATABASE_URL: 'mysql://x',
      VAPI_SECRET: 'short',
      LOG_LEVEL: 'loud',
      TRUST_PROXY: 'perhaps',
    });
  expect(read).toThrow(/PORT: .*use a port/);
  for (const expected of [
    /PUBLIC_URL: .*https:\/\/example\.com/,
    /DATABASE_URL: .*postgres:\/\//,
    /VAPI_SECRET: .*openssl/,
    /LOG_LEVEL: .*use one of/,
    /TRUST_PROXY: .*on or off/,
  ]) {
    expect(read).toThrow(expected);
  }
});

test.each([
  [{ MIGRATE_DATABASE_URL: 'postgres://u@h/d' }, /set both/],
  [{ LLM_MODEL: 'some-model' }, /OPENAI_API_KEY/],
  [{ OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1' }, /LLM_MODEL/],
])('settings that make no sense alone are told: %o', (env, expected) => {
  expect(() => readConfig(env)).toThrow(expected);
});

test('secrets are made once and kept', async () => {
  await using folder = await openDataFolder();
  const config = readConfig({ DATA_DIR: folder.path });
  const first = await readSecrets(config);
  expect(first.vapiSecret.length).toBeGreaterThan(24);
  expect(first.demoKey).not.toBe(first.vapiSecret);
  expect(await readSecrets(config)).toEqual(first);
});
