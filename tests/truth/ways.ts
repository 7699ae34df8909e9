import type { Deed } from '#model/careless/argument-slips.ts';
import { utteranceOf } from '#model/careless/careless.ts';
import { valueSpeech } from '#model/careless/spoken-values.ts';
import { type CallerLines, callerLines } from './callers.ts';
import { nothing, type Speaking, type TurnPlan } from './speaking.ts';

// What a caller may say to get something done, or not done, and what the model then does.

export function look(speaking: Speaking): TurnPlan {
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

export function pick(speaking: Speaking): TurnPlan {
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
export function pickAnother(speaking: Speaking): TurnPlan {
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
export function vague(speaking: Speaking): TurnPlan {
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
export function yesToMany(speaking: Speaking): TurnPlan {
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

export function noToOffers(speaking: Speaking): TurnPlan {
  const { language, now, dice } = speaking;
  const { text } = said(speaking, 'refuse', {});
  const deeds = [hold(dice.pick(now.offers).number, language)];
  return { kind: 'no to the offers', caller: text, plan: { language, deeds }, wish: nothing, dates: [] };
}

export function agree(speaking: Speaking): TurnPlan {
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

export function refuseHold(speaking: Speaking): TurnPlan {
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

export function correct(speaking: Speaking): TurnPlan {
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

export function findToCancel(speaking: Speaking): TurnPlan {
  const { language, now, name } = speaking;
  const patientName = now.patient['name'] ?? name;
  const { text } = said(speaking, 'cancel', { name: patientName });
  const deeds = [{ name: 'find_appointments', arguments: { patientName, language } }];
  return { kind: 'find', caller: text, plan: { language, deeds }, wish: nothing, dates: [] };
}

export function cancel(speaking: Speaking): TurnPlan {
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

export function keepIt(speaking: Speaking): TurnPlan {
  return {
    ...cancel(speaking),
    kind: 'no to the cancelling',
    caller: said(speaking, 'cancelNo', {}).text,
    wish: nothing,
  };
}

export function goodbye(speaking: Speaking): TurnPlan {
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
