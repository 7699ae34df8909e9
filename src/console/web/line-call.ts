import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { CallAnswer } from '../calls-routes.ts';
import { type Api, problemText } from './api.ts';
import { type Live, useLive } from './live.ts';

/** One thing that happened underneath a turn. */
export type Underneath =
  | {
      type: 'tool';
      name: string;
      arguments: unknown;
      /** Until it has finished: nothing. */
      result: { success: boolean } | undefined;
      durationMs: number;
    }
  /** The platform's own tool. */
  | { type: 'hand-off'; name: string; arguments: unknown };

/** One exchange: what was said, what was heard, and what happened in between. */
export interface TurnView {
  key: number;
  /** `null`: the receptionist speaks first. */
  said: string | null;
  heard: string;
  underneath: Underneath[];
  /** Until the first word came, measured by the server. */
  firstWordMs: number | null;
  /** The server's own spans, by name; they come by the live feed. */
  spans: Record<string, number>;
  state: 'running' | 'done' | 'cut' | 'broken';
}

/** A call from this page as it stands. */
export interface LineView {
  state: 'idle' | 'on' | 'over';
  callSid: string;
  turns: TurnView[];
  record: CallAnswer | undefined;
  /** When `record` came, for counting down. */
  recordAtMs: number;
  problem: string | undefined;
}

export interface LineCall extends LineView {
  /** @param caller E.164 it pretends to come from; `null` withholds it */
  start: (caller: string | null) => Promise<void>;
  /** Says something; the receptionist is cut off if she still speaks, as on the telephone. */
  say: (words: string) => Promise<void>;
  hangUp: () => Promise<void>;
}

interface LineParts {
  /** Words of a turn as they come; `done` once at its end. */
  onHeard: (text: string, done: boolean) => void;
  /** Unsaved templates this call speaks by. */
  drafts: Record<string, string>;
}

/** Several events tell of one turn; one look at the ledger after them is enough. */
const settleMs = 150;

/** The platform's tools end the call after the words that go before them. */
const endingTools = ['endCall', 'transferCall'];

/** A call from this page: each turn goes by the voice platform's door, streamed. */
export function useLineCall(api: Api, parts: LineParts): LineCall {
  const [view, setView] = useState<LineView>(noCall);
  const latest = useRef(parts);
  latest.current = parts;
  const line = useMemo(() => new Line(api, () => latest.current, setView), [api]);
  useLive(api, (event) => line.take(event));
  useEffect(() => () => line.leave(), [line]);
  return { ...view, start: line.start, say: line.say, hangUp: line.hangUp };
}

const noCall: LineView = {
  state: 'idle',
  callSid: '',
  turns: [],
  record: undefined,
  recordAtMs: 0,
  problem: undefined,
};

class Line {
  readonly #api: Api;
  readonly #parts: () => LineParts;
  readonly #show: (view: LineView) => void;
  #view = noCall;
  #caller: string | null = null;
  #running: AbortController | undefined;
  #lookSoon: number | undefined;

  constructor(api: Api, parts: () => LineParts, show: (view: LineView) => void) {
    this.#api = api;
    this.#parts = parts;
    this.#show = show;
  }

  start = async (caller: string | null): Promise<void> => {
    try {
      const { callSid } = await this.#api.send<{ callSid: string }>('POST', '/line/calls', { caller });
      this.#caller = caller;
      this.#change({ ...noCall, state: 'on', callSid });
      await this.#turn(null);
    } catch (error) {
      this.#change({ problem: problemText(error) });
    }
  };

