/** How OpenAI-compatible providers really stream, one kind each, in words of our own. */
export interface ProviderStream {
  /** What is odd about it. */
  name: string;
  /** The body, as bytes would spell it. */
  sse: string;
  /** What the caller is to hear of it. */
  text: string;
  /** Calls of tools the platform brought, in order. */
  calls: [name: string, args: object][];
  /** The provider failed: an apology follows what was said. */
  fails?: true;
}

const done = 'data: [DONE]\n\n';

function event(chunk: object): string {
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

function chunk(delta: object, finish?: string | null, more: object = {}): string {
  return event({
    id: 'c1',
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, ...(finish === undefined ? {} : { finish_reason: finish }), ...more }],
  });
}

const say = (content: string) => chunk({ content }, null);
const stop = chunk({}, 'stop');
const called = chunk({}, 'tool_calls');

interface Fragment {
  index?: number | null;
  id?: string | null;
  name?: string | null;
  args?: unknown;
}

function fragment({ index, id, name, args }: Fragment): object {
  return {
    ...(index === undefined ? {} : { index }),
    ...(id === undefined ? {} : { id, type: 'function' }),
    function: { ...(name === undefined ? {} : { name }), ...(args === undefined ? {} : { arguments: args }) },
  };
}

const calls = (...fragments: Fragment[]) => chunk({ tool_calls: fragments.map(fragment) }, null);

const end = { name: 'endCall', args: '{}' };
const press = (digits: string): [string, object] => ['dtmf', { digits }];

