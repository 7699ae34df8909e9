import type { Conversation } from '#conversation/conversation.ts';
import type { SpokenWords } from '#conversation/speech.ts';
import type { TurnEvent } from '#conversation/turn-events.ts';
import type { Organization } from '#organization/organization.ts';
import type { Log } from '#telemetry/log.ts';
import { closings } from './closings.ts';
import type { Peer, PeerEvents, PeerLimits } from './peer.ts';
import { nothingWanted, platformTools, type Wanted, withHandOff } from './platform-tools.ts';
import { type RetellMessage, readRetell } from './retell-wire.ts';
import type { SocketCall } from './socket-call.ts';
import type { SocketCalls } from './socket-calls.ts';

/**
 * Retell sends the whole transcript with each word's time: an hour of talk is half a megabyte. It reports every few
 * words, some ten messages a second at most, and pings every two seconds.
 */
export const retellLimits: PeerLimits = {
  door: 'retell',
  frameBytesMax: 1024 * 1024,
  messagesPerSecond: 50,
  burst: 200,
  idleMs: 30_000,
  unreadBytesMax: 256 * 1024,
};

export interface RetellParts {
  calls: SocketCalls;
  listenAhead: Conversation['listenAhead'];
  /** What an organization greets its callers with. */
  greeting: (organization: Organization) => SpokenWords;
  log: Log;
}

interface Details {
  caller: string | null;
  callsOut: boolean;
}

/** The caller's number is waited for so long; without it a turn goes on as for one who withheld it. */
const detailsWithinMs = 1_000;
/** A platform may add types; one that sends nothing else is something else. */
const unknownMax = 50;
/** More lines about one call say nothing new. */
const complaintsMax = 5;

/**
 * Retell's custom-LLM socket for one call: https://docs.retellai.com/api-references/llm-websocket. The newest response
 * it asked for is the call's turn; an older one gets no more words.
 */
export class RetellCall {
  readonly #parts: RetellParts;
  readonly #peer: Peer | undefined;
  readonly #call: SocketCall | undefined;
  readonly #details = Promise.withResolvers<Details>();
  #newestId = Number.NEGATIVE_INFINITY;
  #unknown = 0;
  #complaints = 0;
  #interrupts = 0;

  /** @param admit takes the socket in, unless there are too many */
  constructor(
    parts: RetellParts,
    about: {
      organization: Organization;
      callSid: string;
      admit: (events: PeerEvents) => Peer | undefined;
    },
  ) {
    this.#parts = parts;
    const peer = about.admit({
      onMessage: (message) => this.#receive(readRetell(message)),
      onClosed: (code) => this.#closed(code),
    });
    if (peer === undefined) return;
    this.#peer = peer;
    const call = parts.calls.open(about.organization, about.callSid, {
      peer,
      speak: (words) => this.#interrupt(words),
    });
    this.#call = call;
    this.#tell({
      response_type: 'config',
      config: { auto_reconnect: true, call_details: true, transcript_with_tool_calls: false },
    });
    void this.#begin(call);
  }

  /** A caller who was cut off is not greeted again; Retell expects a first response all the same. */
  async #begin(call: SocketCall): Promise<void> {
    const isNew = await call.isNew();
    const content = isNew ? this.#parts.greeting(call.organization) : '';
    this.#tell({ response_type: 'response', response_id: 0, content, content_complete: true });
    const timer = setTimeout(() => this.#details.resolve({ caller: null, callsOut: false }), detailsWithinMs);
    const { caller } = await this.#details.promise;
    clearTimeout(timer.unref());
    // Whoever has left meanwhile has been noted as gone: nothing begins after that.
    if (this.#peer?.isOpen) call.started(caller);
  }

  /** Says something between turns, over whoever is speaking. */
  #interrupt(content: SpokenWords): void {
    this.#interrupts += 1;
    const interrupt_id = this.#interrupts;
    this.#tell({ response_type: 'agent_interrupt', interrupt_id, content, content_complete: true });
  }

  #receive(message: RetellMessage): void {
    switch (message.kind) {
      case 'ping':
        this.#tell({ response_type: 'ping_pong', timestamp: message.timestamp });
        break;
      case 'call-details':
        this.#details.resolve(message);
        break;
      case 'update':
        this.#listen(message.userWords);
        break;
      case 'response':
      case 'reminder':
        void this.#answer(message);
        break;
      case 'unusable':
        this.#complain(message.problem);
        break;
      case 'unknown':
        this.#unknown += 1;
        if (this.#unknown > unknownMax) this.#peer?.close(closings.unknownMessages);
    }
  }

  #complain(problem: string): void {
    this.#complaints += 1;
    if (this.#complaints <= complaintsMax)
      this.#parts.log.warn({ problem }, 'a message of Retell is left out');
  }

  #listen(words: string | null): void {
    const call = this.#call;
    if (call === undefined) return;
    call.speaking(words !== null);
    const { organization } = call;
    if (words !== null) this.#parts.listenAhead({ organization, words, now: new Date() });
  }

  async #answer({
    kind,
    id,
    history,
  }: Extract<RetellMessage, { kind: 'response' | 'reminder' }>): Promise<void> {
    const call = this.#call;
    // AskedTurn for again, or overtaken on the way: only the newest is spoken.
    if (call === undefined || id <= this.#newestId) return;
    this.#newestId = id;
    call.cut();
    call.speaking(false);
    const { caller, callsOut } = await this.#details.promise;
    if (id !== this.#newestId || !this.#peer?.isOpen) return;
    const asked = { caller, history, platformTools: platformTools(call.organization, callsOut) };
    await call.takeTurn({ ...asked, silent: kind === 'reminder' }, this.#responses(id, call.organization));
  }

  /** Writes a turn as the responses to one request; tools are mirrored, so that Retell's own transcript has them. */
  #responses(id: number, organization: Organization): (event: TurnEvent) => void {
    const head = `{"response_type":"response","response_id":${id},"content":`;
    let wanted = nothingWanted;
    return (event) => {
      if (event.type === 'say') {
        if (event.text !== '')
          this.#peer?.send(`${head}${JSON.stringify(event.text)},"content_complete":false}`);
      } else if (event.type === 'hand-off') {
        wanted = withHandOff(wanted, event, organization);
      } else if (event.type === 'finished') {
        const last = { response_type: 'response', response_id: id, content: '', content_complete: true };
        this.#tell({ ...last, ...action(wanted) });
      } else if (event.type !== 'language') this.#mirror(event);
    };
  }

  #mirror(event: Extract<TurnEvent, { type: 'tool-started' | 'tool-finished' }>): void {
    const tool_call_id = event.id;
    if (event.type === 'tool-started') {
      const { name } = event;
      const args = JSON.stringify(event.arguments);
      this.#tell({ response_type: 'tool_call_invocation', tool_call_id, name, arguments: args });
    } else {
      const content = JSON.stringify(event.result);
      const successful = event.result.success;
      this.#tell({ response_type: 'tool_call_result', tool_call_id, content, successful });
    }
  }

  #closed(code: number): void {
    if (this.#call === undefined || this.#peer === undefined) return;
    this.#details.resolve({ caller: null, callsOut: false });
    this.#parts.calls.left(this.#call, this.#peer, code);
  }

  #tell(message: object): void {
    this.#peer?.send(JSON.stringify(message));
  }
}

/** Retell takes one action per response, and drops it when the caller talks over the words before it. */
function action({ end, transferTo, digits }: Wanted): object {
  if (end) return { end_call: true };
  if (transferTo !== null) return { transfer_number: transferTo };
  return digits === null ? {} : { digit_to_press: digits };
}
