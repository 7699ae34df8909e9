import type { Sql } from 'postgres';
import type { OpenSlots } from '#availability/open-slots.ts';
import type { Claiming } from '#booking/holds.ts';
import { createTurnLedger } from '#booking/turns.ts';
import type { Languages } from '#language/languages.ts';
import type { LanguageModel } from '#model/language-model.ts';
import type { Organization } from '#organization/organization.ts';
import type { Prompts } from '#prompts/templates.ts';
import type { Store } from '#storage/store.ts';
import type { Events } from '#telemetry/events.ts';
import type { Log } from '#telemetry/log.ts';
import { createToolbox } from '#tools/toolbox.ts';
import type { Admission } from './admission.ts';
import { type CallLife, createCallLife } from './call-life.ts';
import { type CallerSpeech, createCallerSpeech } from './caller-speech.ts';
import { type CarriedCalls, createCarriedCalls } from './carried-calls.ts';
import { type DependencyState, dependencyStates } from './dependency-states.ts';
import { createHoldWatch } from './hold-watch.ts';
import { createListenAhead, type ListenAhead } from './listen-ahead.ts';
import { createLiveCalls } from './live-calls.ts';
import { runToolCalls, type ToolRequest, type ToolsRun } from './platform-tool-calls.ts';
import { createSystemPrompt } from './prompt.ts';
import { asTheyAre, createSpeakWithoutTurn, type SpeakWithoutTurn, type Spoken } from './speech.ts';
import { createTellCall } from './tell-call.ts';
import { createTemporalContexts } from './temporal-context.ts';
import { runTurn } from './turn.ts';
import { say, type TurnEvent, type TurnRequest } from './turn-events.ts';
import { createTurnWatch, type TurnWatch } from './turn-watch.ts';

/** What a door hands a call to. Disposing waits for the work of calls that are on. */
export interface Conversation extends AsyncDisposable {
  /** One turn: the caller stopped speaking, and this is what happens next. */
  runTurn(request: TurnRequest, signal: AbortSignal): AsyncIterable<TurnEvent>;
  /** What is said instead of a turn where nobody knows which organization was called. */
  unknownOrganization(): Iterable<TurnEvent>;
  /** Tool calls of a platform whose own model speaks. */
  runTools(request: ToolRequest): Promise<ToolsRun>;
  speak: SpeakWithoutTurn;
  /** What a prompt that is written at a platform may use, under the names our own templates have. */
  variableValues(organization: Organization, now: Date): Record<string, string>;
  /** The tools' definitions, as the model is shown them. */
  toolsFor(organization: Organization): object[];
  /** How everything is that a turn needs. */
  dependencies(): Promise<DependencyState[]>;
  callLife: CallLife;
  callerSpeech: CallerSpeech;
  carriedCalls: CarriedCalls;
  listenAhead: ListenAhead;
  turnWatch: TurnWatch;
}

export interface ConversationParts {
  sql: Sql;
  store: Store;
  /** What a rush on one slot is thinned with, if anything. */
  claimLock: Claiming['claimLock'];
  openSlots: OpenSlots;
  prompts: Prompts;
  /** What callers are understood and spoken to in. */
  languages: Languages;
  model: LanguageModel;
  admission: Admission;
  /** What happens, for those who watch. */
  happenings: Events;
  /** What becomes of words before they are heard; by default they are heard as they are. */
  spoken?: Spoken | undefined;
  /** Whether text messages are really sent. */
  texting: boolean;
  log: Log;
}

/** The conversation of this process: its calls, and what their turns are made of. */
export function createConversation(parts: ConversationParts): Conversation {
  const { sql, store, openSlots, prompts, languages, admission, happenings: events, model, log } = parts;
  const spoken = parts.spoken ?? asTheyAre;
  const speak = createSpeakWithoutTurn(prompts, spoken);
  const temporalContexts = createTemporalContexts(languages);
  const speakingBy = (own: Prompts) => ({
    prompts: own,
    toolbox: createToolbox({ ...parts, prompts: own }),
    systemPrompt: createSystemPrompt(own, languages, temporalContexts),
  });
  const usual = speakingBy(prompts);
  const liveCalls = createLiveCalls(store);
  const callerSpeech = createCallerSpeech(store);
  const callLife = createCallLife({ ...parts, ...usual, liveCalls, events });
  const holdWatch = createHoldWatch({ sql, prompts, spoken, callerSpeech, events, log });
  const tellCall = createTellCall({ sql, events, log });
  const turnWatch = createTurnWatch();
  const turns = createTurnLedger(parts);
  const turnParts = {
    ...usual,
    spoken,
    languages,
    turns,
    admission,
    callLife,
    liveCalls,
    model,
    holdWatch,
    tellCall,
    log,
  };
  return {
    runTurn: (request, signal) =>
      // Somebody who tries a text that is not saved is spoken to by it.
      turnWatch.turn(request, (drafts) => {
        const own = drafts.length === 0 ? {} : speakingBy(prompts.withDrafts(drafts));
        return runTurn({ ...turnParts, ...own }, request, signal);
      }),
    *unknownOrganization() {
      yield say(speak('unknown-organization'));
      yield { type: 'finished', reason: 'stop' };
    },
    runTools: (request) => runToolCalls(turnParts, request),
    speak,
    variableValues(organization, now) {
      const time = temporalContexts({ organization, now });
      const { currentDate, currentTime, tenantTimezone, businessHours, nextBusinessDay } = time;
      return {
        clinic: organization.name,
        receptionist: organization.receptionistName,
        currentDate,
        currentTime,
        tenantTimezone,
        businessHours,
        nextBusinessDay,
      };
    },
    toolsFor: (organization) => usual.toolbox.definitionsFor(organization),
    dependencies: () => dependencyStates(parts),
    callLife,
    callerSpeech,
    carriedCalls: createCarriedCalls(store),
    listenAhead: createListenAhead(openSlots, languages),
    turnWatch,
    [Symbol.asyncDispose]: () => liveCalls[Symbol.asyncDispose](),
  };
}