export const providerStreams: ProviderStream[] = [
  {
    name: 'words in pieces',
    sse: `${say('Good ')}${say('day.')}${stop}${done}`,
    text: 'Good day.',
    calls: [],
  },
  {
    name: 'a role in every chunk, null, or never',
    sse: `${chunk({ role: 'assistant', content: 'One ' })}${chunk({ role: null, content: 'two' })}${chunk({ content: '.' })}${stop}${done}`,
    text: 'One two.',
    calls: [],
  },
  {
    name: 'a first chunk without choices, a last one with the usage only, and another behind it',
    sse: `${event({ choices: [], prompt_filter_results: [] })}${say('Yes.')}${stop}${event({ choices: [], usage: { total_tokens: 9 } })}${event({ choices: [], moderation: {} })}${done}`,
    text: 'Yes.',
    calls: [],
  },
  {
    name: 'choices null or missing',
    sse: `${event({ choices: null })}${event({})}${say('Yes.')}${stop}${done}`,
    text: 'Yes.',
    calls: [],
  },
  {
    name: 'two choices, interleaved',
    sse: `${say('Mine.')}${event({ choices: [{ index: 1, delta: { content: 'Not mine.' } }] })}${stop}${event({ choices: [{ index: 1, delta: {}, finish_reason: 'stop' }] })}${done}`,
    text: 'Mine.',
    calls: [],
  },
  {
    name: 'the whole message repeated beside each delta',
    sse: `${chunk({ content: 'Well ' }, null, { message: { content: 'Well ' } })}${chunk({ content: 'then.' }, 'stop', { message: { content: 'Well then.' } })}${done}`,
    text: 'Well then.',
    calls: [],
  },
  {
    name: 'the last words in the finish chunk',
    sse: `${say('All ')}${chunk({ content: 'set.' }, 'stop')}${done}`,
    text: 'All set.',
    calls: [],
  },
  {
    name: 'a finish that is said twice',
    sse: `${say('Fine.')}${stop}${chunk({ content: '' }, 'stop')}${done}`,
    text: 'Fine.',
    calls: [],
  },
  {
    name: 'a finish nobody knows',
    sse: `${say('Fine.')}${chunk({}, 'eos')}${done}`,
    text: 'Fine.',
    calls: [],
  },
  { name: 'no finish, only [DONE]', sse: `${say('Fine.')}${done}`, text: 'Fine.', calls: [] },
  { name: 'no [DONE], only a finish', sse: `${say('Fine.')}${stop}`, text: 'Fine.', calls: [] },
  {
    name: 'a finish for the filter',
    sse: `${say('Fine.')}${chunk({}, 'content_filter')}${done}`,
    text: 'Fine.',
    calls: [],
  },
  {
    name: 'CRLF line ends',
    sse: `${say('Fine.')}${stop}${done}`.replaceAll('\n', '\r\n'),
    text: 'Fine.',
    calls: [],
  },
  {
    name: 'CR line ends',
    sse: `${say('Fine.')}${stop}${done}`.replaceAll('\n', '\r'),
    text: 'Fine.',
    calls: [],
  },
  {
    name: 'comments before and between the chunks',
    sse: `: waiting\n\n: waiting\n\n${say('Here ')}: ping\n\n${say('I am.')}: {"not": "a chunk"}\n\n${stop}${done}`,
    text: 'Here I am.',
    calls: [],
  },
  {
    name: 'fields of the protocol nobody needs',
    sse: `retry: 10\nid: 7\nevent: message\n${say('Fine.')}${stop}${done}`,
    text: 'Fine.',
    calls: [],
  },
  {
    name: 'an event whose data is on two lines',
    sse: `data: {"choices":[{"index":0,\ndata: "delta":{"content":"Fine."}}]}\n\n${stop}${done}`,
    text: 'Fine.',
    calls: [],
  },
  {
    name: 'no blank after the colon',
    sse: `${say('Fine.')}${stop}${done}`.replaceAll('data: ', 'data:'),
    text: 'Fine.',
    calls: [],
  },
  {
    name: 'letters of several bytes',
    sse: `${say('Grüß Gott, 你好, 👋')}${stop}${done}`,
    text: 'Grüß Gott, 你好, 👋',
    calls: [],
  },
  {
    name: 'thinking in fields of its own',
    sse: `${chunk({ content: null, reasoning_content: 'Hm.' })}${chunk({ content: '', reasoning: 'Hm.' })}${chunk({ reasoning_details: [{ text: 'Hm.' }] })}${say('Tuesday.')}${stop}${done}`,
    text: 'Tuesday.',
    calls: [],
  },
  {
    name: 'thinking as a part of the content',
    sse: `${chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] }] })}${chunk({ content: [{ type: 'text', text: 'Tuesday.' }] })}${stop}${done}`,
    text: 'Tuesday.',
    calls: [],
  },
  {
    name: 'thinking inside the content, marked from outside',
    sse: `${chunk({ content: '<thought>Hm.', extra_content: { google: { thought: true } } })}${chunk({ content: '</thought>Tuesday.' })}${stop}${done}`,
    text: 'Tuesday.',
    calls: [],
  },
  {
    name: 'a refusal',
    sse: `${chunk({ content: null, refusal: 'I cannot ' })}${chunk({ refusal: 'do that.' })}${stop}${done}`,
    text: 'I cannot do that.',
    calls: [],
  },
  {
    name: 'a call in fragments',
    sse: `${calls({ index: 0, id: 'a', name: 'dtmf', args: '' })}${calls({ index: 0, args: '{"dig' })}${calls({ index: 0, args: 'its":"1"}' })}${called}${done}`,
    text: '',
    calls: [press('1')],
  },
  {
    name: 'a whole call in the finish chunk',
    sse: `${chunk({ tool_calls: [fragment({ index: 0, id: 'a', name: 'dtmf', args: '{"digits":"1"}' })] }, 'tool_calls', { usage: {} })}${done}`,
    text: '',
    calls: [press('1')],
  },
  {
    name: 'two calls in one chunk',
    sse: `${calls({ index: 0, id: 'a', name: 'dtmf', args: '{"digits":"1"}' }, { index: 1, id: 'b', name: 'dtmf', args: '{"digits":"2"}' })}${called}${done}`,
    text: '',
    calls: [press('1'), press('2')],
  },
  {
    name: 'two calls one after another, with a finish between them',
    sse: `${calls({ index: 0, id: 'a', name: 'dtmf', args: '{"digits":"1"}' })}${called}${calls({ index: 1, id: 'b', name: 'dtmf', args: '{"digits":"2"}' })}${called}${done}`,
    text: '',
    calls: [press('1'), press('2')],
  },
  {
    name: 'no index at all, and no type',
    sse: `${chunk({ tool_calls: [{ id: 'a', function: { name: 'dtmf', arguments: '{"digits":' } }] })}${chunk({ tool_calls: [{ function: { arguments: '"1"}' } }] })}${chunk({ tool_calls: [{ id: 'b', function: { name: 'dtmf', arguments: '{"digits":"2"}' } }] })}${called}${done}`,
    text: '',
    calls: [press('1'), press('2')],
  },
  {
    name: 'the other call’s index on a first fragment, and the name on every one',
    sse: `${calls({ index: 1, id: 'a', name: 'dtmf', args: '{"digits":' })}${calls({ index: 0, id: 'a', name: 'dtmf', args: '"1"}' })}${calls({ index: 0, id: 'b', name: 'dtmf', args: '{"digits":' })}${calls({ index: 1, id: 'b', name: 'dtmf', args: '"2"}' })}${called}${done}`,
    text: '',
    calls: [press('1'), press('2')],
  },
  {
    name: 'an index that starts at one',
    sse: `${say('So.')}${calls({ index: 1, id: 'a', ...end })}${called}${done}`,
    text: 'So.',
    calls: [['endCall', {}]],
  },
  {
    name: 'ids, names and types that are empty or null later on',
    sse: `${calls({ index: 0, id: 'a', name: 'dtmf', args: null })}${calls({ index: 0, id: '', name: '', args: '{"digits":' })}${calls({ index: 0, id: null, name: null, args: '"1"}' })}${called}${done}`,
    text: '',
    calls: [press('1')],
  },
  {
    name: 'an id that is empty from the start',
    sse: `${calls({ id: '', name: 'dtmf', args: '{"digits":"1"}' })}${called}${done}`,
    text: '',
    calls: [press('1')],
  },
  {
    name: 'an empty fragment behind complete arguments',
    sse: `${calls({ index: 0, id: 'a', name: 'dtmf', args: '{"digits":"1"}' })}${calls({ index: 0, args: '' })}${called}${done}`,
    text: '',
    calls: [press('1')],
  },
  ...['', 'null', '{}', '  '].map((args) => ({
    name: `no arguments, written ${JSON.stringify(args)}`,
    sse: `${calls({ index: 0, id: 'a', name: 'endCall', args })}${called}${done}`,
    text: '',
    calls: [['endCall', {}]] as [string, object][],
  })),
  {
    name: 'arguments as an object',
    sse: `${calls({ index: 0, id: 'a', name: 'dtmf', args: { digits: '1' } })}${called}${done}`,
    text: '',
    calls: [press('1')],
  },
  {
    name: 'a call, and a finish that says stop',
    sse: `${calls({ index: 0, id: 'a', name: 'dtmf', args: '{"digits":"1"}' })}${stop}${done}`,
    text: '',
    calls: [press('1')],
  },
  {
    name: 'words before a call',
    sse: `${say('Goodbye.')}${calls({ index: 0, id: 'a', ...end })}${called}${done}`,
    text: 'Goodbye.',
    calls: [['endCall', {}]],
  },
  {
    name: 'words behind a call',
    sse: `${calls({ index: 0, id: 'a', ...end })}${say('Goodbye.')}${stop}${done}`,
    text: 'Goodbye.',
    calls: [['endCall', {}]],
  },
  {
    name: 'tools the provider ran itself',
    sse: `${chunk({ executed_tools: [{ name: 'search' }] })}${say('Found it.')}${stop}${done}`,
    text: 'Found it.',
    calls: [],
  },
  {
    name: 'a tool nobody brought',
    sse: `${say('Let me see.')}${calls({ index: 0, id: 'a', name: 'search_web', args: '{}' })}${called}${done}`,
    text: 'Let me see.',
    calls: [],
  },
  {
    name: 'other lists that are null',
    sse: `${chunk({ content: 'Fine.', tool_calls: null, function_call: null, refusal: null })}${stop}${done}`,
    text: 'Fine.',
    calls: [],
  },
  {
    name: 'the whole answer in one event',
    sse: `${chunk({ role: 'assistant', content: 'Fine.' }, 'stop')}${done}`,
    text: 'Fine.',
    calls: [],
  },

  {
    name: 'nothing said and nothing called',
    sse: `${chunk({ content: '' }, 'stop')}${done}`,
    text: '',
    calls: [],
    fails: true,
  },
  {
    name: 'only a tool nobody brought',
    sse: `${calls({ index: 0, id: 'a', name: 'search_web', args: '{}' })}${called}${done}`,
    text: '',
    calls: [],
    fails: true,
  },
  {
    name: 'arguments cut off at the limit',
    sse: `${calls({ index: 0, id: 'a', name: 'dtmf', args: '{"dig' })}${chunk({}, 'length')}${done}`,
    text: '',
    calls: [],
    fails: true,
  },
  {
    name: 'arguments cut off, and a finish that denies it',
    sse: `${calls({ index: 0, id: 'a', name: 'dtmf', args: '{"dig' })}${called}${done}`,
    text: '',
    calls: [],
    fails: true,
  },
  {
    name: 'empty arguments cut off at the limit',
    sse: `${calls({ index: 0, id: 'a', name: 'dtmf', args: '' })}${chunk({}, 'length')}${done}`,
    text: '',
    calls: [],
    fails: true,
  },
  {
    name: 'an error event behind words',
    sse: `${say('Well ')}event: error\n${event({ error: { type: 'tool_use_failed', message: 'private words' } })}`,
    text: 'Well .',
    calls: [],
    fails: true,
  },
  {
    name: 'an error beside choices',
    sse: `${event({ error: { code: 502 }, choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }] })}${done}`,
    text: '',
    calls: [],
    fails: true,
  },
  {
    name: 'an error in a field no reader knows, then the end',
    sse: `${say('Well')}error: {"message": "broken"}\n\n`,
    text: 'Well.',
    calls: [],
    fails: true,
  },
  {
    name: 'choices that are an object',
    sse: `${event({ choices: {} })}${say('Fine.')}${stop}${done}`,
    text: 'Fine.',
    calls: [],
  },
  {
    name: 'calls that are nothing',
    sse: `${chunk({ content: 'Fine.', tool_calls: [null] })}${stop}${done}`,
    text: 'Fine.',
    calls: [],
  },
  {
    name: 'a call with a number for a name',
    sse: `${say('Well.')}${calls({ index: 0, id: 'a', name: 7 as unknown as string, args: '{}' })}${called}${done}`,
    text: 'Well.',
    calls: [],
    fails: true,
  },
  {
    name: 'a call without anything in it',
    sse: `${say('Well.')}${chunk({ tool_calls: [{}] })}${called}${done}`,
    text: 'Well.',
    calls: [],
    fails: true,
  },
  {
    name: 'a chunk that is no JSON',
    sse: `${say('Well.')}data: {"choices":[\n\n${done}`,
    text: 'Well.',
    calls: [],
    fails: true,
  },
];
