import { expect, test } from 'vitest';
import {
  after,
  appointment,
  heard,
  hold,
  offers,
  ownTools,
  patient,
  reply,
  system,
  tool,
} from './rehearsed-reply.ts';

const tools = [
  ...ownTools,
  ...['find_appointments', 'cancel_appointment', 'move_appointment'].map((name) => tool(name)),
];
const found = [{ ...appointment, appointmentId: 'appointment_1', practitioner: 'Dr. Lee' }];

test('a caller who wants to cancel is asked for the name first', async () => {
  const asked = await after(heard.nothing, 'I have to cancel my appointment.', {}, tools);
  expect(asked.say).toMatch(/What name is the appointment under\?/);
  const named = await after(asked.say ?? '', 'Ann Miller.', {}, tools);
  expect(named.call).toEqual({ name: 'find_appointments', arguments: { patientName: 'Ann Miller' } });
});

test('it is said back what will be cancelled, and cancelled only after a yes', async () => {
  const question = await after(
    'I found your appointment. Would you like to cancel it or move it?',
    'Cancel it.',
    { found },
    tools,
  );
  expect(question).toMatchObject({ say: expect.stringMatching(/^I will cancel .*twenty-fourth.*right\?$/) });
  const yes = await after(question.say ?? '', 'Yes.', { found }, tools);
  expect(yes.call).toEqual({ name: 'cancel_appointment', arguments: { appointmentId: 'appointment_1' } });
  const no = await after(question.say ?? '', 'No, wait.', { found }, tools);
  expect(no).toMatchObject({ say: expect.stringContaining('stays as it is') });
});

test('moving looks for a new day first and moves to the time that is picked', async () => {
  const wish = await after('Cancel it or move it?', 'Move it to Friday.', { found }, tools);
  expect(wish.call).toEqual({ name: 'check_availability', arguments: { date: 'friday' } });
  const { call } = await reply(
    [
      system({ found, offers }),
      { role: 'user', content: 'Move it to Friday.' },
      { role: 'assistant', content: heard.offers },
      { role: 'user', content: 'The second one.' },
    ],
    tools,
  );
  expect(call).toEqual({
    name: 'move_appointment',
    arguments: { appointmentId: 'appointment_1', slotId: 'slot_2' },
  });
});

test('without the tools for it a colleague calls back', async () => {
  expect(await after(heard.booked, 'Please cancel it.', { appointment })).toMatchObject({
    say: expect.stringContaining('call you back'),
  });
});

test.each([
  ['Yes.', { offers }, heard.offers, /^I have .*Which would you like\?$/],
  ['Yes.', {}, heard.nothing, /^Which day/],
  ['No.', { offers, hold }, heard.hold, /^Which other day or time/],
  ["No, it's Anne Miller.", { offers, hold }, heard.hold, /^Thank you, Anne Miller\. Shall I book it\?$/],
  ['Yes.', { appointment, patient }, heard.booked, /^What else can I do/],
  ['Are you a robot?', { offers }, heard.offers, /automated assistant.*Which would you like/],
  ['Am I talking to a real person?', {}, heard.nothing, /automated assistant.*Which day/],
])('an answer that fits no question is not acted on: %s', async (words, state, said, expected) => {
  const answer = await after(said, words, state);
  expect(answer.call).toBeUndefined();
  expect(answer.say).toMatch(expected);
});

test('a first name said again keeps the last name that was said before', async () => {
  const { call } = await reply([
    system({ offers, hold }),
    { role: 'user', content: 'Hi, this is Ann Miller.' },
    { role: 'assistant', content: heard.hold },
    { role: 'user', content: "It's Anne, with an E." },
  ]);
  expect(call?.arguments).toEqual({ appointmentDetails: { patientName: 'Anne Miller' } });
});

test('a name said on the way is held together with the time', async () => {
  const { call } = await reply([
    system({ offers }),
    { role: 'user', content: 'Hi, this is Ann Miller. Tuesday, please.' },
    { role: 'assistant', content: heard.offers },
    { role: 'user', content: 'The first one.' },
  ]);
  expect(call).toEqual({ name: 'reserve_slot', arguments: { slotId: 'slot_1', patientName: 'Ann Miller' } });
});
