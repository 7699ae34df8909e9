import { z } from 'zod';

/** A message of ConversationRelay's that we do something with; Twilio's and Telnyx's differ in what they leave out. */
export type RelayMessage =
  | {
      kind: 'setup';
      callSid: string;
      /** Whoever is on the other end, in E.164; `null` when withheld. */
      caller: string | null;
      /** The organization's number. */
      dialled: string | null;
      callsOut: boolean;
      /** The platform has spoken the greeting itself. */
      greeted: boolean;
    }
  | { kind: 'prompt'; words: string; last: boolean }
  /** `heard`: the words that were spoken until then; `null` when the platform does not say. */
  | { kind: 'interrupt'; heard: string | null }
  | { kind: 'dtmf'; digit: string }
  | { kind: 'agent-speaking'; on: boolean }
  | { kind: 'caller-speaking'; on: boolean }
  | { kind: 'played'; words: string }
  | { kind: 'error'; problem: string }
  | { kind: 'unusable'; problem: string }
  | { kind: 'unknown' };

/** Reads a message of the relay's socket (its `type`). */
export function readRelay(message: Record<string, unknown>): RelayMessage {
  switch (message['type']) {
    case 'setup':
      return read(setup, message, setupOf);
    case 'prompt':
      return read(prompt, message, ({ voicePrompt, last }) => ({
        kind: 'prompt',
        words: voicePrompt.trim(),
        last,
      }));
    case 'interrupt':
      return read(interrupt, message, ({ utteranceUntilInterrupt: heard }) => ({ kind: 'interrupt', heard }));
    case 'dtmf':
      return read(dtmf, message, ({ digit }) => ({ kind: 'dtmf', digit }));
    case 'info':
      return read(info, message, infoOf);
    case 'error':
      return { kind: 'error', problem: String(message['description'] ?? '').slice(0, problemMax) };
    default:
      return { kind: 'unknown' };
  }
}

const problemMax = 300;

function read<T extends z.ZodType>(
  schema: T,
  message: Record<string, unknown>,
  to: (data: z.output<T>) => RelayMessage,
): RelayMessage {
  const parsed = schema.safeParse(message);
  if (parsed.success) return to(parsed.data);
  return { kind: 'unusable', problem: `a ${message['type']} without what it needs` };
}

const text = z.string().optional().catch(undefined);
const number = z
  .string()
  .regex(/^\+\d{7,15}$/)
  .nullable()
  .catch(null);

const setup = z.object({
  /** The ledger keeps up to 200 characters; Twilio's have 34, Telnyx's some 80. */
  callSid: z.string().min(1).max(200),
  from: number,
  to: number,
  direction: text,
  customParameters: z.record(z.string(), z.unknown()).optional().catch(undefined),
});
const prompt = z.object({ voicePrompt: z.string(), last: z.boolean().default(true) });
/** An older form of the duration is text; it is not used. */
const interrupt = z.object({ utteranceUntilInterrupt: z.string().nullable().default(null).catch(null) });
const dtmf = z.object({ digit: z.string().regex(/^[0-9*#A-D]$/) });
const info = z.object({ name: z.string(), value: z.unknown() });

function setupOf({ callSid, from, to, direction, customParameters }: z.infer<typeof setup>): RelayMessage {
  const callsOut = direction?.startsWith('outbound') ?? false;
  const greeted = customParameters?.[greetedParameter] === 'yes';
  const [caller, dialled] = callsOut ? [to, from] : [from, to];
  return { kind: 'setup', callSid, caller, dialled, callsOut, greeted };
}

/** What our TwiML says to the socket it opens. */
export const greetedParameter = 'greeted';

function infoOf({ name, value }: z.infer<typeof info>): RelayMessage {
  if (value === 'on' || value === 'off') {
    if (name === 'agentSpeaking') return { kind: 'agent-speaking', on: value === 'on' };
    if (name === 'clientSpeaking') return { kind: 'caller-speaking', on: value === 'on' };
  }
  if (name === 'tokensPlayed' && typeof value === 'string') return { kind: 'played', words: value };
  return { kind: 'unknown' };
}
