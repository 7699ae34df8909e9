import type { CarelessPass } from '#model/careless/careless.ts';
import type { Dice } from '#model/careless/dice.ts';
import type { CarelessPlan } from '#model/careless/own-plan.ts';
import type { Phrasing } from '#model/careless/phrasing.ts';
import { callerNames } from './callers.ts';
import type { TruthClinic } from './clinics.ts';
import { ring, type TruthDoorName } from './doors.ts';
import { type Judged, judgeDeeds, judgeEnding, judgeRights, judgeWords, type Wrong } from './judge.ts';
import type { CallLedger, LedgerReader } from './ledger.ts';
import type { Manner, TurnPlan } from './speaking.ts';
import { planTurn } from './turn-plan.ts';
import { viewOf } from './view.ts';
import type { World } from './world.ts';

/** The model as the run holds it by the hand: one call is had at a time, and one turn of it. */
export interface Directed {
  plan: CarelessPlan | undefined;
  passes: CarelessPass[];
}

export interface TurnRecord extends Judged {
  door: TruthDoorName;
  language: string;
  /** Where the call stood. */
  step: string;
  kind: string;
  caller: string;
  heard: string;
  sentences: number;
  wrongs: Wrong[];
  /** For an example: what the ledger said. */
  ledger: object;
}

export interface CallAbout {
  world: World;
  directed: Directed;
  clinic: TruthClinic;
  /** Of the clinic's rows. */
  ledger: LedgerReader;
  door: TruthDoorName;
  language: string;
  phrasings: readonly Phrasing[];
  manner: Manner;
  dice: Dice;
}

const turnsMax = 14;

/** One call from the greeting to its end; each turn is judged as soon as it has been heard. */
export async function* playCall(about: CallAbout): AsyncGenerator<TurnRecord> {
  const { world, directed, clinic, ledger, language, dice } = about;
  const number = dice.chance(0.1) ? null : `+1212555${String(1_000 + dice.below(9_000))}`;
  const name = dice.pick(callerNames);
  const door = await ring(about.door, { url: world.app.url, clinic, number });
  const { callSid } = door;
  let before = await ledger.call(callSid);
  let corrected = false;
  let saidByCaller = '';
  let agreed = false;
  try {
    for (let turn = 0; turn < turnsMax; turn += 1) {
      const view = await viewOf(before, { clinic, ledger, number, language });
      const planned = planTurn({ ...about, ...{ view, now: before, name, somebodies: clinic.somebodies } });
      directed.plan = planned.plan;
      directed.passes = [];
      saidByCaller += ` ${planned.caller}`;
      const heard = await door.say(planned.caller);
      const taken = directed.passes.filter((pass) => pass.taken);
      const looked = taken.some(({ deeds }) => deeds.some(({ name }) => /check/.test(name)));
      const now = looked ? await ledger.afterLooking(callSid, before) : await ledger.call(callSid);
      corrected ||= wasCorrected(before, now);
      agreed =
        planned.wish.agreed ||
        (agreed && !planned.kind.startsWith('no to') && now.hold?.slotId === before.hold?.slotId);
      const judged = await judgeWords(
        taken.flatMap((pass) => pass.utterances),
        heard,
        {
          ...{ ledger, callSid, now, corrected, dates: datesOf(planned, before, now) },
          toolCalled: taken.some(({ deeds }) => deeds.length > 0),
        },
      );
      judged.wrongs.push(
        ...judgeDeeds(before, now, planned.wish),
        ...judgeEnding(heard, now, agreed),
        ...(judged.wrongs.some(({ kind }) => kind === 'others')
          ? []
          : judgeRights(heard, clinic.somebodies, saidByCaller)),
      );
      yield recordOf(about, planned, { heard: heard.words, step: view.step, judged, now });
      before = now;
      if (heard.ended) return;
    }
  } finally {
    directed.plan = undefined;
    await door.hangUp();
  }
}

function recordOf(
  { door, language }: CallAbout,
  { kind, caller }: TurnPlan,
  { heard, step, judged, now }: { heard: string; step: string; judged: Judged; now: CallLedger },
): TurnRecord {
  const { hold, appointments, offers, patient } = now;
  const times = ({ date, minute, practitioner }: { date: string; minute: number; practitioner: string }) =>
    `${date} ${Math.floor(minute / 60)}:${String(minute % 60).padStart(2, '0')} ${practitioner}`;
  return {
    ...{ door, language, step, kind, caller, heard, ...judged },
    sentences: judged.heardFalse + judged.heardTrue + judged.withheld,
    ledger: {
      hold: hold === null ? null : times(hold),
      appointments: appointments.map((one) => `${one.status} ${times(one)}`),
      offers: offers.map(times),
      patient,
    },
  };
}

function datesOf({ dates }: TurnPlan, before: CallLedger, now: CallLedger): string[] {
  const times = [before, now].flatMap(({ hold, offers, appointments }) => [
    ...(hold === null ? [] : [hold]),
    ...offers,
    ...appointments.filter(({ status }) => status === 'booked'),
  ]);
  return [...new Set([...dates, ...times.map(({ date }) => date)])];
}

/** What had been written about the patient is written otherwise now. */
function wasCorrected(before: CallLedger, now: CallLedger): boolean {
  return Object.entries(before.patient).some(([detail, value]) => now.patient[detail] !== value);
}
