import { describe, expect, test } from 'vitest';
import { asTheyAre } from '#conversation/speech.ts';
import { openAssistantApi } from '#vapi/assistant-api.ts';
import { type AssistantParts, blocksFor, type FunctionTool } from '#vapi/assistant-blocks.ts';
import { planAssistant, type VapiAssistant } from '#vapi/assistant-sync.ts';
import { openVapiApi, type VapiApi } from '../../stand-ins/vapi-api.ts';

interface Block {
  tools: ({ type: string } & Record<string, unknown>)[];
}

const ourTool: FunctionTool = {
  type: 'function',
  function: {
    name: 'check_availability',
    description: 'Open times of a day.',
    parameters: { type: 'object', properties: { date: { type: 'string' } }, required: ['date'] },
  },
};
const sentence = (words: string) => asTheyAre(words, 'template');
const parts: AssistantParts = {
  organization: { id: 'o1', key: 'clinic', humanNumber: '+13125550101', model: 'holdline' },
  publicUrl: 'https://holdline.example',
  secret: 'a-secret-only-for-tests',
  sentences: {
    transferring: sentence('I will connect you.'),
    looking: sentence('One moment, please.'),
    unreachable: sentence('I am sorry.'),
  },
};

/** An assistant as its owner has made it, with things in it that are none of our business. */
const theirs: VapiAssistant = {
  name: 'Reception',
  firstMessage: 'Hello!',
  model: {
    provider: 'openai',
    model: 'gpt-4.1',
    fallbackModels: ['gpt-4o'],
    temperature: 0.3,
    messages: [{ role: 'system', content: 'We close early on Fridays.' }],
    toolIds: ['tool-7'],
    tools: [
      { type: 'dtmf' },
      { type: 'endCall', rejectionPlan: { conditions: [] } },
      { type: 'transferCall', destinations: [{ type: 'number', number: '+13125559999', extension: '7' }] },
      { type: 'function', function: { name: 'order_taxi' }, server: { url: 'https://taxi.example' } },
    ],
  },
  voice: { provider: '11labs', voiceId: 'v1', chunkPlan: { formatPlan: { enabled: false } } },
  server: { url: 'https://elsewhere.example', credentialId: 'cred-1', headers: { 'x-theirs': '1' } },
  serverMessages: ['transcript'],
  hooks: [{ on: 'customer.speech.timeout', do: [{ type: 'say', exact: 'Are you there?' }] }],
};

function plan(current: VapiAssistant, changed: Partial<AssistantParts['organization']> = {}) {
  const organization = { ...parts.organization, ...changed };
  const planned = planAssistant(current, blocksFor({ ...parts, organization }, [ourTool]), {
    speaks: organization.model,
    ourToolNames: [ourTool.function.name],
  });
  if (!planned.ok) throw new Error(planned.problem);
  return planned.plan;
}

/** Plans, sends, reads back and plans again, as the command does. */
async function synchronise(api: VapiApi, id: string, changed: Partial<AssistantParts['organization']> = {}) {
  const client = openAssistantApi({ apiKey: api.key, baseUrl: api.url, retries: 0 });
  const before = await client.read(id);
  if (!before.ok) throw new Error(before.problem);
  const { patch } = plan(before.assistant, changed);
  const answer = await client.change(id, patch);
  if (!answer.ok) throw new Error(answer.problem);
  const after = await client.read(id);
  if (!after.ok) throw new Error(after.problem);
  return { patch, after: after.assistant, again: plan(after.assistant, changed).patch };
}

