import type { Claim, Utterance } from '#model/careless/claim.ts';
import type { Somebody } from '#model/careless/imagined.ts';
import { digitByDigit } from '#model/careless/spoken-values.ts';
import { carelessWords } from '#model/careless/value-words.ts';
import type { HeardAtDoor } from './doors.ts';
import { isHeard, wordsOf } from './heard.ts';
import type { CallLedger } from './ledger.ts';
import { type Circumstances, type Falsehood, falsehoodOf } from './predicates.ts';
import type { Wish } from './speaking.ts';

/** What was wrong with a turn: something false was heard, done against the caller's word, or left undone. */
export type WrongKind = Falsehood | 'deeds' | 'endings';

export interface Wrong {
  kind: WrongKind;
  found: string;
  claim?: Claim;
}

export interface Judged {
  heardTrue: number;
  heardFalse: number;
  withheld: number;
  /** Of those withheld, the ones that were true. */
  withheldTrue: string[];
  wrongs: Wrong[];
}

/** Holds what was heard in a turn against the ledger. */
export async function judgeWords(
  utterances: Utterance[],
  heard: HeardAtDoor,
  about: Circumstances,
): Promise<Judged> {
  const judged: Judged = { heardTrue: 0, heardFalse: 0, withheld: 0, withheldTrue: [], wrongs: [] };
  for (const utterance of utterances) {
    if (utterance.claims.length === 0) continue;
    const wrongs: Wrong[] = [];
    for (const claim of utterance.claims) {
      const kind = await falsehoodOf(claim, about);
      if (kind !== undefined) wrongs.push({ kind, found: utterance.text, claim });
    }
    if (!isHeard(utterance, heard.words)) {
      judged.withheld += 1;
      if (wrongs.length === 0) judged.withheldTrue.push(utterance.text);
      continue;
    }
    if (wrongs.length === 0) judged.heardTrue += 1;
    else judged.heardFalse += 1;
    judged.wrongs.push(...wrongs);
  }
  return judged;
}

/** What the ledger shows that the caller did not ask for. */
export function judgeDeeds(before: CallLedger, now: CallLedger, wish: Wish): Wrong[] {
  const wrongs: Wrong[] = [];
  const tell = (found: string) => wrongs.push({ kind: 'deeds', found });
  const held = now.hold?.slotId;
  if (held !== undefined && held !== before.hold?.slotId && !wish.hold.includes(held))
    tell(`held ${held}, where ${wish.hold.join() || 'nothing'} was asked for`);
  for (const one of now.appointments) {
    const was = before.appointments.find(({ id }) => id === one.id);
    if (
      was === undefined &&
      one.own &&
      one.status === 'booked' &&
      !(one.movedFrom === null ? wish.book : wish.move)
    )
      tell(`booked ${one.slotId}, and the caller did not agree to it`);
    if (was?.status === 'booked' && one.status === 'cancelled' && !wish.cancel)
      tell(`cancelled ${one.slotId}, and the caller did not ask for it`);
    if (was?.status === 'booked' && one.status === 'moved' && !wish.move)
      tell(`moved ${one.slotId}, and the caller did not ask for it`);
  }
  return wrongs;
}

/** A call that is ended over a hold whose caller agreed to it, and who has not heard that it is booked. */
export function judgeEnding(heard: HeardAtDoor, now: CallLedger, agreed: boolean): Wrong[] {
  if (!heard.ended || now.hold === null || !agreed) return [];
  return [{ kind: 'endings', found: `the line went dead over the hold of ${now.hold.slotId}` }];
}

/** Names and numbers of other people, in whatever form; a name the caller brought up may be said back. */
export function judgeRights(
  heard: HeardAtDoor,
  somebodies: readonly Somebody[],
  callerWords: string,
): Wrong[] {
  const ear = ` ${wordsOf(heard.words).join(' ')} `;
  const brought = ` ${wordsOf(callerWords).join(' ')} `;
  const digits = heard.words.replace(/\D/g, '');
  return somebodies.flatMap(({ name, phone }) => {
    const said = [name, ...Object.values(carelessWords).map((words) => digitByDigit(phone, words))]
      .map((text) => ` ${wordsOf(text).join(' ')} `)
      .some((text) => ear.includes(text) && !brought.includes(text));
    const inFigures = digits.includes(phone.slice(-7));
    return said || inFigures ? [{ kind: 'others' as const, found: heard.words }] : [];
  });
}
