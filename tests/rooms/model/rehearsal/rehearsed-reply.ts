import type { ModelMessage, ModelTool } from '#model/language-model.ts';
import { createRehearsalModel } from '#model/rehearsal/rehearsal.ts';

export interface Reply {
  say?: string;
  call?: { name: string; arguments: Record<string, unknown> };
  finish: string;
}

export function after(
  assistant: string,
  words: string,
  state: object,
  tools: ModelTool[] = ownTools,
): Promise<Reply> {
  return reply(conversation(assistant, words, state), tools);
}

export function conversation(assistant: string, words: string, state: object): ModelMessage[] {
  return [
    system(state),
    { role: 'user', content: 'Hello, I would like an appointment.' },
    { role: 'assistant', content: assistant },
    { role: 'user', content: words },
  ];
}

export async function reply(messages: ModelMessage[], tools: ModelTool[] = ownTools): Promise<Reply> {
  const heardReply: Reply = { finish: 'none' };
  for await (const delta of createRehearsalModel().stream(
    { messages, tools },
    new AbortController().signal,
  )) {
    if (delta.type === 'text') heardReply.say = (heardReply.say ?? '') + delta.text;
    else if (delta.type === 'tool-call') heardReply.call = { name: delta.name, arguments: delta.arguments };
    else heardReply.finish = delta.reason;
  }
  return heardReply;
}

export function system(state: object): { role: 'system'; content: string } {
  return { role: 'system', content: `You are Holly.\n<call_state>${JSON.stringify(state)}</call_state>` };
}

export function tool(name: string, parameters?: unknown): ModelTool {
  const schema =
    typeof parameters === 'object' && parameters !== null ? { parameters: { ...parameters } } : {};
  return { type: 'function', function: { name, ...schema } };
}

export const two = {
  slotId: 'slot_1',
  startsAt: '2026-11-24T14:00:00-05:00',
  practitioner: 'Dr. Lee',
  spoken: 'two in the afternoon with Doctor Lee',
};
export const halfPastTwo = {
  slotId: 'slot_2',
  startsAt: '2026-11-24T14:30:00-05:00',
  practitioner: 'Dr. Patel',
  spoken: 'two thirty in the afternoon with Doctor Patel',
};
export const four = {
  slotId: 'slot_3',
  startsAt: '2026-11-24T16:00:00-05:00',
  practitioner: 'Dr. Lee',
  spoken: 'four in the afternoon with Doctor Lee',
};
export const wednesday = {
  slotId: 'slot_4',
  startsAt: '2026-11-25T14:00:00-05:00',
  practitioner: 'Dr. Lee',
  spoken: 'two in the afternoon with Doctor Lee',
};
export const offers = [two, halfPastTwo, four];
export const hold = {
  ...two,
  spoken: 'Tuesday, November twenty-fourth, at two in the afternoon with Doctor Lee',
  expiresAt: '2026-11-23T19:05:00Z',
};
export const appointment = { appointmentId: 'a1', startsAt: two.startsAt, spoken: hold.spoken };
export const patient = { name: 'Ann Miller', phone: '+15550100103' };
export const ownTools = ['check_availability', 'reserve_slot', 'send_sms_reminder'].map(tool);
export const transferCall = tool('transferCall', {
  type: 'object',
  properties: { destination: { type: 'string', enum: ['+15550100111'] } },
});

export const heard = {
  nothing: 'thank you for calling. which day would you like to come in?',
  offers: 'on Tuesday I have two, two thirty or four. which would you like?',
  hold: 'I am holding Tuesday at two for you. may I have your name, and shall I book it?',
  booked: 'you are booked for Tuesday at two. is there anything else?',
};