describe('an assistant that points elsewhere', () => {
  test('points at us afterwards, keeps what is its owner’s, and a second look changes nothing', async () => {
    await using api = await openVapiApi();
    api.assistants.set('a1', structuredClone(theirs));
    const { after, again } = await synchronise(api, 'a1');
    expect(again).toEqual({});
    expect(after).toMatchObject({
      name: 'Reception',
      firstMessage: 'Hello!',
      model: {
        provider: 'custom-llm',
        url: 'https://holdline.example/vapi',
        headers: { 'x-holdline-key': expect.stringMatching(/^hl\.clinic\./) },
        metadataSendMode: 'variable',
        temperature: 0.3,
        messages: [{ role: 'system', content: 'We close early on Fridays.' }],
        toolIds: ['tool-7'],
      },
      voice: { voiceId: 'v1', chunkPlan: { enabled: true, formatPlan: { enabled: false } } },
      server: {
        url: 'https://holdline.example/vapi/events',
        credentialId: 'cred-1',
        headers: { 'x-theirs': '1', 'x-holdline-organization': 'clinic' },
      },
      hooks: [
        { on: 'customer.speech.timeout' },
        { on: 'call.ending', do: [{ type: 'tool', tool: { type: 'transferCall' } }] },
      ],
    });
    const model = after['model'] as Block;
    expect(model).not.toHaveProperty('fallbackModels');
    expect(model.tools.map((tool) => tool.type)).toEqual(['dtmf', 'endCall', 'transferCall', 'function']);
    expect(model.tools[1]).toMatchObject({
      rejectionPlan: {},
      messages: [{ type: 'request-start', content: '' }],
    });
    expect(model.tools[2]?.['destinations']).toEqual([
      expect.objectContaining({ number: '+13125550101', numberE164CheckEnabled: true }),
    ]);
    expect(after['serverMessages']).toContain('end-of-call-report');
    expect(after['serverMessages']).not.toContain('transcript');
  });

  test('is sent whole blocks, because Vapi replaces what it is sent', async () => {
    await using api = await openVapiApi();
    api.assistants.set('a1', structuredClone(theirs));
    await synchronise(api, 'a1');
    // A voice elsewhere in the dashboard, a header added: the next patch is of those blocks alone.
    const now = api.assistants.get('a1') ?? {};
    api.assistants.set('a1', { ...now, model: { ...(now['model'] as object), url: 'https://old.example' } });
    const { patch } = await synchronise(api, 'a1');
    expect(Object.keys(patch)).toEqual(['model']);
    expect(patch['model']).toMatchObject({
      messages: [{ role: 'system', content: 'We close early on Fridays.' }],
      toolIds: ['tool-7'],
    });
  });

  test('that is quite empty is filled, and what cannot be arranged is said', async () => {
    await using api = await openVapiApi();
    api.assistants.set('a1', {});
    const { after, again } = await synchronise(api, 'a1', { humanNumber: null });
    expect(again).toEqual({});
    expect((after['model'] as Block).tools.map((tool) => tool.type)).toEqual(['endCall']);
    expect(plan({}, { humanNumber: null }).notes).toEqual([
      expect.stringMatching(/voice/),
      expect.stringMatching(/humanNumber/),
    ]);
  });
});

describe('the hook for when we are down', () => {
  const hookOf = (hooks: unknown) =>
    (hooks as { on: string; filters: { oneOf: string[] }[] }[]).find((one) => one.on === 'call.ending');

  test('names every way a custom model fails, before and during a call', () => {
    const reasons = hookOf(plan({}).patch['hooks'])?.filters[0]?.oneOf ?? [];
    expect(reasons).toHaveLength(14);
    expect(reasons).toContain('pipeline-error-custom-llm-llm-failed');
    expect(reasons).toContain('call.in-progress.error-vapifault-custom-llm-401-unauthorized');
    expect(reasons).toContain('call.in-progress.error-providerfault-custom-llm-500-server-error');
  });

  test('follows the human’s number, and goes when there is none', async () => {
    await using api = await openVapiApi();
    api.assistants.set('a1', structuredClone(theirs));
    await synchronise(api, 'a1');
    const { after } = await synchronise(api, 'a1', { humanNumber: '+13125550102' });
    expect(JSON.stringify(after)).not.toContain('+13125550101');
    const without = await synchronise(api, 'a1', { humanNumber: null });
    expect(hookOf(without.after['hooks'])).toBeUndefined();
    expect(without.again).toEqual({});
  });
});

