import { expect, test } from 'vitest';
import {
  after,
  appointment,
  halfPastTwo,
  heard,
  hold,
  offers,
  ownTools,
  patient,
  reply,
  system,
  tool,
  transferCall,
  two,
} from './rehearsed-reply.ts';

test.each([
  ['Yes please.', {}],
  ['Yes, this is Ann Miller.', { patientName: 'Ann Miller' }],
  ['my name is ann miller, go ahead', { patientName: 'Ann Miller' }],
  ['Ann Miller', { patientName: 'Ann Miller' }],
  ["Sure, it's Mary-Jane O'Neil for a check-up.", { patientName: "Mary-Jane O'Neil", reason: 'check-up' }],
])('with a hold, the yes or the name books: %s', async (words, appointmentDetails) => {
  const { call } = await after(heard.hold, words, { offers, hold });
  expect(call).toEqual({ name: 'send_sms_reminder', arguments: { appointmentDetails } });
});

test('a name and a number said on the way are part of the booking', async () => {
  const { call } = await reply([
    system({ offers, hold }),
    { role: 'user', content: 'Hi, this is Ann Miller, Tuesday please. My number is 555 010 0199.' },
    { role: 'assistant', content: heard.hold },
    { role: 'user', content: 'Yes.' },
  ]);
  expect(call?.arguments).toEqual({ phone: '5550100199', appointmentDetails: { patientName: 'Ann Miller' } });
});

test.each(['No.', "No, that doesn't work", "don't book it yet"])(
  'a no to the hold asks for another time: %s',
  async (words) => {
    expect(await after(heard.hold, words, { offers, hold })).toEqual({
      say: 'Which other day or time would suit you?',
      finish: 'stop',
    });
  },
);

test.each([
  ['No, the second one instead', { name: 'reserve_slot', arguments: { slotId: 'slot_2' } }],
  ['Actually, four would be better', { name: 'reserve_slot', arguments: { slotId: 'slot_3' } }],
  ['Can we do Friday instead of Tuesday?', { name: 'check_availability', arguments: { date: 'friday' } }],
  [
    'Something later?',
    { name: 'check_availability', arguments: { date: '2026-11-24', time: 'after 14:01' } },
  ],
  ['The first one, please.', { name: 'reserve_slot', arguments: { slotId: 'slot_1' } }],
])('a change of mind during the hold is followed: %s', async (words, expected) => {
  expect((await after(heard.hold, words, { offers, hold })).call).toEqual(expected);
});

test('a yes that names the held time books once the caller has heard of the hold, not before', async () => {
  const words = 'Yes, two thirty.';
  const held = { ...hold, ...halfPastTwo };
  const known = await after(heard.hold, words, { offers, hold: held });
  const unheard = await after(heard.offers, words, { offers, hold: held });
  expect(known.call?.name).toBe('send_sms_reminder');
  expect(unheard.call).toEqual({ name: 'reserve_slot', arguments: { slotId: 'slot_2' } });
});

test('unclear words during the hold bring back what is held and the question', async () => {
  const { say, call } = await after(heard.hold, 'Uh, my dog is barking.', { offers, hold });
  expect(call).toBeUndefined();
  expect(say).toBe(`I am holding ${hold.spoken} for you. What name shall I book it under?`);
});

test.each([
  ["Actually it's Anne with an E.", { appointmentDetails: { patientName: 'Anne Miller' } }],
  ['The name is Anna Muller', { appointmentDetails: { patientName: 'Anna Muller' } }],
  ["It's spelled A-N-N-E", { appointmentDetails: { patientName: 'Anne Miller' } }],
  ['The number is 555 010 0199', { phone: '5550100199', appointmentDetails: { patientName: 'Ann Miller' } }],
  [
    'text it to five five five oh one zero zero one nine nine',
    { phone: '5550100199', appointmentDetails: { patientName: 'Ann Miller' } },
  ],
])('a correction after booking is sent again: %s', async (words, details) => {
  const { call } = await after(heard.booked, words, { appointment, patient });
  expect(call).toEqual({ name: 'send_sms_reminder', arguments: details });
});

test.each(["No, that's all. Thank you, bye.", 'Thanks!', 'No.'])(
  'a caller who is done hears goodbye and the call ends: %s',
  async (words) => {
    const withEnd = await after(heard.booked, words, { appointment, patient }, [
      ...ownTools,
      tool('endCall'),
    ]);
    expect(withEnd).toEqual({
      say: 'Thank you for calling. Goodbye.',
      call: { name: 'endCall', arguments: {} },
      finish: 'tool_calls',
    });
    const without = await after(heard.booked, words, { appointment, patient });
    expect(without).toEqual({ say: 'Thank you for calling. Goodbye.', finish: 'stop' });
  },
);

test('after booking, the time can be asked for and another day looked up', async () => {
  expect((await after(heard.booked, 'When was that again?', { appointment })).say).toContain(
    appointment.spoken,
  );
  const { call } = await after(heard.booked, 'I need another one next Friday', { appointment });
  expect(call).toEqual({ name: 'check_availability', arguments: { date: 'next friday' } });
});

test('a caller who asks for a human is put through where that is possible, else told of a call back', async () => {
  const words = 'Can I talk to a real person?';
  const withTransfer = await after(heard.offers, words, { offers }, [...ownTools, transferCall]);
  expect(withTransfer.call).toEqual({ name: 'transferCall', arguments: { destination: '+15550100111' } });
  expect(await after(heard.offers, words, { offers })).toMatchObject({
    say: expect.stringContaining('call you back'),
    finish: 'stop',
  });
});

test.each(['I have chest pain', "I can't breathe", 'I can’t breathe'])(
  'an emergency is sent to the emergency number: %s',
  async (words) => {
    const { say, call } = await after(heard.hold, words, { offers, hold });
    expect(say).toContain('call the emergency number');
    expect(call).toBeUndefined();
  },
);

test('nothing is held or booked when the caller has not spoken since', async () => {
  for (const state of [{ offers: [two] }, { offers, hold }]) {
    const { call, say } = await reply([
      system(state),
      { role: 'user', content: 'yes' },
      { role: 'assistant', content: heard.hold },
    ]);
    expect(call).toBeUndefined();
    expect(say).toMatch(/^Are you still there\?/);
  }
});
