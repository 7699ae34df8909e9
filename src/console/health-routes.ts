import type { Sql } from 'postgres';
import { z } from 'zod';
import type { Conversation } from '#conversation/conversation.ts';
import { countJobs, listJobs, retryJob } from '#jobs/queue-view.ts';
import { figures } from '#telemetry/metrics.ts';
import { calendarHealth } from './calendar-health.ts';
import { type AddRoute, instant, Refusal } from './route.ts';
import type { Session } from './session.ts';
import { recordAction } from './staff-record.ts';
import { turnLatency } from './turn-latency.ts';

/** A day shows the quiet hours too. */
const hoursShown = 24;
const jobsMax = 25;

const healthAnswer = z.object({
  dependencies: z.array(z.object({ name: z.string(), ok: z.boolean(), state: z.string() })),
  /** `null` while the ledger does not answer. */
  latency: z
    .object({
      hours: z.array(z.object({ at: instant, turns: z.number(), medianMs: z.number(), slowMs: z.number() })),
      distribution: z.array(z.object({ uptoMs: z.number().nullable(), turns: z.number() })),
    })
    .nullable(),
  queue: z
    .object({ running: z.number(), failed: z.number(), retrying: z.number(), waiting: z.number() })
    .nullable(),
  /** Of the whole process, for the installation's own people only. */
  figures: z.array(
    z.object({
      name: z.string(),
      help: z.string(),
      values: z.array(z.object({ labels: z.record(z.string(), z.string()), value: z.number() })),
    }),
  ),
});

const jobAnswer = z.object({
  id: z.number(),
  task: z.string(),
  attempts: z.number(),
  lastError: z.string().nullable(),
  runAt: instant,
  createdAt: instant,
  state: z.string(),
});
const jobsAnswer = z.object({ jobs: z.array(jobAnswer) });

export type HealthAnswer = z.input<typeof healthAnswer>;
export type JobsAnswer = z.input<typeof jobsAnswer>;

export interface HealthParts {
  sql: Sql;
  /** How each dependency is now; never throws, and takes two seconds at most. */
  dependencies: Conversation['dependencies'];
  /** Whether text messages are really sent. */
  texting: boolean;
}

interface Shown {
  name: string;
  ok: boolean;
  state: string;
}

function textsState(texting: boolean): Shown {
  return { name: 'texts', ok: true, state: texting ? 'sent' : 'recorded, not sent' };
}

async function calendarDependency(sql: Sql, tenantId: string): Promise<Shown> {
  const { connected, problem, syncedAt, conflicts } = await calendarHealth(sql, tenantId);
  if (!connected) return { name: 'calendar', ok: true, state: 'not connected' };
  const read = syncedAt === null ? 'not read yet' : `read ${syncedAt.toISOString().slice(0, 16)}Z`;
  const state = problem ?? (conflicts === 0 ? read : `${read}, ${conflicts} conflicts`);
  return { name: 'calendar', ok: problem === null && conflicts === 0, state };
}

/** How it is: dependencies, latency, the queue and what failed in it. It opens on the day the ledger does not answer. */
export function healthRoutes(add: AddRoute, { sql, dependencies, texting }: HealthParts): void {
  add({
    method: 'GET',
    path: '/health',
    summary: 'Dependencies, latency of the last day, and the queue',
    role: 'see',
    answer: healthAnswer,
    async handle({ organization, session }) {
      const states = await dependencies();
      const reachable = states.every((one) => one.name !== 'ledger' || one.ok);
      const whose = ownerOfJobs(session);
      const [latency, queue] = reachable
        ? await Promise.all([turnLatency(sql, organization.id, hoursShown), countJobs(sql, whose)])
        : [null, null];
      const outside = reachable ? [textsState(texting), await calendarDependency(sql, organization.id)] : [];
      return {
        dependencies: [...states, ...outside],
        latency,
        queue,
        figures: session.organization === null ? await figures() : [],
      };
    },
  });
  add({
    method: 'GET',
    path: '/jobs',
    summary: 'The latest jobs of a state, without what they are about',
    role: 'see',
    query: z.object({ state: z.enum(['running', 'failed', 'retrying', 'waiting']).default('failed') }),
    answer: jobsAnswer,
    async handle({ session, query }) {
      return { jobs: await listJobs(sql, ownerOfJobs(session), { ...query, limit: jobsMax }) };
    },
  });
  add({
    method: 'POST',
    path: '/jobs/:id/retry',
    summary: 'Tries a job again at once',
    role: 'edit',
    params: z.object({ organization: z.string(), id: z.coerce.number().int().positive() }),
    answer: z.object({ retried: z.literal(true) }),
    async handle({ organization, session, params }) {
      const retried = await retryJob(sql, ownerOfJobs(session), params.id);
      if (!retried) return new Refusal(404, 'there is no such job that waits; reload the page');
      const about = String(params.id);
      await recordAction(sql, organization.id, { who: session.who, action: 'job tried again', about });
      return { retried: true as const };
    },
  });
}

/** The installation's own people look after everybody's jobs, and after those that are nobody's. */
function ownerOfJobs(session: Session): string | null {
  return session.organization?.id ?? null;
}
