import { expect, test } from 'vitest';
import type { ModelRequest, ModelTool } from '#model/language-model.ts';
import { createRequestBodies } from '#model/request-body.ts';

const long = (text: string) => `${text} `.repeat(100);
const frozen: ModelTool = Object.freeze({
  type: 'function',
  function: { name: 'check_availability', description: 'Says “when”.', parameters: { type: 'object' } },
});
const passing: ModelTool = { type: 'function', function: { name: 'endCall' } };

function sent(bodies: ReturnType<typeof createRequestBodies>, request: ModelRequest): object {
  return JSON.parse(bodies(request).toString('utf8'));
}

test('a body says what was asked, also the second time, in any letters', () => {
  const bodies = createRequestBodies('gpt "x"');
  for (const name of ['Ann', 'Jürgen', '你好 👋', 'Ann']) {
    const parts = [long('Be “brief”\n— and kind. 👋'), `The caller is "${name}".`, long(`About ${name}`)];
    const history = [
      { role: 'user' as const, content: `I am ${name}\u0007` },
      {
        role: 'assistant' as const,
        content: null,
        tool_calls: [{ id: 'a', type: 'function' as const, function: { name: 'x', arguments: '{"a":"ü"}' } }],
      },
      { role: 'tool' as const, tool_call_id: 'a', content: '{}' },
    ];
    const content = parts.join('\n\n');
    const request: ModelRequest = {
      messages: [{ role: 'system', content, parts }, ...history],
      tools: [frozen, passing],
      temperature: 0.4,
      maxTokens: 100,
    };
    expect(sent(bodies, request)).toEqual({
      model: 'gpt "x"',
      stream: true,
      messages: [{ role: 'system', content }, ...history],
      tools: [frozen, passing],
      temperature: 0.4,
      max_completion_tokens: 100,
    });
  }
});

test('without tools or limits none are named; a system message without parts is taken as it is', () => {
  const messages = [{ role: 'system' as const, content: 'Be brief.' }];
  expect(sent(createRequestBodies('m'), { messages, tools: [] })).toEqual({
    model: 'm',
    stream: true,
    messages,
  });
});
