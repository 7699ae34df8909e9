import { slipOf } from '#model/careless/argument-slips.ts';
import { filled } from '#model/careless/filled.ts';
import { imagined } from '#model/careless/imagined.ts';
import { type Leak, leaks } from '#model/careless/own-plan.ts';
import { nothing, type Speaking, type TurnPlan } from './speaking.ts';
import {
  agree,
  cancel,
  correct,
  findToCancel,
  goodbye,
  keepIt,
  look,
  lookAt,
  noToOffers,
  pick,
  pickAnother,
  refuseHold,
  vague,
  yesToMany,
} from './ways.ts';

/** What the caller says next and what the model does about it, by where the call stands. */
export function planTurn(speaking: Speaking): TurnPlan {
  const { dice, manner } = speaking;
  if (manner !== 'everything') return doSomething(speaking);
  const fate = dice.next();
  if (fate < 0.55) return sayingSomething(speaking);
  const doing = doSomething(speaking);
  if (fate < 0.58) return { ...doing, kind: 'leak', plan: { ...doing.plan, leak: dice.pick<Leak>(leaks) } };
  if (fate < 0.68) return withSlip(doing, speaking);
  if (fate < 0.78) return withWords(doing, speaking);
  return doing;
}

/** The model answers with words of its own; now and then it does something besides, or hangs up. */
function sayingSomething(speaking: Speaking): TurnPlan {
  const { view, language, phrasings, somebodies, dice } = speaking;
  const here = phrasings.filter(({ step }) => step === view.step);
  const phrasing = dice.pick(dice.chance(0.8) && here.length > 0 ? here : phrasings);
  const values = imagined(view, dice, { phrasing, right: dice.chance(0.45), somebodies });
  const { caller, utterance } = filled(phrasing, { values, language, figures: dice.chance(0.25), dice });
  const ends = phrasing.slip === 'goodbye' ? dice.chance(0.7) : dice.chance(0.03);
  const looks = dice.chance(phrasing.slip === 'before a tool' ? 0.5 : 0.08);
  return {
    kind: 'words',
    caller,
    plan: {
      ...{ language, utterance, ends },
      ...(looks
        ? { deeds: [lookAt(values.day, language)], place: dice.pick(['before', 'behind'] as const) }
        : {}),
    },
    wish: nothing,
    dates: /\{day\}/.test(phrasing.caller) ? [values.day] : [],
    step: phrasing.step,
  };
}

/** The model says a sentence of its own around a tool it was right to call. */
function withWords(doing: TurnPlan, speaking: Speaking): TurnPlan {
  const words = sayingSomething(speaking);
  const place = speaking.dice.pick(['before', 'behind'] as const);
  const { utterance, ends } = words.plan;
  return {
    ...doing,
    kind: 'words around a tool',
    plan: { ...doing.plan, ...(utterance && { utterance }), place, ends: ends === true },
  };
}

function withSlip(doing: TurnPlan, { view, dice }: Speaking): TurnPlan {
  const [deed] = doing.plan.deeds ?? [];
  if (deed === undefined) return doing;
  const { slip, deeds } = slipOf(deed, view, dice);
  return { ...doing, kind: `arguments: ${slip}`, plan: { ...doing.plan, deeds } };
}

/** The caller wants something done, or says no, and the model does it, or does it all the same. */
function doSomething(speaking: Speaking): TurnPlan {
  return speaking.dice.pick(waysOf(speaking))(speaking);
}

type Way = (speaking: Speaking) => TurnPlan;

function waysOf({ view, now, manner }: Speaking): Way[] {
  const offered = now.offers.length > 0 && view.step !== 'booked';
  const held = now.hold !== null;
  if (manner === 'ids') return offered ? [vague] : [look];
  if (manner === 'choices') {
    if (held) return [refuseHold];
    return offered ? [yesToMany, noToOffers, pickAnother] : [look];
  }
  const ways: Way[] = [look];
  if (offered) ways.push(pick, pick, pick, pickAnother, yesToMany, noToOffers, vague);
  if (held) ways.push(agree, agree, agree, agree, refuseHold, hangUpOverHold);
  if (view.step === 'booked') ways.push(correct, findToCancel, goodbye);
  if (now.found.length > 0) ways.push(cancel, keepIt);
  return ways;
}

/** The caller agrees; the model says goodbye instead of booking. */
function hangUpOverHold(speaking: Speaking): TurnPlan {
  const { phrasings, dice } = speaking;
  const partings = phrasings.filter(
    ({ slip, step }) => slip === 'goodbye' || (slip === 'false status' && step === 'held'),
  );
  const agreed = agree(speaking);
  if (partings.length === 0) return agreed;
  const words = sayingSomething({ ...speaking, phrasings: [dice.pick(partings)] });
  const { deeds: _, ...plan } = { ...words.plan, ends: true };
  return { ...agreed, kind: 'ends over a hold', plan };
}
