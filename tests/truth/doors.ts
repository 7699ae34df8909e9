import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { frames, vapiSecret } from '../running-app.ts';
import { RelayCaller } from '../stand-ins/relay.ts';
import { RetellCaller } from '../stand-ins/retell.ts';

/** One call at one kind of door, as its platform has it. */
export interface TruthDoor {
  readonly callSid: string;
  say(words: string): Promise<HeardAtDoor>;
  hangUp(): Promise<void>;
}

/** What reached the caller's ear in one turn. */
export interface HeardAtDoor {
  words: string;
  /** The platform was told to end the call. */
  ended: boolean;
}

export const truthDoors = ['vapi', 'retell', 'relay'] as const;
export type TruthDoorName = (typeof truthDoors)[number];

export interface CalledFrom {
  url: string;
  clinic: { assistantId: string; key: string };
  number: string | null;
}

/** Rings, and hears the greeting. */
export function ring(name: TruthDoorName, from: CalledFrom): Promise<TruthDoor> {
  return { vapi: ringVapi, retell: ringRetell, relay: ringRelay }[name](from);
}

async function ringVapi({ url, clinic, number }: CalledFrom): Promise<TruthDoor> {
  const callSid = randomUUID();
  const customer = number === null ? {} : { customer: { number } };
  const about = { id: callSid, type: 'inboundPhoneCall', assistantId: clinic.assistantId };
  const history: { role: string; content: string }[] = [
    { role: 'assistant', content: 'Thank you for calling. How can I help?' },
  ];
  const headers = { authorization: `Bearer ${vapiSecret}`, 'content-type': 'application/json' };
  const tell = async (status: string) => {
    const message = { type: 'status-update', status, call: about, ...customer };
    const response = await fetch(`${url}/vapi/events`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ message }),
    });
    await response.arrayBuffer();
  };
  await tell('in-progress');
  return {
    callSid,
    async say(words) {
      history.push({ role: 'user', content: words });
      const turns = history.filter(({ role }) => role === 'user').length;
      const body = {
        ...{ model: 'receptionist', stream: true, messages: history, call: about, ...customer },
        metadata: { numUserTurns: turns, numAssistantTurns: turns },
        tools: [{ type: 'function', function: { name: 'endCall', parameters: {} } }],
      };
      const response = await fetch(`${url}/vapi/chat/completions`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
      const deltas = frames(await response.text()).map((frame) => frame.choices[0]?.delta);
      const heard = deltas.map((delta) => delta?.content ?? '').join('');
      if (heard !== '') history.push({ role: 'assistant', content: heard });
      const handedOff = deltas.flatMap((delta) => delta?.tool_calls?.map((call) => call.function.name) ?? []);
      return { words: heard, ended: handedOff.includes('endCall') };
    },
    hangUp: () => tell('ended'),
  };
}

async function ringRetell({ url, clinic, number }: CalledFrom): Promise<TruthDoor> {
  const caller = new RetellCaller({ url }, { key: clinic.key, number });
  await caller.connect();
  return {
    callSid: caller.callSid,
    async say(words) {
      const from = caller.line.received.length;
      const heard = await caller.say(words);
      const ended = caller.line.received.slice(from).some((message) => message['end_call'] === true);
      return { words: heard, ended };
    },
    hangUp: () => caller.hangUp(),
  };
}

/** The relay is told to end the session when the voice has come to the end of the words before it. */
const endWithinMs = 20;

async function ringRelay({ url, clinic, number }: CalledFrom): Promise<TruthDoor> {
  const caller = new RelayCaller({ url }, { key: clinic.key, number });
  await caller.connect();
  return {
    callSid: caller.callSid,
    async say(words) {
      const heard = await caller.say(words);
      await setTimeout(endWithinMs);
      const ended = caller.line.received.some((message) => message['type'] === 'end');
      return { words: heard, ended };
    },
    hangUp: () => caller.hangUp(),
  };
}
