import postgres, { type Sql } from 'postgres';
import { createOpenSlots } from '#availability/open-slots.ts';
import { confirmBooking } from '#booking/appointments.ts';
import type { CallKey } from '#booking/calls.ts';
import { claimSlot } from '#booking/holds.ts';
import { openRunner } from '#jobs/runner.ts';
import { createHandlers } from '#jobs/tasks.ts';
import { attemptLeaseMs, twilioAnswerMs } from '#jobs/text-retries.ts';
import type { Languages } from '#language/languages.ts';
import { openDirectory } from '#organization/directory.ts';
import { openPrompts } from '#prompts/templates.ts';
import { createTwilio } from '#sms/twilio.ts';
import { openPostgres } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { promptsFolder } from '../src/config.ts';
import { type Clinic, nth, openClinic } from './clinic.ts';
import { languages as shipped } from './languages.ts';
import { account, startTwilio, type TwilioStandIn } from './stand-ins/twilio.ts';

export const publicUrl = 'https://holdline.example';

/** Short, so that an attempt that got no answer is over soon; the lease is longer than two of them, as it must be. */
const timeoutMs = 800;
const leaseMs = 2_000;

export interface Text {
  id: string;
  tenantId: string;
  appointmentId: string;
  number: string;
  wording: string;
  status: string;
  reason: string | null;
  sid: string | null;
  attempts: number;
}

/** What texts are written in; English by the shipped templates where it is left out. */
export interface TextedIn {
  languages: Languages;
  /** Where the templates are. */
  folder: string;
  language: string;
}

/** A clinic whose texts go to a stand-in, and what it takes to let time pass for them. */
export interface TextClinic extends AsyncDisposable {
  clinic: Clinic;
  owner: Sql;
  twilio: TwilioStandIn;
  /** Books the next free time in a call of its own. */
  book(number: string): Promise<{ call: CallKey; appointmentId: string; holdVersion: string }>;
  /** The yes again, with another number or the same. */
  confirm(call: CallKey, holdVersion: string, number: string): Promise<string | null>;
  texts(): Promise<Text[]>;
  /** A process that sends texts. Where it finds the ledger and Twilio may differ. */
  startWorker(places?: {
    ledgerUrl?: string;
    twilioUrl?: string;
    pollIntervalMs?: number;
    tendEveryMs?: number;
    /** Waits for Twilio as long as the product does: for tests that count attempts, whatever the machine's pace is. */
    patient?: boolean;
  }): Promise<AsyncDisposable>;
  /** Everything that waits for its time is due, and every attempt that ended without an answer is over. */
  hurry(): Promise<void>;
  /** Hurries until no job waits any more but those that failed for good. */
  untilQuiet(): Promise<void>;
}

export async function openTextClinic(
  settings: Record<string, unknown> = {},
  { languages = shipped, folder = promptsFolder, language = 'en' }: Partial<TextedIn> = {},
): Promise<TextClinic> {
  await using opening = new AsyncDisposableStack();
  const log = createLog({ level: process.env['LOG_LEVEL'] ?? 'silent', pretty: true });
  const clinic = opening.use(
    await openClinic({ settings: { live_holds_max: null, ...settings }, practitioners: ['ada', 'bo', 'cy'] }),
  );
  const owner = postgres(clinic.database.ownerUrl, { max: 2, onnotice: () => {} });
  opening.defer(() => owner.end());
  const twilio = opening.use(await startTwilio());
  const prompts = opening.use(await openPrompts({ folder, log }));
  // From the second day on, so that a reminder is due, too.
  const free = (await clinic.open()).filter(
    ({ startsAt }) => startsAt.getTime() > Date.now() + 30 * 3_600_000,
  );
  const opened = opening.move();

  const confirm: TextClinic['confirm'] = async (call, holdVersion, number) => {
    const outcome = await confirmBooking(clinic.sql, call, {
      holdVersion,
      patient: { name: 'Ann Miller', phone: number },
      text: { number, wording: 'confirmation', language },
      turn: null,
    });
    if (!outcome.booked) throw new Error(`not booked: ${outcome.reason}`);
    return outcome.text;
  };
  const hurry = async () => {
    await owner`update text_messages set send_after = ledger_now() where status = 'recorded' and send_after > ledger_now()`;
    // What really runs is left alone; the rest is taken back, as it would be in half a minute. What somebody has locked
    // at this instant is left for the next time: waiting for it, in another order, would be a deadlock.
    await owner`
      update graphile_worker._private_jobs set locked_at = least(locked_at, now() - interval '26 seconds')
      where id in (
        select id from graphile_worker._private_jobs where locked_at is not null for update skip locked)`;
    await owner`
      update graphile_worker._private_jobs set run_at = now()
      where id in (
        select id from graphile_worker._private_jobs where locked_at is null and run_at > now() for update skip locked)`;
    await owner`select pg_notify('jobs:insert', '{"count":8}')`;
  };
  return {
    clinic,
    owner,
    twilio,
    confirm,
    hurry,
    async book(number) {
      const call = await clinic.call(number);
      const slot = nth(free, 0);
      free.shift();
      const held = await claimSlot(clinic, call, { ...slot, turn: null });
      if (!held.held || !('version' in held)) throw new Error(`not held: ${JSON.stringify(held)}`);
      await confirm(call, held.version, number);
      const [made] = await owner<
        [{ id: string }]
      >`select id from appointments where call_sid = ${call.callSid}`;
      return { call, appointmentId: made.id, holdVersion: held.version };
    },
    async texts() {
      return [
        ...(await owner<Text[]>`
          select id, tenant_id as "tenantId", appointment_id as "appointmentId", number, wording, status, reason,
            provider_sid as sid, attempts
          from text_messages order by created_at, wording`),
      ];
    },
    async startWorker({
      ledgerUrl = clinic.database.appUrl,
      twilioUrl = twilio.url,
      pollIntervalMs = 100,
      tendEveryMs = 200,
      patient = false,
    } = {}) {
      await using starting = new AsyncDisposableStack();
      const { sql } = starting.use(await openPostgres({ url: ledgerUrl, poolSize: 2, log }));
      const directory = starting.use(await openDirectory({ sql, log }));
      const openSlots = starting.use(createOpenSlots({ sql, store: clinic.store }));
      const sender = createTwilio({
        ...account,
        baseUrl: twilioUrl,
        timeoutMs: patient ? twilioAnswerMs : timeoutMs,
      });
      const handlers = createHandlers({
        sql,
        openSlots,
        calendars: undefined,
        directory,
        prompts,
        languages,
        sender,
        publicUrl,
        log,
        leaseMs: patient ? attemptLeaseMs : leaseMs,
      });
      const options = {
        url: ledgerUrl,
        sql,
        handlers,
        schedules: [],
        log,
        pollIntervalMs,
        tendEveryMs,
      };
      starting.use(await openRunner(options));
      const started = starting.move();
      return { [Symbol.asyncDispose]: () => started.disposeAsync() };
    },
    async untilQuiet() {
      for (;;) {
        await hurry();
        const [row] = await owner<[{ left: number }]>`
          select count(*)::integer as left from graphile_worker._private_jobs where attempts < max_attempts
            or locked_at is not null`;
        if (row.left === 0) return;
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
