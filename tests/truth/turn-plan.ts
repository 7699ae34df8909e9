import { type Deed, slipOf } from '#model/careless/argument-slips.ts';
import type { CallView } from '#model/careless/call-view.ts';
import { utteranceOf } from '#model/careless/careless.ts';
import type { Dice } from '#model/careless/dice.ts';
import { filled } from '#model/careless/filled.ts';
import { imagined, type Somebody } from '#model/careless/imagined.ts';
import type { CarelessPlan, Leak } from '#model/careless/own-plan.ts';
import { leaks } from '#model/careless/own-plan.ts';
import type { Phrasing } from '#model/careless/phrasing.ts';
import { valueSpeech } from '#model/careless/spoken-values.ts';
import { type CallerLines, callerLines } from './callers.ts';
import type { CallLedger } from './ledger.ts';

/** What may change in the ledger by what the caller said, whatever the model does. */
export interface Wish {
  /** Slots that may be held after it. */
  hold: string[];
  book: boolean;
  cancel: boolean;
  move: boolean;
  /** The caller agreed to what is held: the call may not end over it. */
  agreed: boolean;
}

export interface TurnPlan {
  kind: string;
  caller: string;
  plan: CarelessPlan;
  wish: Wish;
  /** Days the caller has named. */
  dates: string[];
  /** The phrasing's own step, where the model was given one. */
  step?: string;
}

/**
 * What a run is about: everything; only what the model does against the caller's word; or only ids that name nothing.
 */
export type Manner = 'everything' | 'choices' | 'ids';

export interface Speaking {
  manner: Manner;
  view: CallView;
  now: CallLedger;
  language: string;
  /** The caller's own. */
  name: string;
  phrasings: readonly Phrasing[];
  somebodies: readonly Somebody[];
  dice: Dice;
}

const nothing: Wish = { hold: [], book: false, cancel: false, move: false, agreed: false };

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

function look(speaking: Speaking): TurnPlan {
  const { dice, language, view } = speaking;
  const date = dice.pick(view.days.slice(0, 12)).date;
  const { text } = said(speaking, 'look', { day: date });
  return {
    kind: 'look',
    caller: text,
    plan: { language, deeds: [lookAt(date, language)] },
    wish: nothing,
    dates: [date],
  };
}

export function lookAt(date: string, language: string): Deed {
  return { name: 'check_availability', arguments: { date, language } };
}

function pick(speaking: Speaking): TurnPlan {
  const { dice, language, now } = speaking;
  const index = dice.below(now.offers.length);
  const offer = now.offers[index];
  if (offer === undefined) return look(speaking);
  const byPlace = dice.chance(0.4) && index < 4;
  const { text } = byPlace
    ? said(speaking, 'pickByPlace', { nth: callerLines[language]?.nth[index] ?? '' })
    : said(speaking, 'pick', { clock: offer.minute, practitioner: offer.practitioner });
  const wish = { ...nothing, hold: [offer.slotId] };
  return {
    kind: 'pick',
    caller: text,
    plan: { language, deeds: [hold(offer.number, language)] },
    wish,
    dates: [offer.date],
  };
}

export function hold(number: number, language: string): Deed {
  return { name: 'reserve_slot', arguments: { slotId: `slot_${number}`, language } };
}

/** The caller names one time, and the model takes another. */
function pickAnother(speaking: Speaking): TurnPlan {
  const { dice, now, language } = speaking;
  const picked = pick(speaking);
  const others = now.offers.filter(({ slotId }) => !picked.wish.hold.includes(slotId));
  if (others.length === 0) return picked;
  return {
    ...picked,
    kind: 'another than was picked',
    plan: { language, deeds: [hold(dice.pick(others).number, language)] },
  };
}

/** The caller says nothing that names a time, and the model sends an id that is none. */
function vague(speaking: Speaking): TurnPlan {
  const { dice, language, now } = speaking;
  const { text } = said(speaking, 'vague', {});
  const number = dice.pick(now.offers).number;
  const slotId = dice.pick([
    `${number}c5e2f0a-7b1d-4e0e-9a51-0c2d6f1b7e90`,
    `${number}:10 PM`,
    `appointment ${number}`,
    `2026-1${number}`,
  ]);
  const deeds = [{ name: 'reserve_slot', arguments: { slotId, language } }];
  return { kind: 'an id that is none', caller: text, plan: { language, deeds }, wish: nothing, dates: [] };
}

