import type { CallState, ToldOffer } from './call-state.ts';
import { chooseOffer } from './choice.ts';
import { hearDetails } from './details.ts';
import type { Hearing, RehearsedAnswer, Wish } from './hearing.ts';
import { means } from './words.ts';

type Found = CallState['found'][number];

/**
 * Cancelling and moving: find the appointment by its name, say what will happen, and do it when the caller agrees.
 * Nothing where the caller is not about that.
 *
 * @param wish the day or time the caller speaks of, if any
 */
export function changeAppointment(hearing: Hearing, wish: Wish | undefined): RehearsedAnswer | undefined {
  const { words, found } = hearing;
  if (found.length === 0) return find(hearing);
  const meant = found.length === 1 ? found[0] : choose(hearing);
  const announced = /\bI will cancel\b/i.test(hearing.assistantWords);
  if (announced && means('yes', words) && !means('no', words) && meant)
    return call('cancel_appointment', { appointmentId: meant.appointmentId });
  if (announced && means('no', words)) return { say: sentences.stays };
  if (means('cancel', words)) return meant ? { say: cancelling(meant) } : { say: sentences.which };
  return meant ? move(hearing, meant, wish) : undefined;
}

const sentences = {
  whose: 'Of course. What name is the appointment under?',
  which: 'Which one is it about?',
  newDay: 'Which day would you like instead?',
  stays: 'All right, your appointment stays as it is. Is there anything else I can do for you?',
  noWay: 'I cannot change that from here. Someone from the clinic will call you back about it.',
};

function find(hearing: Hearing): RehearsedAnswer | undefined {
  const { words, earlierWords, patient, tools } = hearing;
  const asked = /name is the appointment under/i.test(hearing.assistantWords);
  // While times are on offer "can we move it to four" is about them.
  const moving = means('move', words) && (hearing.offers.length === 0 || hearing.appointment !== null);
  if (!asked && !moving && !means('cancel', words)) return undefined;
  if (!tools.some((tool) => tool.function.name === 'find_appointments')) return { say: sentences.noWay };
  const patientName = hearDetails(words, earlierWords).name ?? patient.name;
  return patientName ? call('find_appointments', { patientName }) : { say: sentences.whose };
}

function move(
  hearing: Hearing,
  { appointmentId }: Found,
  wish: Wish | undefined,
): RehearsedAnswer | undefined {
  const { words, earlierWords, offers } = hearing;
  // The latest of both wishes counts.
  const said = [words, ...earlierWords.toReversed()].find(
    (one) => means('move', one) || means('cancel', one),
  );
  if (!said || !means('move', said)) return undefined;
  const { slot } = chooseOffer(words, offers, null);
  if (slot) return call('move_appointment', { appointmentId, slotId: slot.slotId });
  if (wish) return call('check_availability', { ...wish });
  return means('move', words) ? { say: sentences.newDay } : undefined;
}

function cancelling({ spoken }: Found): string {
  return `I will cancel your appointment ${spoken}. Is that right?`;
}

/** Of several the one the caller's words pick, now or before. */
function choose({ words, earlierWords, found }: Hearing): Found | undefined {
  for (const said of [words, ...earlierWords.toReversed()]) {
    const { slot } = chooseOffer(said, found.map(asOffer), null);
    if (slot) return found.find((one) => one.appointmentId === slot.slotId);
  }
  return undefined;
}

/** An appointment as something to choose among. */
export function asOffer({ appointmentId, startsAt, practitioner, spoken }: Found): ToldOffer {
  return { slotId: appointmentId, startsAt, practitioner, spoken };
}

function call(name: string, args: Record<string, unknown>): RehearsedAnswer {
  return { call: { name, arguments: args } };
}
