import { z } from 'zod';
import type { Conversation } from '#conversation/conversation.ts';
import { checkTemplate, type FitTemplate, problemLine } from '#prompts/template-check.ts';
import type { Log } from '#telemetry/log.ts';
import { type EventWriter, streamEvents } from './event-stream.ts';
import { type Doors, newTriedCall, sayByDoor, tellOfCall, triedCallSid } from './line.ts';
import { type AddRoute, Refusal, written } from './route.ts';

/** A call of several hours has fewer turns; each is a sentence or two. */
const historyMax = 400;
const wordsMax = 4_000;
/** An editor shows one template at a time. */
const draftsMax = 5;

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
  /** Unsaved templates by name, for this turn of this call only. */
  drafts: z
    .record(z.string().max(200), z.string())
    .refine(
      (drafts) => Object.keys(drafts).length <= draftsMax,
      'has more templates than can be tried at once',
    )
    .default({}),
});

export interface LineParts {
  doors: Doors;
  turnWatch: Conversation['turnWatch'];
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
      const { history, drafts, ...call } = body;
      const fit = checkDrafts(drafts);
      if (fit instanceof Refusal) return fit;
      using events = turnWatch.watch({ tenantId: organization.id, callSid: call.callSid }, fit);
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

/** A draft is held to what a template that is saved is held to. */
function checkDrafts(drafts: Record<string, string>): FitTemplate[] | Refusal {
  const fit: FitTemplate[] = [];
  for (const [name, text] of Object.entries(drafts)) {
    const checked = checkTemplate(name, text);
    if (checked.fit) fit.push(checked.template);
    else return new Refusal(422, checked.problems.map((one) => problemLine(name, one)).join('; '));
  }
  return fit;
}

/** What a turn does but its words, which come by the door like everybody's: of those only when the first one came. */
async function pass(
  events: ReturnType<Conversation['turnWatch']['watch']>,
  page: EventWriter,
): Promise<void> {
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
