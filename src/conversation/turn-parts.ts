import type { TurnLedger } from '#booking/turns.ts';
import type { Languages } from '#language/languages.ts';
import type { LanguageModel } from '#model/language-model.ts';
import type { Prompts } from '#prompts/templates.ts';
import type { Log } from '#telemetry/log.ts';
import type { ToolContext } from '#tools/tool.ts';
import type { Toolbox } from '#tools/toolbox.ts';
import type { Admission } from './admission.ts';
import type { CallLife } from './call-life.ts';
import type { HoldWatch } from './hold-watch.ts';
import type { LiveCalls, LiveTurn } from './live-calls.ts';
import type { PromptParts } from './prompt.ts';
import type { TurnSpans } from './spans.ts';
import type { Spoken } from './speech.ts';
import type { TellCall } from './tell-call.ts';
import type { TurnRequest } from './turn-events.ts';

/** What turns are made with; the same for all. */
export interface TurnParts {
  admission: Admission;
  callLife: Pick<CallLife, 'firstTurn'>;
  turns: TurnLedger;
  model: LanguageModel;
  toolbox: Toolbox;
  languages: Languages;
  prompts: Prompts;
  systemPrompt: (about: PromptParts) => string;
  spoken: Spoken;
  liveCalls: LiveCalls;
  holdWatch: HoldWatch;
  tellCall: TellCall;
  log: Log;
}

/** A turn that has begun in the ledger. */
export interface Turn {
  request: TurnRequest;
  context: ToolContext;
  live: LiveTurn;
  stop: AbortSignal;
  spans: TurnSpans;
  /** What the latest tool of this turn still writes. The next one waits for it: their order is the ledger's. */
  settled: Promise<void>;
}
