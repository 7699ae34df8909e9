import { expect, test } from 'vitest';
import { createRehearsalModel } from '#model/rehearsal/rehearsal.ts';
import {
  after,
  appointment,
  conversation,
  four,
  heard,
  offers,
  ownTools,
  reply,
  system,
  tool,
  two,
  wednesday,
} from './rehearsed-reply.ts';

test('a call in which nobody has spoken is opened with a greeting and the question for the day', async () => {
  const { say, call } = await reply([system({})]);
  expect(say).toMatch(/^Hello.*Which day/);
  expect(call).toBeUndefined();
});

test.each([
  ["Hi, I'd like an appointment next Tuesday after lunch.", { date: 'next tuesday', time: 'after lunch' }],
  ['Tomorrow.', { date: 'tomorrow' }],
  ['Could I come in on the 3rd, around ten thirty?', { date: 'the 3rd', time: 'around ten thirty' }],
  ['November 24th at 2 pm please', { date: 'november 24th', time: 'at 2 pm' }],
  ['2026-11-24 in the morning', { date: '2026-11-24', time: 'in the morning' }],
  ['A week from Friday with Doctor Lee', { date: 'a week from friday', practitioner: 'Dr. Lee' }],
  ['Not Monday. Can we do Wednesday?', { date: 'wednesday' }],
  ['Monday. No, sorry, Thursday.', { date: 'thursday' }],
  ['As soon as possible, I have a toothache.', { date: 'today' }],
  [
    'In two weeks, half past two in the afternoon',
    { date: 'in two weeks', time: 'half past two in the afternoon' },
  ],
])('day words are looked up as the caller said them: %s', async (words, wish) => {
  expect((await after(heard.nothing, words, {})).call).toEqual({
    name: 'check_availability',
    arguments: wish,
  });
});

test('a practitioner and a time named before the day are not forgotten', async () => {
  const { call } = await reply([
    system({}),
    { role: 'user', content: 'I need to see Dr. Lee, in the morning if possible.' },
    { role: 'assistant', content: 'which day would you like to come in?' },
    { role: 'user', content: 'Friday' },
  ]);
  expect(call?.arguments).toEqual({ date: 'friday', time: 'in the morning', practitioner: 'Dr. Lee' });
});

test.each(["I'd like to book an appointment.", 'Hello?', 'Hmm, let me think.', 'in the morning'])(
  'without a day the caller is asked for one: %s',
  async (words) => {
    expect(await after(heard.nothing, words, {})).toEqual({
      say: 'Which day would you like to come in?',
      finish: 'stop',
    });
  },
);

test.each([
  ['The first one, please.', 'slot_1'],
  ['the second', 'slot_2'],
  ['The last one', 'slot_3'],
  ["I'll take the two thirty", 'slot_2'],
  ['2:30 works', 'slot_2'],
  ['Half past two.', 'slot_2'],
  ['four please', 'slot_3'],
  ['Tuesday at four is good', 'slot_3'],
  ['The one with Doctor Patel', 'slot_2'],
  ['Not the first one, the second one', 'slot_2'],
  ['whichever', 'slot_1'],
])('an offer is chosen by place, time or practitioner: %s', async (words, slotId) => {
  const { call } = await after(heard.offers, words, { offers });
  expect(call).toEqual({ name: 'reserve_slot', arguments: { slotId } });
});

test.each(['Yes', 'that one', 'That works for me.', 'sounds good'])(
  'a single offer is taken by: %s',
  async (words) => {
    const { call } = await after(heard.offers, words, { offers: [four] });
    expect(call).toEqual({ name: 'reserve_slot', arguments: { slotId: 'slot_3' } });
  },
);

test('a day picks the one offer on it when offers are on several days', async () => {
  const { call } = await after(heard.offers, 'Wednesday then', { offers: [...offers, wednesday] });
  expect(call).toEqual({ name: 'reserve_slot', arguments: { slotId: 'slot_4' } });
});

test.each(['yes', 'with Doctor Lee'])(
  'words that leave several offers open bring a question: %s',
  async (words) => {
    const { say, call } = await after(heard.offers, words, { offers });
    expect(call).toBeUndefined();
    expect(say).toContain('four in the afternoon with Doctor Lee');
    expect(say).toMatch(/Which would you like\?$/);
  },
);

