import { z } from 'zod';
import type { TurnWatch } from '#conversation/turn-watch.ts';
import type { Log } from '#telemetry/log.ts';
import { type EventWriter, streamEvents } from './event-stream.ts';
import { type Doors, newTriedCall, sayByDoor, tellOfCall, triedCallSid } from './line.ts';
import { type AddRoute, written } from './route.ts';

/** A call of several hours has fewer turns; each is a sentence or two. */
const historyMax = 400;
const wordsMax = 4_000;

const number = z
  .string()
  .regex(/^\+[1-9]\d{6,14}$/, 'is not a number of the form +12125550142')
  .nullable();

const turnBody = z.object({
  callSid: triedCallSid,
  caller: number,
  history: z
    .array(z.object({ role: z.enum(['user', 'assistant']), content: z.string().min(1).max(wordsMax) }))
    .max(historyMax),
});

export interface LineParts {
  doors: Doors;
  turnWatch: TurnWatch;
  log: Log;
}

/** Try the line: a call from the browser, by the voice platform's own doors, with what happens underneath beside it. */
export function lineRoutes(add: AddRoute, { doors, turnWatch, log }: LineParts): void {
  add({
    method: 'POST',
    path: '/line/calls',
    summary: 'Starts a call of this page’s',
    role: 'edit',
    body: z.object({ caller: number }),
    answer: z.object({ callSid: z.string() }),
    async handle({ organization, body }) {
      const call = newTriedCall(body.caller);
      await tellOfCall(doors, organization, call, 'started');
      return call;
    },
  });
  add({
    method: 'POST',
    path: '/line/turns',
    summary: 'Says something and streams what is heard, and what happens underneath',
    role: 'edit',
    body: turnBody,
    answer: null,
    async handle({ organization, body, reply }) {
      const { history, ...call } = body;
      using events = turnWatch.watch({ tenantId: organization.id, callSid: call.callSid });
      const page = streamEvents(reply);
      const underneath = pass(events, page);
      try {
        for await (const heard of sayByDoor(doors, organization, { call, history }, page.signal))
          page.send(heard);
      } catch (error) {
        if (!page.signal.aborted) {
          log.warn({ err: error }, 'a turn tried by the console broke off');
          page.send({ type: 'broken-off' });
        }
      } finally {
        events[Symbol.dispose]();
        await underneath;
        page.end();
      }
      return written;
    },
  });
  add({
    method: 'POST',
    path: '/line/calls/:callSid/end',
    summary: 'Hangs up',
    role: 'edit',
    params: z.object({ organization: z.string(), callSid: triedCallSid }),
    answer: z.object({ ended: z.literal(true) }),
    async handle({ organization, params }) {
      await tellOfCall(doors, organization, { ...params, caller: null }, 'ended');
      return { ended: true as const };
    },
  });
}

/** What a turn does but its words, which come by the door like everybody's: of those only when the first one came. */
async function pass(events: ReturnType<TurnWatch['watch']>, page: EventWriter): Promise<void> {
  let spoke = false;
  for await (const event of events) {
    if (event.type === 'say') {
      if (!spoke) page.send({ type: 'first-word', afterMs: event.afterMs });
      spoke = true;
    } else if (event.type !== 'hand-off') {
      page.send(event);
    }
  }
}