  say = async (words: string): Promise<void> => {
    if ((await this.#turn(words)) === 'ends') await this.hangUp();
  };

  hangUp = async (): Promise<void> => {
    this.#running?.abort();
    this.#change({ state: 'over' });
    try {
      await this.#api.send('POST', `/line/calls/${this.#view.callSid}/end`);
      await this.#look();
    } catch (error) {
      this.#change({ problem: problemText(error) });
    }
  };

  /** The page goes away: so does the caller. */
  leave(): void {
    clearTimeout(this.#lookSoon);
    if (this.#view.state === 'on') void this.hangUp();
  }

  /** What comes a moment after the words: what was committed behind them, and the spans of the turn, by its number. */
  take(event: Live): void {
    if (event.call !== this.#view.callSid) return;
    this.#lookSoon ??= setTimeout(() => {
      this.#lookSoon = undefined;
      this.#look().catch(() => {});
    }, settleMs) as unknown as number;
    if (event.type !== 'turn-finished') return;
    const spans = event['spans'] as Record<string, number>;
    this.#changeTurn(Number(event['turn']), () => ({ spans }));
  }

  async #turn(said: string | null): Promise<'goes on' | 'ends'> {
    this.#running?.abort();
    const stop = new AbortController();
    this.#running = stop;
    const key = this.#view.turns.length + 1;
    this.#change({ turns: [...this.#view.turns, emptyTurn(key, said)], problem: undefined });
    let ends = false;
    try {
      ends = await this.#hear(key, stop.signal);
    } catch (error) {
      this.#changeTurn(key, () => ({ state: stop.signal.aborted ? 'cut' : 'broken' }));
      if (!stop.signal.aborted) this.#change({ problem: problemText(error) });
    }
    if (!stop.signal.aborted)
      await this.#look().catch((error: unknown) => this.#change({ problem: problemText(error) }));
    return ends ? 'ends' : 'goes on';
  }

  /** Gives whether the platform was asked to end the call. */
  async #hear(key: number, signal: AbortSignal): Promise<boolean> {
    const { onHeard, drafts } = this.#parts();
    const { callSid, turns } = this.#view;
    const body = { callSid, caller: this.#caller, history: historyOf(turns), drafts };
    let ends = false;
    for await (const event of this.#api.events('POST', '/line/turns', { body, signal })) {
      if (event.type === 'words') onHeard(String(event['text']), false);
      if (event.type === 'hand-off' && endingTools.includes(String(event['name']))) ends = true;
      this.#changeTurn(key, (before) => withEvent(before, event));
    }
    this.#changeTurn(key, (before) => (before.state === 'running' ? { state: 'done' } : {}));
    onHeard('', true);
    return ends;
  }

  async #look(): Promise<void> {
    const { callSid } = this.#view;
    const record = await this.#api.get<CallAnswer>(`/calls/${callSid}`);
    if (this.#view.callSid === callSid) this.#change({ record, recordAtMs: Date.now() });
  }

  #change(part: Partial<LineView>): void {
    this.#view = { ...this.#view, ...part };
    this.#show(this.#view);
  }

  #changeTurn(key: number, part: (turn: TurnView) => Partial<TurnView>): void {
    this.#change({
      turns: this.#view.turns.map((turn) => (turn.key === key ? { ...turn, ...part(turn) } : turn)),
    });
  }
}

function emptyTurn(key: number, said: string | null): TurnView {
  return {
    key,
    said,
    heard: '',
    underneath: [],
    firstWordMs: null,
    spans: {},
    state: 'running',
  };
}

function withEvent(turn: TurnView, event: { type: string } & Record<string, unknown>): Partial<TurnView> {
  switch (event.type) {
    case 'words':
      return { heard: turn.heard + String(event['text']) };
    case 'first-word':
      return { firstWordMs: Number(event['afterMs']) };
    case 'tool-started':
      return {
        underneath: [
          ...turn.underneath,
          {
            type: 'tool',
            name: String(event['name']),
            arguments: event['arguments'],
            result: undefined,
            durationMs: 0,
          },
        ],
      };
    case 'tool-finished':
      return { underneath: finished(turn.underneath, event) };
    case 'hand-off':
      return {
        underneath: [
          ...turn.underneath,
          { type: 'hand-off', name: String(event['name']), arguments: event['arguments'] },
        ],
      };
    case 'broken-off':
    case 'door-closed':
      return { state: 'broken' };
    default:
      return {};
  }
}

/** Tools run one after another: what finishes is the one that began last. */
function finished(before: Underneath[], event: Record<string, unknown>): Underneath[] {
  const at = before.findLastIndex((one) => one.type === 'tool' && one.result === undefined);
  return before.map((one, index) =>
    index === at && one.type === 'tool'
      ? {
          ...one,
          result: event['result'] as { success: boolean },
          durationMs: Number(event['durationMs']),
        }
      : one,
  );
}

/** What the platform would send: whatever was heard before the caller talked on counts as spoken. */
function historyOf(turns: TurnView[]): { role: 'user' | 'assistant'; content: string }[] {
  return turns.flatMap((turn) => [
    ...(turn.said === null ? [] : [{ role: 'user' as const, content: turn.said }]),
    ...(turn.heard.trim() === '' ? [] : [{ role: 'assistant' as const, content: turn.heard.trim() }]),
  ]);
}
