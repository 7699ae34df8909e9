/** One thing somebody asked of the ledger during a run, and what they were told. */
export interface Operation {
  id: number;
  /** Through a server's door, or straight at the database functions. */
  by: 'door' | 'sql';
  call: string;
  kind: 'check' | 'claim' | 'confirm' | 'release' | 'cancel' | 'move';
  /** What it was about, as far as the caller knew: a slot, the version of a hold, an appointment. */
  about: { slotId?: string; version?: string; appointmentId?: string };
  invokedAt: number;
  endedAt: number;
  /** `unknown`: the connection or the server was gone before there was an answer; it may have happened or not. */
  outcome: 'ok' | 'refused' | 'unknown';
  /** Why it was refused, or what went wrong. */
  reason?: string;
  answer?: { slotId?: string; version?: string; appointmentId?: string };
}

/** What an attempt at an operation found out. */
export type Told = Pick<Operation, 'outcome' | 'reason' | 'answer'>;

/** Keeps every operation of a run. */
export class Operations {
  readonly list: Operation[] = [];
  #next = 1;

  /** Runs one and keeps what came of it; a throw is an unknown outcome. */
  async run(
    what: Pick<Operation, 'by' | 'call' | 'kind' | 'about'>,
    attempt: () => Promise<Told>,
  ): Promise<Operation> {
    const invokedAt = Date.now();
    const told = await attempt().catch(
      (error: unknown): Told => ({ outcome: 'unknown', reason: nameOf(error) }),
    );
    const operation = { id: this.#next, ...what, invokedAt, endedAt: Date.now(), ...told };
    this.#next += 1;
    this.list.push(operation);
    return operation;
  }
}

/** The code where there is one: messages differ by port and address. */
function nameOf(error: unknown): string {
  const { code, cause, name, message } = error as Error & { code?: unknown; cause?: { code?: string } };
  if (name === 'TimeoutError') return 'hung up';
  return typeof code === 'string' ? code : (cause?.code ?? message);
}
