import { setImmediate, setTimeout } from 'node:timers/promises';
import type { LanguageModel, ModelDelta, ModelRequest } from '#model/language-model.ts';
import { createRehearsalModel } from '#model/rehearsal/rehearsal.ts';
import type { Deed } from './argument-slips.ts';
import { type CallView, readCallView } from './call-view.ts';
import type { Claim, Utterance } from './claim.ts';
import { createDice, type Dice } from './dice.ts';
import { filled } from './filled.ts';
import { imagined, type Somebody } from './imagined.ts';
import { type CarelessPlan, type Leak, ownPlan } from './own-plan.ts';
import { ownPhrasings, type Phrasing, readPhrasings } from './phrasing.ts';

/** One pass of the model: what it said and claimed by it, and the tools it called. */
export interface CarelessPass {
  utterances: Utterance[];
  deeds: Deed[];
  /** Whether somebody took it to its end; one that was asked ahead of need may be left. */
  taken: boolean;
}

export interface CarelessOptions {
  seed: number;
  msBetweenDeltas?: number;
  /** Decides what it does; without an answer, or without one who decides, it does as it likes. */
  direct?: (view: CallView, dice: Dice) => CarelessPlan | undefined;
  /** Other people it knows of. */
  somebodies?: readonly Somebody[];
  /** Told of each pass at its end. */
  onPass?: (pass: CarelessPass) => void;
}

/**
 * A stand-in for a cheap language model: it says that something is booked when it is not, makes up times, hours and
 * facts, promises what nobody will do, mistakes arguments, thinks aloud. Seeded: the same words in give the same words
 * out. Each of its sentences carries what would make it true, for whoever checks; on the line it is only words.
 */
export function createCarelessModel(options: CarelessOptions): LanguageModel {
  const careful = createRehearsalModel();
  const known = new Map<string, Phrasing[]>();
  const phrasingsIn = (language: string) => {
    const found = known.get(language) ?? readPhrasings(ownPhrasings, language);
    known.set(language, found);
    return found;
  };
  return {
    name: `careless (seed ${options.seed})`,
    async *stream(request, signal) {
      const view = readCallView(request);
      const dice = createDice(`${options.seed} ${wordsSoFar(request)}`);
      const plan =
        options.direct?.(view, dice) ??
        ownPlan(view, dice, {
          right: await rightly(careful, request, signal),
          phrasings: phrasingsIn(languageOf(view)),
        });
      const pass = passOf(plan, { view, dice, somebodies: options.somebodies ?? [] });
      try {
        for (const delta of deltasOf(pass, plan, view)) {
          await (options.msBetweenDeltas === undefined
            ? setImmediate()
            : setTimeout(options.msBetweenDeltas, undefined, { signal }));
          signal.throwIfAborted();
          // The last delta may be the last thing that is read of a stream.
          if (delta.type === 'finish') pass.taken = true;
          yield delta;
        }
      } finally {
        options.onPass?.(pass);
      }
    },
  };
}

/** Its mistakes depend on what was said, not on ids and clocks, so that a call can be had again. */
function wordsSoFar({ messages }: ModelRequest): string {
  return messages
    .map((message) =>
      message.role === 'user' || message.role === 'assistant'
        ? `${message.role} ${message.content}`
        : message.role,
    )
    .filter((line) => line !== 'system')
    .join('\n');
}

/** What the rehearsal model would do, which understands English and knows how a booking goes. */
async function rightly(careful: LanguageModel, request: ModelRequest, signal: AbortSignal) {
  let says = '';
  let deed: Deed | undefined;
  for await (const delta of careful.stream(request, signal)) {
    if (delta.type === 'text') says += delta.text;
    if (delta.type === 'tool-call') deed = { name: delta.name, arguments: delta.arguments };
  }
  return {
    deed,
    says: says === '' ? undefined : utteranceOf(says, { language: 'en', slip: 'none', claims: [] }),
  };
}

/** A call in Spanish or German says so in its first words; until a tool was told, the prompt does not. */
function languageOf({ language, callerWords }: CallView): string {
  if (/[¿¡]|\b(?:hola|quiero|quisiera|cita|para el|gracias|por favor)\b/i.test(callerWords)) return 'es';
  if (/\b(?:ich|bitte|termin|danke|haben sie|guten tag)\b/i.test(callerWords)) return 'de';
  return language;
}

interface Said {
  view: CallView;
  dice: Dice;
  somebodies: readonly Somebody[];
}

function passOf(plan: CarelessPlan, { view, dice, somebodies }: Said): CarelessPass {
  const utterances: Utterance[] = [];
  const language = plan.language ?? languageOf(view);
  if (plan.leak !== undefined) utterances.push(leaked(plan.leak, plan.deeds?.[0], language));
  if (plan.says !== undefined) {
    const phrasing = plan.says;
    const values = imagined(view, dice, { phrasing, right: plan.right ?? false, somebodies });
    utterances.push(filled(phrasing, { values, language, figures: plan.figures ?? false, dice }).utterance);
  } else if (plan.utterance !== undefined) utterances.push(plan.utterance);
  return { utterances, deeds: plan.deeds ?? [], taken: false };
}

/** Words with no value in them. */
export function utteranceOf(
  text: string,
  about: { language: string; slip: string; claims: Claim[] },
): Utterance {
  return { text, words: text, around: [text], ...about };
}

/** Words that nobody may hear, whatever they say. */
function leaked(leak: Leak, deed: Deed | undefined, language: string): Utterance {
  const call = {
    name: deed?.name ?? 'check_availability',
    arguments: deed?.arguments ?? { date: 'tomorrow' },
  };
  const thought = 'The user wants to book. I should probably just confirm it and hope the slot is free.';
  const text = {
    think: `<think>${thought}</think>`,
    thought: `<thought>${thought}</thought>`,
    channel: `<|channel|>analysis<|message|>${thought}<|end|>`,
    'tool as text': `functions.${call.name}(${JSON.stringify(call.arguments)})`,
    'tool as tag': `<tool_call>${JSON.stringify(call)}</tool_call>`,
  }[leak];
  return utteranceOf(text, { language, slip: leak, claims: [{ is: 'unspeakable' }] });
}

function* deltasOf(
  { utterances, deeds }: CarelessPass,
  plan: CarelessPlan,
  view: CallView,
): Generator<ModelDelta> {
  const words = utterances.map(({ text }) => text).join(' ');
  const calls: ModelDelta[] = deeds.map((deed, index) => ({
    type: 'tool-call',
    id: `call_careless_${view.userTurns}_${view.afterTools ? 'again' : 'first'}_${index}`,
    ...deed,
  }));
  const text: ModelDelta[] = (words.match(/\S+\s*/g) ?? []).map((piece) => ({ type: 'text', text: piece }));
  if (plan.place === 'behind') yield* [...calls, ...text];
  else yield* [...text, ...calls];
  if (plan.ends === true && view.toolNames.includes('endCall')) {
    yield { type: 'tool-call', id: `call_careless_${view.userTurns}_end`, name: 'endCall', arguments: {} };
  }
  yield { type: 'finish', reason: calls.length > 0 || plan.ends === true ? 'tool_calls' : 'stop' };
}
