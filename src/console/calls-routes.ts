import type { Sql } from 'postgres';
import { z } from 'zod';
import type { CallKey } from '#booking/calls.ts';
import { masked } from '#telemetry/masking.ts';
import { findCall, isCursor, type ListedCall, listCalls } from './call-list.ts';
import { callPromises } from './call-promises.ts';
import { callPatient, callRecord } from './call-record.ts';
import { type AddRoute, instant, Refusal } from './route.ts';
import { recordAction, recordedActions } from './staff-record.ts';

/** Rows of a page: what fits a screen or two. */
const pageMax = 25;
/** Looks at one call that are shown beside it. */
const looksMax = 20;

const listedCall = z.object({
  callSid: z.string(),
  step: z.string(),
  slotId: z.string().nullable(),
  startedAt: instant,
  endedAt: instant.nullable(),
  live: z.boolean(),
  caller: z.string().nullable(),
  name: z.string().nullable(),
  fault: z.string().nullable(),
  holdEndsInMs: z.number().nullable(),
  turns: z.number(),
  firstWordMs: z.number().nullable(),
});

const callsAnswer = z.object({
  calls: z.array(listedCall),
  /** For the next page; `null` on the last one. */
  before: z.string().nullable(),
});

const actionAnswer = z.object({ who: z.string(), action: z.string(), about: z.string(), at: instant });

const callAnswer = z.object({
  call: listedCall,
  history: z.array(
    z.object({
      at: instant,
      fromStep: z.string().nullable(),
      toStep: z.string().nullable(),
      slotId: z.string().nullable(),
      cause: z.string(),
    }),
  ),
  turns: z.array(
    z.object({
      number: z.number(),
      at: instant,
      firstWordMs: z.number().nullable(),
      toolMs: z.number().nullable(),
      tools: z.array(z.string()),
    }),
  ),
  appointments: z.array(
    z.object({
      id: z.string(),
      slotId: z.string(),
      startsAt: instant,
      status: z.string(),
      name: z.string().nullable(),
      phone: z.string().nullable(),
    }),
  ),
  texts: z.array(
    z.object({
      number: z.string().nullable(),
      wording: z.string(),
      status: z.string(),
      reason: z.string().nullable(),
      sendAfter: instant,
    }),
  ),
  /** In practitioners' calendars. */
  events: z.array(
    z.object({
      slotId: z.string(),
      status: z.enum(['told', 'waiting', 'failing']),
      problem: z.string().nullable(),
    }),
  ),
  looks: z.array(actionAnswer),
});

const revealAnswer = z.object({
  caller: z.string().nullable(),
  patient: z.record(z.string(), z.string()),
});

export type ListedCallAnswer = z.input<typeof listedCall>;
export type CallsAnswer = z.input<typeof callsAnswer>;
export type CallAnswer = z.input<typeof callAnswer>;
export type RevealAnswer = z.input<typeof revealAnswer>;

const callParams = z.object({ organization: z.string(), callSid: z.string().min(1).max(200) });

/** Calls that are on and that were, step by step; who called is masked until somebody asks. */
export function callsRoutes(add: AddRoute, { sql }: { sql: Sql }): void {
  add({
    method: 'GET',
    path: '/calls',
    summary: 'A page of calls, the latest first',
    role: 'see',
    query: z.object({
      before: z.string().refine(isCursor, 'is not the end of a page').optional(),
      filter: z.enum(['all', 'live', 'booked', 'failed']).default('all'),
    }),
    answer: callsAnswer,
    async handle({ organization, query }) {
      // One more than is shown tells whether there is another page.
      const calls = await listCalls(sql, organization.id, { ...query, limit: pageMax + 1 });
      const page = calls.slice(0, pageMax);
      const before = calls.length > pageMax ? (page.at(-1)?.cursor ?? null) : null;
      return { calls: page.map(maskedCall), before };
    },
  });
  add({
    method: 'GET',
    path: '/calls/:callSid',
    summary: 'One call: steps, turns with their times, what was promised and what became of it',
    role: 'see',
    params: callParams,
    answer: callAnswer,
    async handle({ organization, params }) {
      const shown = await shownCall(sql, { tenantId: organization.id, callSid: params.callSid });
      return shown ?? new Refusal(404, 'there is no such call');
    },
  });
  add({
    method: 'POST',
    path: '/calls/:callSid/reveal',
    summary: 'Shows who called and what is known of the patient; that it was asked for is recorded',
    role: 'see',
    params: callParams,
    answer: revealAnswer,
    async handle({ organization, session, params }) {
      const who = await callPatient(sql, { tenantId: organization.id, callSid: params.callSid });
      if (who === undefined) return new Refusal(404, 'there is no such call');
      await recordAction(sql, organization.id, {
        who: session.who,
        action: 'details shown',
        about: params.callSid,
      });
      return who;
    },
  });
  add({
    method: 'GET',
    path: '/record',
    summary: 'What was done by the console, the latest first',
    role: 'see',
    query: z.object({ before: z.coerce.number().int().positive().optional() }),
    answer: z.object({ actions: z.array(actionAnswer.extend({ id: z.number() })) }),
    async handle({ organization, query }) {
      return { actions: await recordedActions(sql, organization.id, { ...query, limit: pageMax }) };
    },
  });
}

/** A call with all that is known of it, names and numbers masked. */
async function shownCall(sql: Sql, key: CallKey) {
  const { tenantId, callSid } = key;
  const call = await findCall(sql, key);
  if (call === undefined) return undefined;
  const record = await callRecord(sql, tenantId, callSid);
  const promises = await callPromises(sql, key);
  const looks = await recordedActions(sql, tenantId, { about: callSid, limit: looksMax });
  return {
    ...record,
    call: maskedCall(call),
    appointments: record.appointments.map(({ patient, ...appointment }) => ({
      ...appointment,
      name: masked(patient['name']),
      phone: masked(patient['phone']),
    })),
    events: promises.events,
    texts: promises.texts.map((text) => ({ ...text, number: masked(text.number) })),
    looks,
  };
}

function maskedCall(call: ListedCall) {
  return { ...call, caller: masked(call.caller), name: masked(call.name) };
}