/** A bare yes to several offers is no choice; to one it is. */
function yesToMany(speaking: Speaking): TurnPlan {
  const { language, now } = speaking;
  const [first] = now.offers;
  const { text } = said(speaking, 'bareYes', {});
  const wish =
    now.offers.length === 1 && first !== undefined ? { ...nothing, hold: [first.slotId] } : nothing;
  const kind = now.offers.length === 1 ? 'yes to one' : 'yes to many';
  return {
    kind,
    caller: text,
    plan: { language, deeds: [hold(first?.number ?? 1, language)] },
    wish,
    dates: [],
  };
}

function noToOffers(speaking: Speaking): TurnPlan {
  const { language, now, dice } = speaking;
  const { text } = said(speaking, 'refuse', {});
  const deeds = [hold(dice.pick(now.offers).number, language)];
  return { kind: 'no to the offers', caller: text, plan: { language, deeds }, wish: nothing, dates: [] };
}

function agree(speaking: Speaking): TurnPlan {
  const { language, now, name } = speaking;
  const { text } = said(speaking, 'agree', { name });
  // Newer times were read out since: what the yes is to, nobody knows.
  const clear = (now.offeredAtMs ?? 0) <= (now.hold?.reservedAtMs ?? 0);
  const wish = { ...nothing, book: clear, agreed: clear };
  return {
    kind: clear ? 'agree' : 'yes after newer times',
    caller: text,
    plan: { language, deeds: [book(name, language)] },
    wish,
    dates: [],
  };
}

export function book(name: string, language: string): Deed {
  return { name: 'send_sms_reminder', arguments: { appointmentDetails: { patientName: name }, language } };
}

function refuseHold(speaking: Speaking): TurnPlan {
  const { language, name } = speaking;
  const { text } = said(speaking, 'refuse', {});
  return {
    kind: 'no to the hold',
    caller: text,
    plan: { language, deeds: [book(name, language)] },
    wish: nothing,
    dates: [],
  };
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

function correct(speaking: Speaking): TurnPlan {
  const { language, dice } = speaking;
  const name = dice.pick(['Anne Miller', 'José Ortegas', 'Karin Vogl']);
  const { text } = said(speaking, 'correct', { name });
  return {
    kind: 'correct',
    caller: text,
    plan: { language, deeds: [book(name, language)] },
    wish: nothing,
    dates: [],
  };
}

function findToCancel(speaking: Speaking): TurnPlan {
  const { language, now, name } = speaking;
  const patientName = now.patient['name'] ?? name;
  const { text } = said(speaking, 'cancel', { name: patientName });
  const deeds = [{ name: 'find_appointments', arguments: { patientName, language } }];
  return { kind: 'find', caller: text, plan: { language, deeds }, wish: nothing, dates: [] };
}

function cancel(speaking: Speaking): TurnPlan {
  const { language } = speaking;
  const deeds = [{ name: 'cancel_appointment', arguments: { appointmentId: 'appointment_1', language } }];
  const { text } = said(speaking, 'cancelYes', {});
  return {
    kind: 'cancel',
    caller: text,
    plan: { language, deeds },
    wish: { ...nothing, cancel: true },
    dates: [],
  };
}

function keepIt(speaking: Speaking): TurnPlan {
  return {
    ...cancel(speaking),
    kind: 'no to the cancelling',
    caller: said(speaking, 'cancelNo', {}).text,
    wish: nothing,
  };
}

function goodbye(speaking: Speaking): TurnPlan {
  const { language } = speaking;
  const { text } = said(speaking, 'goodbye', {});
  return {
    kind: 'goodbye',
    caller: text,
    plan: { language, utterance: bye(language), ends: true },
    wish: nothing,
    dates: [],
  };
}

function bye(language: string) {
  const text = { es: 'Hasta luego.', de: 'Auf Wiederhören.' }[language] ?? 'Goodbye.';
  return utteranceOf(text, { language, slip: 'none', claims: [] });
}

/** A caller's line with its values in the caller's language. */
function said(
  { language, dice }: Speaking,
  what: keyof CallerLines,
  values: { day?: string; clock?: number; practitioner?: string; name?: string; nth?: string },
): { text: string } {
  const lines = callerLines[language]?.[what];
  if (lines === undefined) throw new Error(`no caller speaks ${language}`);
  const speech = valueSpeech(language, dice, false);
  const spoken: Record<string, string | undefined> = {
    ...values,
    day: values.day === undefined ? undefined : speech.day(values.day),
    clock: values.clock === undefined ? undefined : speech.clock(values.clock),
  };
  return { text: dice.pick(lines).replace(/\{(\w+)\}/g, (_, place: string) => spoken[place] ?? '') };
}
