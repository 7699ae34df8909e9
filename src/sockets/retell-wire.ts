import { z } from 'zod';
import type { HistoryMessage } from '#conversation/turn-events.ts';

/** A message of Retell's that we do something with; what is new or odd in one is left out of it. */
export type RetellMessage =
  /** The clock is Retell's own: it measures its round trip with it. */
  | { kind: 'ping'; timestamp: unknown }
  | { kind: 'call-details'; caller: string | null; callsOut: boolean }
  /** `userWords` are what the caller is saying or said last; `null` while it is the agent's turn. */
  | { kind: 'update'; userWords: string | null }
  | { kind: 'response' | 'reminder'; id: number; history: HistoryMessage[] }
  /** Known by its name, but nothing can be done with it as it is. */
  | { kind: 'unusable'; problem: string }
  | { kind: 'unknown' };

/** Reads a message of Retell's LLM socket (its `interaction_type`). */
export function readRetell(message: Record<string, unknown>): RetellMessage {
  switch (message['interaction_type']) {
    case 'ping_pong':
      return { kind: 'ping', timestamp: message['timestamp'] };
    case 'call_details':
      return callDetails(message);
    case 'update_only': {
      const read = update.safeParse(message);
      return read.success ? updateOf(read.data) : unusable('update_only');
    }
    case 'response_required':
    case 'reminder_required': {
      const read = required.safeParse(message);
      if (!read.success) return unusable(String(message['interaction_type']));
      const { response_id: id, transcript } = read.data;
      const kind = message['interaction_type'] === 'response_required' ? 'response' : 'reminder';
      return { kind, id, history: historyOf(transcript) };
    }
    default:
      return { kind: 'unknown' };
  }
}

function unusable(type: string): RetellMessage {
  return { kind: 'unusable', problem: `a ${type} without what it needs` };
}

const number = z.string().regex(/^\+\d{7,15}$/);
const details = z.object({
  call: z.object({
    from_number: z.string().optional().catch(undefined),
    to_number: z.string().optional().catch(undefined),
    direction: z.string().optional().catch(undefined),
  }),
});

/** Whoever is on the other end: who called us, or whom we called. A withheld number is no number. */
function callDetails(message: Record<string, unknown>): RetellMessage {
  const read = details.safeParse(message);
  if (!read.success) return { kind: 'call-details', caller: null, callsOut: false };
  const { from_number: from, to_number: to, direction } = read.data.call;
  const callsOut = direction === 'outbound';
  const theirs = number.safeParse(callsOut ? to : from);
  return { kind: 'call-details', caller: theirs.success ? theirs.data : null, callsOut };
}

const utterance = z.object({ role: z.string(), content: z.string() });
const transcript = z.array(z.unknown()).transform((list) =>
  list.flatMap((one) => {
    const read = utterance.safeParse(one);
    return read.success ? [read.data] : [];
  }),
);
const update = z.object({ transcript, turntaking: z.string().optional().catch(undefined) });
const required = z.object({ response_id: z.int(), transcript });

function updateOf({ transcript: said, turntaking }: z.infer<typeof update>): RetellMessage {
  const last = said.at(-1);
  const isUsers = turntaking !== 'agent_turn' && last?.role === 'user';
  return { kind: 'update', userWords: isUsers ? last.content : null };
}

/**
 * What was said, as it was heard. Utterances of one speaker in a row are one message: a caller who goes on talking
 * has not answered anything in between.
 */
function historyOf(said: z.infer<typeof transcript>): HistoryMessage[] {
  const history: { role: 'user' | 'assistant'; content: string }[] = [];
  for (const one of said) {
    const role = one.role === 'user' ? 'user' : one.role === 'agent' ? 'assistant' : undefined;
    const content = one.content.trim();
    if (role === undefined || content === '') continue;
    const last = history.at(-1);
    if (last?.role === role) last.content += ` ${content}`;
    else history.push({ role, content });
  }
  return history;
}
