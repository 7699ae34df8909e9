import type { Conversation } from '#conversation/conversation.ts';
import type { SpokenWords } from '#conversation/speech.ts';
import type { TurnEvent } from '#conversation/turn-events.ts';
import type { Organization } from '#organization/organization.ts';
import type { Log } from '#telemetry/log.ts';
import { AfterSpeech } from './after-speech.ts';
import { closings } from './closings.ts';
import type { Peer, PeerEvents, PeerLimits } from './peer.ts';
import { nothingWanted, platformTools, type Wanted, withHandOff } from './platform-tools.ts';
import { RelayHistory } from './relay-history.ts';
import { type RelayMessage, readRelay } from './relay-wire.ts';
import type { SocketCall } from './socket-call.ts';
import type { SocketCalls } from './socket-calls.ts';
import { spokenLocale } from './spoken-locale.ts';

/**
 * A prompt is what a caller says in one breath. Partial prompts and played words come some twenty a second at most. A
 * caller may be silent, or on hold, for a quarter of an hour.
 */
export const relayLimits: PeerLimits = {
  door: 'relay',
  frameBytesMax: 64 * 1024,
  messagesPerSecond: 50,
  burst: 200,
  idleMs: 15 * 60_000,
  unreadBytesMax: 256 * 1024,
};

export interface RelayParts {
  calls: SocketCalls;
  listenAhead: Conversation['listenAhead'];
  greeting: (organization: Organization) => SpokenWords;
  /** Whose number was dialled, where the connection itself does not say whose it is. */
  dialled: (number: string) => Organization | undefined;
  /** Spoken to whoever dialled a number nobody knows. */
  unknownOrganization: () => SpokenWords;
  log: Log;
}

export interface RelayConnection {
  /** The organization whose key opened the socket; `undefined` when the platform's signature did. */
  organization: Organization | undefined;
  admit: (events: PeerEvents) => Peer | undefined;
  /** Counts the socket for an organization; false, and closed, when that has too many. */
  claim: (peer: Peer, organization: Organization) => boolean;
}

/** What only a call that has begun can have. */
type InCall = Exclude<RelayMessage, { kind: 'setup' | 'agent-speaking' | 'unusable' | 'error' | 'unknown' }>;

/** The platform says who calls as soon as it is connected. */
const setupWithinMs = 10_000;
/** Between two keys of one number; `#` ends it at once. */
const nextKeyWithinMs = 1_500;
const keysMax = 32;
/** A platform may add types; one that sends nothing else is something else. */
const unknownMax = 50;
/** More lines about one call say nothing new. */
const complaintsMax = 5;

/**
 * Twilio's ConversationRelay, and Telnyx's look-alike, for one call:
 * https://www.twilio.com/docs/voice/conversationrelay/websocket-messages. It keeps no transcript, so that ours is kept
 * here: the caller's words, and of ours what was heard.
 */
export class RelayCall {
  readonly #parts: RelayParts;
  readonly #connection: RelayConnection;
  readonly #peer: Peer | undefined;
  readonly #history = new RelayHistory();
  readonly #setupTimer: NodeJS.Timeout;
  #call: SocketCall | undefined;
  #about: Extract<RelayMessage, { kind: 'setup' }> | undefined;
  /** What was kept of an earlier connection has been read. */
  #restored: Promise<void> = Promise.resolve();
  /** What the running turn has said by now. */
  #saying = '';
  #played = '';
  #keys = '';
  #keysTimer: NodeJS.Timeout | undefined;
  readonly #afterSpeech = new AfterSpeech();
  #unknown = 0;
  #complaints = 0;

