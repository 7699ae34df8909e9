import { randomUUID } from 'node:crypto';
import type { Conversation } from '#conversation/conversation.ts';
import type { SpokenWords } from '#conversation/speech.ts';
import type { HistoryMessage, SpeakingLine, TurnEvent, TurnRequest } from '#conversation/turn-events.ts';
import type { Organization } from '#organization/organization.ts';
import type { Log } from '#telemetry/log.ts';
import type { Peer } from './peer.ts';

/** What the doors hand the conversation to; they translate, and everything else is here or beyond. */
export interface SocketCallParts
  extends Pick<Conversation, 'runTurn' | 'callLife' | 'callerSpeech' | 'carriedCalls'> {
  log: Log;
}

/** A turn as a door asks for it. */
export type AskedTurn = Pick<TurnRequest, 'caller' | 'history' | 'platformTools'> & { silent?: boolean };

/** One connection of a call: who is on it, and how to say something on it between turns. */
export interface Connection {
  peer: Peer;
  speak: (text: SpokenWords) => void;
}

/** The call's end is noted even when the ledger is away for a minute. */
const endAgainAfterMs = [1_000, 5_000, 20_000, 60_000];

/** A store that is left out is back within moments, or the process at its other end cannot be told anything anyway. */
const takesMax = 50;
const takeAgainAfterMs = 200;

/** A call that a socket carries. It outlives the socket: a platform that lost the connection comes back. */
export class SocketCall {
  readonly organization: Organization;
  readonly callSid: string;
  /** One object for as long as the call is here: who waits with it speaks on whichever connection there is then. */
  readonly #line: SpeakingLine = {
    say: async (text) => {
      if (!this.#connection?.peer.isOpen) throw new Error('the call has no connection at this moment');
      this.#connection.speak(text);
    },
  };
  readonly #parts: SocketCallParts;
  #connection: Connection | undefined;
  #connectionId = '';
  #isBack = false;
  #running: AbortController | undefined;
  #turn: Promise<void> = Promise.resolve();
  #speaking = false;

  constructor(parts: SocketCallParts, organization: Organization, callSid: string) {
    this.#parts = parts;
    this.organization = organization;
    this.callSid = callSid;
  }

  /** Takes the call up on a connection. */
  connect(connection: Connection): void {
    this.#isBack = this.#connection !== undefined;
    this.#connection = connection;
    this.#connectionId = randomUUID();
    void this.#take(this.#connectionId);
  }

  isOn(peer: Peer): boolean {
    return this.#connection?.peer === peer;
  }

  get peer(): Peer | undefined {
    return this.#connection?.peer;
  }

  /** Whether the call's connection is still ours, at another process by now, or nobody can say at this moment. */
  async whereabouts(): Promise<'here' | 'elsewhere' | 'unknown'> {
    const holder = await this.#parts.carriedCalls.holder(this.#key);
    if (holder === undefined) return 'unknown';
    return holder === this.#connectionId ? 'here' : 'elsewhere';
  }

  /** Whether nothing is known of the call. Nobody can say: then a greeting too many beats a silent line. */
  async isNew(): Promise<boolean> {
    if (this.#isBack) return false;
    const { callLife, log } = this.#parts;
    try {
      return !(await callLife.known(this));
    } catch (error) {
      log.warn(
        { err: error, organization: this.organization.key },
        'whether a call is new could not be read',
      );
      return true;
    }
  }

  /** Notes the start of the call, with the number the platform says, if it does. */
  started(caller: string | null): void {
    const { organization, callSid } = this;
    this.#parts.callLife.started({ organization, callSid, caller, now: new Date() });
  }

  /** Runs one turn and gives each of its events to `write`; a newer turn, or `cut`, ends it. Never throws. */
  takeTurn(asked: AskedTurn, write: (event: TurnEvent) => void): Promise<void> {
    this.cut();
    this.#running = new AbortController();
    this.#turn = this.#run(asked, this.#running.signal, write);
    return this.#turn;
  }

  /** Resolves when the newest turn has ended. */
  get quiet(): Promise<void> {
    return this.#turn;
  }

  /** Ends the running turn's words. What it is committing is committed. */
  cut(): void {
    this.#running?.abort();
  }

  /** Notes whether the caller speaks at this moment: nobody is to talk into their words. */
  speaking(isSpeaking: boolean): void {
    if (this.#speaking === isSpeaking) return;
    this.#speaking = isSpeaking;
    void this.#parts.callerSpeech.note(this.#key, isSpeaking);
  }

  /** What an earlier connection of the call kept. */
  said(): Promise<HistoryMessage[]> {
    return this.#parts.carriedCalls.said(this.#key);
  }

  keepSaid(history: HistoryMessage[]): void {
    void this.#parts.carriedCalls.keepSaid(this.#key, history);
  }

  /** Notes the end of the call. Never throws. */
  async over(reason: string): Promise<void> {
    const { organization, callSid } = this;
    // Nobody carries it any more, nor is about to.
    this.#connectionId = '';
    void this.#parts.carriedCalls.forget(this.#key);
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#parts.callLife.ended({ organization, callSid, reason });
        return;
      } catch (error) {
        const againMs = endAgainAfterMs[attempt];
        if (againMs === undefined) {
          this.#parts.log.error({ err: error, organization: organization.key }, 'a call’s end was not noted');
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, againMs).unref());
      }
    }
  }

  /** Says which connection carries the call, until that is kept, or another one does. */
  async #take(connectionId: string): Promise<void> {
    for (let attempt = 1; attempt <= takesMax && this.#connectionId === connectionId; attempt += 1) {
      if (await this.#parts.carriedCalls.take(this.#key, connectionId)) return;
      await new Promise((resolve) => setTimeout(resolve, takeAgainAfterMs).unref());
    }
  }

  get #key() {
    return { tenantId: this.organization.id, callSid: this.callSid };
  }

  async #run(asked: AskedTurn, signal: AbortSignal, write: (event: TurnEvent) => void): Promise<void> {
    const { organization, callSid } = this;
    const request: TurnRequest = {
      ...asked,
      organization,
      callSid,
      line: this.#line,
      dashboardPrompt: null,
      requestedAt: null,
      now: new Date(),
    };
    let finished = false;
    try {
      for await (const event of this.#parts.runTurn(request, signal)) {
        // A newer turn has the caller's ear.
        if (signal.aborted) return;
        finished = event.type === 'finished';
        write(event);
      }
      // A turn that another process overtook ends without a word; the platform waits for an end.
      if (!finished && !signal.aborted) write({ type: 'finished', reason: 'stop' });
    } catch (error) {
      if (!signal.aborted) this.#parts.log.error({ err: error }, 'a turn broke off');
    }
  }
}