describe('a clinic that keeps a model of Vapi’s own', () => {
  test('gets our tools with words for the wait, and its model stays', async () => {
    await using api = await openVapiApi();
    api.assistants.set('a1', structuredClone(theirs));
    const { after, again } = await synchronise(api, 'a1', { model: 'platform' });
    expect(again).toEqual({});
    const model = after['model'] as Block;
    expect(model).toMatchObject({ provider: 'openai', model: 'gpt-4.1', fallbackModels: ['gpt-4o'] });
    expect(model.tools.at(-1)).toMatchObject({
      function: { name: 'check_availability' },
      server: { url: 'https://holdline.example/tools/booking-handler' },
      messages: [
        { type: 'request-start', content: 'One moment, please.' },
        { type: 'request-failed', content: 'I am sorry.' },
      ],
    });
    // Back to our model: ours needs no tools at Vapi, and they go.
    const { after: back } = await synchronise(api, 'a1');
    expect(JSON.stringify(back)).not.toContain('check_availability');
  });

  test('must have one', () => {
    const wanted = blocksFor({ ...parts, organization: { ...parts.organization, model: 'platform' } }, [
      ourTool,
    ]);
    for (const current of [{}, { model: { provider: 'custom-llm', url: 'https://x.example', model: 'x' } }]) {
      const planned = planAssistant(current, wanted, { speaks: 'platform', ourToolNames: [] });
      expect(planned).toMatchObject({ ok: false, problem: expect.stringContaining('choose one') });
    }
  });
});

describe('Vapi in trouble', () => {
  test.each([
    [{ trouble: [401] }, /VAPI_API_KEY/],
    [{ trouble: [404] }, /no assistant a1/],
    [{ trouble: [429] }, /wait a minute/],
    [{ trouble: [500] }, /fails \(500\)/],
    [{ trouble: ['silent'] }, /did not answer within 0.2 s/],
    [{ trouble: [{ slowMs: 1000 }] }, /did not answer within 0.2 s/],
    [{ trouble: ['nonsense'] }, /not Vapi/],
  ] as const)('%j is told with what to do', async ({ trouble }, problem) => {
    await using api = await openVapiApi();
    api.assistants.set('a1', {});
    api.trouble.push(...trouble);
    const client = openAssistantApi({ apiKey: api.key, baseUrl: api.url, retries: 0, timeoutSeconds: 0.2 });
    expect(await client.read('a1')).toEqual({ ok: false, problem: expect.stringMatching(problem) });
  });

  test('a wrong key, a wrong id, and a patch that Vapi refuses are told apart', async () => {
    await using api = await openVapiApi();
    api.assistants.set('a1', {});
    const client = openAssistantApi({ apiKey: api.key, baseUrl: api.url, retries: 0 });
    const stranger = openAssistantApi({ apiKey: 'not the key', baseUrl: api.url, retries: 0 });
    expect(await stranger.read('a1')).toMatchObject({ problem: expect.stringMatching(/VAPI_API_KEY/) });
    expect(await client.read('a2')).toMatchObject({ problem: expect.stringMatching(/no assistant a2/) });
    expect(await client.change('a1', { model: { provider: 'custom-llm' } })).toMatchObject({
      problem: expect.stringMatching(/refuses the change \(400\): .*url/),
    });
    expect(api.assistants.get('a1')).toEqual({});
    await api[Symbol.asyncDispose]();
    expect(await client.read('a1')).toMatchObject({ problem: expect.stringMatching(/cannot be reached/) });
  });

  test('too many requests are waited out once', async () => {
    await using api = await openVapiApi();
    api.assistants.set('a1', {});
    api.trouble.push(429);
    const client = openAssistantApi({ apiKey: api.key, baseUrl: api.url, retries: 1 });
    expect(await client.read('a1')).toMatchObject({ ok: true });
    expect(api.asked).toHaveLength(2);
  });
});
