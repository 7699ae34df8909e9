import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Organization } from '#organization/organization.ts';

/** A call that a browser makes. Its id says so: nothing here reaches a call that somebody else is having. */
export interface TriedCall {
  callSid: string;
  /** E.164 the browser pretends to call from; `null` withholds it. */
  caller: string | null;
}

export interface LineMessage {
  role: 'user' | 'assistant';
  content: string;
}

/** The outside of our own doors. */
export interface Doors {
  /** Where this very process listens. */
  url: () => string;
  /** A key that opens the voice platform's doors for this organization alone. */
  keyFor: (organization: Organization) => string;
}

export const triedCallSid = z.string().regex(/^try-[0-9a-f-]{36}$/, 'is no call of this page');

export function newTriedCall(caller: string | null): TriedCall {
  return { callSid: `try-${randomUUID()}`, caller };
}

/** Tells of a call's start or end by the door that the voice platform uses for it. */
export async function tellOfCall(
  doors: Doors,
  organization: Organization,
  call: TriedCall,
  what: 'started' | 'ended',
): Promise<void> {
  const message = {
    ...(what === 'started'
      ? { type: 'status-update', status: 'in-progress' }
      : { type: 'end-of-call-report', endedReason: 'customer-ended-call' }),
    ...aboutCall(call),
  };
  const response = await fetch(`${doors.url()}/vapi/events`, {
    method: 'POST',
    headers: headers(doors, organization),
    body: JSON.stringify({ message }),
    signal: AbortSignal.timeout(doorTimeoutMs),
  });
  await response.arrayBuffer();
}

/** What came of a turn by the platform's door. */
export type LineEvent =
  | { type: 'words'; text: string }
  | { type: 'hand-off'; name: string; arguments: string }
  | { type: 'door-closed'; status: number };

/** The platform gives up on a turn after 20 seconds. */
const doorTimeoutMs = 20_000;

/**
 * Says something as the voice platform would: by its door, over HTTP, with the history so far, and reads what comes
 * back as it comes. Aborting it is the caller talking over the receptionist.
 */
export async function* sayByDoor(
  doors: Doors,
  organization: Organization,
  { call, history }: { call: TriedCall; history: LineMessage[] },
  signal: AbortSignal,
): AsyncGenerator<LineEvent> {
  const response = await fetch(`${doors.url()}/vapi/chat/completions`, {
    method: 'POST',
    headers: headers(doors, organization),
    body: JSON.stringify({
      model: 'holdline',
      stream: true,
      messages: history,
      tools: [platformTool('endCall'), platformTool('transferCall')],
      timestamp: Date.now(),
      ...aboutCall(call),
    }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(doorTimeoutMs)]),
  });
  if (!response.ok || response.body === null) {
    await response.arrayBuffer();
    yield { type: 'door-closed', status: response.status };
    return;
  }
  let rest = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const events = (rest + text).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) yield* heardIn(event);
  }
}

const chunk = z.object({
  choices: z.array(
    z.object({
      delta: z.object({
        content: z.string().optional(),
        tool_calls: z
          .array(z.object({ function: z.object({ name: z.string(), arguments: z.string() }) }))
          .optional(),
      }),
    }),
  ),
});

function* heardIn(event: string): Generator<LineEvent> {
  if (!event.startsWith('data: ') || event === 'data: [DONE]') return;
  const { choices } = chunk.parse(JSON.parse(event.slice('data: '.length)));
  for (const { delta } of choices) {
    if (delta.content !== undefined && delta.content !== '') yield { type: 'words', text: delta.content };
    for (const call of delta.tool_calls ?? []) yield { type: 'hand-off', ...call.function };
  }
}

function aboutCall({ callSid, caller }: TriedCall): object {
  return {
    call: { id: callSid, type: 'webCall' },
    ...(caller === null ? {} : { customer: { number: caller } }),
  };
}

function headers(doors: Doors, organization: Organization): Record<string, string> {
  return { authorization: `Bearer ${doors.keyFor(organization)}`, 'content-type': 'application/json' };
}

function platformTool(name: string): object {
  return { type: 'function', function: { name, parameters: { type: 'object', properties: {} } } };
}
