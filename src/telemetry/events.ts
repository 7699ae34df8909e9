import { masked } from './masking.ts';
import { createStream, type EventStream, type Wire } from './stream.ts';

/**
 * What happens, one function per business event, and the stream of it that the live feed reads. Telling costs the
 * teller an array's push while somebody watches, on whichever process, and nothing while nobody does.
 */
export interface Events extends Disposable {
  /** Whether anybody watches, so that what is only told need not be found out. */
  readonly watched: boolean;
  callStarted(organization: Told, call: string, about: { caller: string | null }): void;
  callEnded(organization: Told, call: string, about: { reason: string | null; holdKept: boolean }): void;
  turnFinished(
    organization: Told,
    call: string,
    about: { turn: number; spans: Record<string, number>; tools: string[]; cut: boolean },
  ): void;
  toolFinished(
    organization: Told,
    call: string,
    about: { tool: string; success: boolean; reason: string | null; durationMs: number },
  ): void;
  stepChanged(
    organization: Told,
    call: string,
    about: { id: string; from: string | null; to: string; cause: string; slot: string | null },
  ): void;
  /** What a call holds now. */
  hold(organization: Told, call: string, about: { hold: LiveHold | null; patientName: string | null }): void;
  holdExtended(organization: Told, call: string, about: { endsInMs: number }): void;
  holdWarned(organization: Told, call: string, about: { endsInMs: number }): void;
  appointmentBooked(
    organization: Told,
    call: string,
    about: {
      slot: string;
      startsAt: string;
      practitioner: string;
      patientName: string | null;
      phone: string | null;
    },
  ): void;
  /** @param organization nothing for a job of the whole installation */
  jobFailed(
    organization: Told | undefined,
    about: { task: string; attempt: number; final: boolean; reason: string },
  ): void;
  /** Everything from now on, of every process. A reader that falls behind misses the oldest, and is told how many. */
  watch(): EventStream<LiveEvent>;
}

/** Whose event it is: any organization fits. */
export interface Told {
  id: string;
  key: string;
}

/**
 * Something that happened and that somebody watching wants to see. Whatever says who a person is or how to reach them
 * stands under `pii` and nowhere else, so that it can be taken out in one place.
 */
export type LiveEvent = { at: string } & (
  | (OfOrganization & OfCall & LiveCallEvent)
  | (Partial<OfOrganization> & JobFailed)
);

interface OfOrganization {
  /** The organization's id, as in every table. */
  tenantId: string;
  /** Its short name, e.g. `demo-clinic`. */
  organization: string;
}

interface OfCall {
  call: string;
}

type LiveCallEvent =
  /** Told once by each process that sees the call. */
  | { type: 'call-started'; pii: { caller: string | null } }
  | { type: 'call-ended'; reason: string | null; holdKept: boolean }
  /** `spans` in milliseconds since the turn's request: what was measured, by name; `total` is always there. */
  | { type: 'turn-finished'; turn: number; spans: Record<string, number>; tools: string[]; cut: boolean }
  | { type: 'tool-finished'; tool: string; success: boolean; reason: string | null; durationMs: number }
  /** As the ledger's history has it; `id` is the row's, so that one told twice can be recognised. */
  | { type: 'step-changed'; id: string; from: string | null; to: string; cause: string; slot: string | null }
  /** What the call holds after its latest turn, or that it holds nothing any more. */
  | { type: 'hold'; hold: LiveHold | null; pii: { patientName: string | null } }
  | { type: 'hold-extended'; endsInMs: number }
  | { type: 'hold-warned'; endsInMs: number }
  | {
      type: 'appointment-booked';
      slot: string;
      startsAt: string;
      practitioner: string;
      pii: { patientName: string | null; phone: string | null };
    };

export interface LiveHold {
  slot: string;
  startsAt: string;
  practitioner: string;
  /** From the moment of the event, by the ledger's clock. */
  endsInMs: number;
}

interface JobFailed {
  type: 'job-failed';
  task: string;
  attempt: number;
  /** Whether it is tried again. */
  final: boolean;
  reason: string;
}

/** @param wire how processes tell each other; a store is one. Without it, only this process's events are seen */
export function createEvents({ wire }: { wire?: Wire | undefined } = {}): Events {
  const stream = createStream<LiveEvent>({ wire });
  const of = (organization: Told, call: string) => ({
    at: new Date().toISOString(),
    tenantId: organization.id,
    organization: organization.key,
    call,
  });

  return {
    get watched() {
      return stream.watched;
    },
    callStarted: (organization, call, { caller }) =>
      stream.tell({ ...of(organization, call), type: 'call-started', pii: { caller } }),
    callEnded: (organization, call, about) =>
      stream.tell({ ...of(organization, call), type: 'call-ended', ...about }),
    turnFinished: (organization, call, about) =>
      stream.tell({ ...of(organization, call), type: 'turn-finished', ...about }),
    toolFinished: (organization, call, about) =>
      stream.tell({ ...of(organization, call), type: 'tool-finished', ...about }),
    stepChanged: (organization, call, about) =>
      stream.tell({ ...of(organization, call), type: 'step-changed', ...about }),
    hold: (organization, call, { hold, patientName }) =>
      stream.tell({ ...of(organization, call), type: 'hold', hold, pii: { patientName } }),
    holdExtended: (organization, call, about) =>
      stream.tell({ ...of(organization, call), type: 'hold-extended', ...about }),
    holdWarned: (organization, call, about) =>
      stream.tell({ ...of(organization, call), type: 'hold-warned', ...about }),
    appointmentBooked: (organization, call, { patientName, phone, ...about }) =>
      stream.tell({
        ...of(organization, call),
        type: 'appointment-booked',
        ...about,
        pii: { patientName, phone },
      }),
    jobFailed: (organization, about) =>
      stream.tell({
        at: new Date().toISOString(),
        ...(organization === undefined ? {} : { tenantId: organization.id, organization: organization.key }),
        type: 'job-failed',
        ...about,
      }),
    watch: () => stream.watch(),
    [Symbol.dispose]: () => stream[Symbol.dispose](),
  };
}

/** The same event with its names and numbers masked. */
export function maskedEvent(event: LiveEvent): LiveEvent {
  if (!('pii' in event)) return event;
  const pii = Object.fromEntries(
    Object.entries(event.pii).map(([key, value]: [string, string | null]) => [key, masked(value)]),
  );
  return { ...event, pii } as LiveEvent;
}
