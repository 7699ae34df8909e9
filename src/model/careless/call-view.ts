import type { ModelRequest } from '#model/language-model.ts';
import { type CallState, readCallState } from '#model/rehearsal/call-state.ts';
import type { PhrasingStep } from './phrasing.ts';

/** Everything the careless model reads out of a request. */
export interface CallView {
  state: CallState;
  step: PhrasingStep;
  /** As the prompt has it. */
  language: string;
  /** The coming days, today first, with the words for their hours. */
  days: { date: string; open: string }[];
  practitioners: string[];
  callerNumber: string | undefined;
  callerWords: string;
  userTurns: number;
  /** The last messages are results of tools: a second pass. */
  afterTools: boolean;
  toolNames: string[];
}

/** A time that can be spoken of: a date of the clinic's calendar, and minutes since its midnight. */
export interface Moment {
  date: string;
  minute: number;
  practitioner: string;
}

export function readCallView({ messages, tools }: ModelRequest): CallView {
  const system = messages.find(({ role }) => role === 'system')?.content ?? '';
  const state = readCallState(system);
  const spoken = messages.filter(({ role }) => role !== 'system');
  const userWords = spoken.flatMap((message) => (message.role === 'user' ? [message.content] : []));
  const [, names = ''] = /appointments with ([^.]+)\./.exec(system) ?? [];
  return {
    state,
    step: stepOf(state),
    language: /"language":"([a-z]{2})/.exec(system)?.[1] ?? 'en',
    days: [...system.matchAll(/^- \S+ (\d{4}-\d\d-\d\d): (.*)$/gm)].map(([, date = '', open = '']) => ({
      date,
      open,
    })),
    practitioners: names === '' ? [] : names.split(', '),
    callerNumber: /The caller's number: (\+\d+)/.exec(system)?.[1],
    callerWords: userWords.at(-1) ?? '',
    userTurns: userWords.length,
    afterTools: spoken.at(-1)?.role === 'tool',
    toolNames: tools.map((tool) => tool.function.name),
  };
}

/** What the model was told as a moment; nothing where it is told too little. */
export function momentOf(told: { startsAt: string; practitioner?: string } | null): Moment | undefined {
  const [, date, hour, minute] = /^(\d{4}-\d\d-\d\d)T(\d\d):(\d\d)/.exec(told?.startsAt ?? '') ?? [];
  if (date === undefined) return undefined;
  return { date, minute: Number(hour) * 60 + Number(minute), practitioner: told?.practitioner ?? '' };
}

function stepOf({ appointment, hold, unclaimedHold, offers }: CallState): PhrasingStep {
  if (hold !== null && !unclaimedHold) return 'held';
  if (appointment !== null) return 'booked';
  return offers.length > 0 ? 'offered' : 'greeting';
}