  constructor(parts: RelayParts, connection: RelayConnection) {
    this.#parts = parts;
    this.#connection = connection;
    this.#peer = connection.admit({
      onMessage: (message) => this.#receive(readRelay(message)),
      onClosed: (code) => this.#closed(code),
    });
    this.#setupTimer = setTimeout(() => this.#peer?.close(closings.idle), setupWithinMs).unref();
  }

  #receive(message: RelayMessage): void {
    if (message.kind === 'setup') this.#setUp(message);
    else if (message.kind === 'unknown') this.#countUnknown();
    else if (message.kind === 'unusable' || message.kind === 'error') {
      this.#complain(message);
    } else if (message.kind === 'agent-speaking') this.#afterSpeech.voice(message.on);
    else if (this.#about === undefined) this.#peer?.close(closings.outOfOrder);
    // Without a call there is nobody to talk to: the session ends when that was said.
    else if (this.#call !== undefined) this.#happened(this.#call, message);
  }

  #happened(call: SocketCall, message: InCall): void {
    switch (message.kind) {
      case 'prompt':
        this.#heard(call, message);
        break;
      case 'interrupt':
        this.#interrupted(call, message.heard);
        break;
      case 'dtmf':
        this.#key(call, message.digit);
        break;
      case 'caller-speaking':
        call.speaking(message.on);
        break;
      case 'played':
        this.#played += `${message.words} `;
        break;
      default:
        message satisfies never;
    }
  }

  #complain({ kind, problem }: { kind: string; problem: string }): void {
    this.#complaints += 1;
    if (this.#complaints > complaintsMax) return;
    this.#parts.log.warn({ kind, problem }, 'the relay complains, or sent what cannot be used');
  }

  #countUnknown(): void {
    this.#unknown += 1;
    if (this.#unknown > unknownMax) this.#peer?.close(closings.unknownMessages);
  }

  #setUp(about: Extract<RelayMessage, { kind: 'setup' }>): void {
    const peer = this.#peer;
    if (peer === undefined) return;
    clearTimeout(this.#setupTimer);
    if (this.#about !== undefined) {
      if (this.#about.callSid !== about.callSid) peer.close(closings.outOfOrder);
      return;
    }
    this.#about = about;
    const organization = this.#connection.organization ?? this.#parts.dialled(about.dialled ?? '');
    if (organization === undefined) this.#apologise(about.dialled);
    else if (this.#connection.claim(peer, organization)) {
      const speak = (text: SpokenWords) => this.#speakUp(text);
      this.#call = this.#parts.calls.open(organization, about.callSid, { peer, speak });
      this.#restored = this.#begin(this.#call, about);
    }
  }

  #apologise(dialled: string | null): void {
    this.#parts.log.warn({ dialled }, 'a call for an organization nobody knows');
    const words = this.#parts.unknownOrganization();
    this.#tell({ type: 'text', token: words, last: true });
    this.#endAfter(words, {});
  }

  /** Greets a new caller; goes on with one who was cut off. */
  async #begin(
    call: SocketCall,
    { greeted, caller }: { greeted: boolean; caller: string | null },
  ): Promise<void> {
    const isNew = await call.isNew();
    // Whoever has left meanwhile has been noted as gone: nothing begins after that.
    if (!this.#peer?.isOpen) return;
    call.started(caller);
    if (isNew) {
      const greeting = this.#parts.greeting(call.organization);
      this.#history.assistant(greeting);
      if (!greeted) this.#tell({ type: 'text', token: greeting, last: true });
      call.keepSaid(this.#history.messages);
    } else this.#history.restore(await call.said());
  }

  /** Something that is said between turns. */
  #speakUp(text: SpokenWords): void {
    this.#tell({ type: 'text', token: text, last: true, preemptible: true });
    this.#history.assistant(text);
    this.#call?.keepSaid(this.#history.messages);
  }

  #heard(call: SocketCall, { words, last }: { words: string; last: boolean }): void {
    call.speaking(!last);
    if (words === '') return;
    const { organization } = call;
    if (last) void this.#turn(call, words);
    else this.#parts.listenAhead({ organization, words, now: new Date() });
  }

  #interrupted(call: SocketCall, heard: string | null): void {
    this.#afterSpeech.drop();
    call.cut();
    this.#keepSaying();
    this.#history.cutTo(heard ?? this.#played);
    call.keepSaid(this.#history.messages);
  }

  /** Keys are one number until a pause or `#`, in the words Vapi has for them. */
  #key(call: SocketCall, digit: string): void {
    clearTimeout(this.#keysTimer);
    if (digit !== '#') this.#keys += digit;
    const enter = () => {
      const keys = this.#keys;
      this.#keys = '';
      if (keys !== '') void this.#turn(call, `User's Keypad Entry: ${keys}`);
    };
    if (digit === '#' || this.#keys.length >= keysMax) enter();
    else this.#keysTimer = setTimeout(enter, nextKeyWithinMs).unref();
  }

  async #turn(call: SocketCall, words: string): Promise<void> {
    this.#afterSpeech.begin();
    call.cut();
    await this.#restored;
    if (!this.#peer?.isOpen) return;
    this.#keepSaying();
    this.#played = '';
    this.#history.caller(words);
    const { caller, callsOut } = this.#about ?? { caller: null, callsOut: false };
    const history = this.#history.messages;
    call.keepSaid(history);
    const asked = { caller, history, platformTools: platformTools(call.organization, callsOut) };
    await call.takeTurn(asked, this.#tokens(call));
  }

  /** Writes a turn as text tokens; what the turn wants of the platform comes after its words were spoken. */
  #tokens(call: SocketCall): (event: TurnEvent) => void {
    let wanted = nothingWanted;
    return (event) => {
      if (event.type === 'say' && event.text !== '') {
        this.#saying += event.text;
        this.#peer?.send(`{"type":"text","token":${JSON.stringify(event.text)},"last":false}`);
      }
      if (event.type === 'language') this.#speakIn(event.language);
      if (event.type === 'hand-off') wanted = withHandOff(wanted, event, call.organization);
      if (event.type === 'finished') {
        const words = this.#saying;
        this.#tell({ type: 'text', token: '', last: true });
        this.#keepSaying();
        call.keepSaid(this.#history.messages);
        this.#carryOut(wanted, words);
      }
    };
  }

  #speakIn(language: string): void {
    const locale = spokenLocale(language);
    this.#tell({ type: 'language', ttsLanguage: locale, transcriptionLanguage: locale });
  }

  #carryOut({ end, transferTo, digits }: Wanted, words: string): void {
    if (end) this.#endAfter(words, {});
    else if (transferTo !== null) {
      const reason = { reasonCode: handOffReason, reason: 'the caller is to be connected to a person' };
      this.#endAfter(words, { handoffData: JSON.stringify(reason) });
    } else if (digits !== null) this.#tell({ type: 'sendDigits', digits });
  }

  /** Ends the session once the words before it were spoken; a caller who speaks before that goes on talking. */
  #endAfter(words: string, message: { handoffData?: string }): void {
    this.#afterSpeech.do(words, () => this.#tell({ type: 'end', ...message }));
  }

  #keepSaying(): void {
    this.#history.assistant(this.#saying);
    this.#saying = '';
  }

  #closed(code: number): void {
    clearTimeout(this.#setupTimer);
    clearTimeout(this.#keysTimer);
    this.#afterSpeech.drop();
    if (this.#call !== undefined && this.#peer !== undefined)
      this.#parts.calls.left(this.#call, this.#peer, code);
  }

  #tell(message: object): void {
    this.#peer?.send(JSON.stringify(message));
  }
}

/** What the session's end says to the route that answers what comes after it. */
export const handOffReason = 'live-agent-handoff';