test.each([
  ['Do you have something later?', { date: '2026-11-24', time: 'after 16:01' }],
  ['anything earlier', { date: '2026-11-24', time: 'before 14:00' }],
  ['Do you have anything after five pm?', { date: '2026-11-24', time: 'after five pm' }],
  ['do you have 3:30?', { date: '2026-11-24', time: '3:30' }],
  ['Another day would be better.', { date: '2026-11-25' }],
  ['No, Thursday is better.', { date: 'thursday' }],
  ['Tomorrow at two?', { date: 'tomorrow', time: 'at two' }],
  ['Do you have anything with Doctor Patel?', { date: '2026-11-24', practitioner: 'Dr. Patel' }],
])('a wish beside the offers is looked up: %s', async (words, wish) => {
  expect((await after(heard.offers, words, { offers })).call).toEqual({
    name: 'check_availability',
    arguments: wish,
  });
});

test.each(['No.', 'none of those work'])(
  'a caller who likes no offer is asked for another time: %s',
  async (words) => {
    expect((await after(heard.offers, words, { offers })).say).toBe(
      'Which other day or time would suit you?',
    );
  },
);

test('offers that stand in the state before the caller heard any are not chosen from', async () => {
  const { call } = await reply([system({ offers }), { role: 'user', content: 'Tuesday at two' }]);
  expect(call).toEqual({ name: 'check_availability', arguments: { date: 'tuesday', time: 'at two' } });
});

test.each([
  [
    { success: true, date: '2026-11-24', slots: [two, four] },
    `I have ${two.spoken} or ${four.spoken}. Which would you like?`,
  ],
  [
    { success: true, slotId: 'slot_1', expiresAt: '2026-11-24T19:00:00Z' },
    'I am holding that time for you. What name shall I book it under?',
  ],
  [{ success: true, appointmentId: 'a1' }, 'You are booked. Is there anything else I can do for you?'],
  [
    { success: false, reason: 'taken', nearest: [four] },
    `That does not work, but I have ${four.spoken}. Would one of those suit you?`,
  ],
  [{ success: false, reason: 'no_hold' }, 'That did not work. Which other day or time would suit you?'],
])('a tool result at the end of the history is put into a sentence: %j', async (result, sentence) => {
  const { say } = await reply([
    system({ offers }),
    { role: 'user', content: 'yes' },
    {
      role: 'assistant',
      content: '',
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'x', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: JSON.stringify(result) },
  ]);
  expect(say).toBe(sentence);
});

test.each([
  '',
  '<call_state>',
  '<call_state>{"offers":</call_state>',
  '<call_state>{"offers":7,"hold":"x","patient":null}</call_state>',
  '<call_state>null</call_state>',
])('a call state that cannot be read counts as a call at its beginning: %s', async (block) => {
  const { call } = await reply([
    { role: 'system', content: `You are Holly.\n${block}` },
    { role: 'user', content: 'Tuesday' },
  ]);
  expect(call).toEqual({ name: 'check_availability', arguments: { date: 'tuesday' } });
});

test('the last call state in the system message counts', async () => {
  const quoted = '<call_state>{"offers":[]}</call_state>';
  const { content } = system({ offers });
  const { call } = await reply([
    { role: 'system', content: `${quoted} ${content}` },
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: heard.offers },
    { role: 'user', content: 'the first one' },
  ]);
  expect(call?.name).toBe('reserve_slot');
});

test('text comes word by word, before the tool call and the finish', async () => {
  const types: string[] = [];
  const texts: string[] = [];
  const messages = conversation(heard.booked, 'bye', { appointment });
  const request = { messages, tools: [...ownTools, tool('endCall')] };
  for await (const delta of createRehearsalModel().stream(request, new AbortController().signal)) {
    types.push(delta.type);
    if (delta.type === 'text') texts.push(delta.text);
  }
  expect(texts).toEqual(['Thank ', 'you ', 'for ', 'calling. ', 'Goodbye.']);
  expect(types.slice(-2)).toEqual(['tool-call', 'finish']);
});

test.each([0, 20])(
  'an aborted stream gives no further delta, with %i ms between deltas',
  async (msBetweenDeltas) => {
    const controller = new AbortController();
    const model = createRehearsalModel({ msBetweenDeltas });
    const deltas: string[] = [];
    const streaming = (async () => {
      for await (const delta of model.stream(
        { messages: [system({})], tools: ownTools },
        controller.signal,
      )) {
        deltas.push(delta.type);
        if (deltas.length === 2) controller.abort();
      }
    })();
    await expect(streaming).rejects.toThrow(/abort/i);
    expect(deltas).toHaveLength(2);
  },
);
