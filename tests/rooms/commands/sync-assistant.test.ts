import { expect, test } from 'vitest';
import { demoClinic } from '#organization/demo-clinic.ts';
import { runCommand } from '../../run-command.ts';
import { startApp, vapiSecret } from '../../running-app.ts';
import { openVapiApi, type VapiApi } from '../../stand-ins/vapi-api.ts';

test('an assistant is shown what would change, is changed with --apply, and then nothing is left to change', async () => {
  await using app = await startApp();
  await using vapi = await openVapiApi();
  vapi.assistants.set('a1', {
    model: { provider: 'openai', model: 'gpt-4.1', messages: [{ role: 'system', content: 'Be kind.' }] },
    voice: { provider: 'vapi', voiceId: 'Clara' },
  });
  const env = {
    VAPI_API_KEY: vapi.key,
    VAPI_BASE_URL: vapi.url,
    VAPI_SECRET: vapiSecret,
    PUBLIC_URL: 'https://holdline.example',
  };
  const sync = (args: string[], more: Record<string, string> = {}) =>
    runCommand(app.ledgerUrl, ['sync-assistant', '--organization', demoClinic.key, ...args], {
      env: { ...env, ...more },
    });

  const shown = await sync([], { VAPI_ASSISTANT_ID_BOOKING: 'a1' });
  expect(shown, shown.said).toMatchObject({ code: 0 });
  expect(shown.stdout).toContain('~ model.provider: "openai" → "custom-llm"');
  expect(shown.stdout).toContain('+ server: {"url":"https://holdline.example/vapi/events"');
  expect(shown.said).not.toMatch(/hl\.demo-clinic\.[\w-]{20}/);
  expect(vapi.asked.map(({ what }) => what)).toEqual(['GET /assistant/a1']);

  const applied = await sync(['--assistant', 'a1', '--apply']);
  expect(applied, applied.said).toMatchObject({ code: 0 });
  expect(vapi.assistants.get('a1')).toMatchObject({
    model: { url: 'https://holdline.example/vapi', messages: [{ content: 'Be kind.' }] },
    hooks: [{ on: 'call.ending' }],
  });
  // What was written into the assistant opens the running server, for this organization alone.
  const { headers } = modelOf(vapi) as { headers: Record<string, string> };
  const turn = await fetch(`${app.url}/vapi/chat/completions`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ stream: false, messages: [], call: { id: 'call-1' } }),
  });
  expect(await turn.text()).toContain('the demo clinic');

  const again = await sync(['--assistant', 'a1', '--apply']);
  expect(again).toMatchObject({ code: 0, said: expect.stringContaining('Nothing to change') });
  expect(vapi.asked.filter(({ what }) => what.startsWith('PATCH'))).toHaveLength(1);

  vapi.assistants.set('a1', {});
  vapi.holdsBack = true;
  const held = await sync(['--assistant', 'a1', '--apply']);
  expect(held).toMatchObject({ code: 1, said: expect.stringMatching(/does not show all of it[\s\S]*model/) });
});

test('a clinic that keeps Vapi’s model gets every tool of ours, in the form Vapi takes', async () => {
  await using app = await startApp();
  await using vapi = await openVapiApi();
  vapi.assistants.set('a1', { model: { provider: 'openai', model: 'gpt-4.1' } });
  await runCommand(app.ledgerUrl, ['organization', 'set', demoClinic.key, 'model=platform']);
  const env = {
    VAPI_API_KEY: vapi.key,
    VAPI_BASE_URL: vapi.url,
    VAPI_SECRET: vapiSecret,
    PUBLIC_URL: 'https://h.example',
  };
  const args = ['--organization', demoClinic.key, '--assistant', 'a1', '--apply'];
  const applied = await runCommand(app.ledgerUrl, ['sync-assistant', ...args], { env });
  expect(applied, applied.said).toMatchObject({ code: 0 });
  const { tools } = modelOf(vapi) as { tools: { function?: { name: string } }[] };
  const names = tools.map((tool) => tool.function?.name);
  expect(names).toEqual(expect.arrayContaining(['check_availability', 'reserve_slot', 'send_sms_reminder']));
});

test('what is missing is told all at once, and nothing is asked of Vapi', async () => {
  await using app = await startApp();
  await using vapi = await openVapiApi();
  const { code, said } = await runCommand(app.ledgerUrl, ['sync-assistant', '--organization', 'nobody']);
  expect(code).toBe(1);
  for (const missing of [
    /there is no nobody; there are: demo-clinic/,
    /--assistant:/,
    /VAPI_API_KEY:/,
    /PUBLIC_URL:/,
  ]) {
    expect(said).toMatch(missing);
  }
  expect(said).not.toContain('    at ');
  expect(vapi.asked).toEqual([]);
});

function modelOf(vapi: VapiApi): unknown {
  return vapi.assistants.get('a1')?.['model'];
}
