import type { CallState, ToldOffer } from './call-state.ts';
import { asOffer, changeAppointment } from './change.ts';
import { chooseOffer } from './choice.ts';
import { correctedName, hearDetails } from './details.ts';
import type { Hearing, RehearsedAnswer, Wish } from './hearing.ts';
import { listOf, sentenceFromResult } from './result.ts';
import { clockOf, hearDay, hearPractitioner, hearTime, means } from './words.ts';

/** What a receptionist would do next. Times are spoken only as our code put them into the call's state. */
export function answerTo(hearing: Hearing): RehearsedAnswer {
  if (hearing.toolResult !== undefined) return { say: sentenceFromResult(hearing.toolResult) };
  // Without words of the caller there is nothing to act on, whatever the state invites.
  if (!hearing.words.trim()) return { say: `Hello, thank you for calling. ${questions.day}` };
  if (!hearing.callerSpokeLast) return { say: `Are you still there? ${nextQuestion(hearing)}` };
  if (means('emergency', hearing.words)) return { say: sentences.emergency };
  if (means('machine', hearing.words)) return { say: `${sentences.machine} ${nextQuestion(hearing)}` };
  if (means('human', hearing.words)) return toHuman(hearing);
  if (hearing.unclaimedHold) return cutOff(hearing);
  if (hearing.hold) return withHold(hearing, hearing.hold);
  const change = changeAppointment(hearing, hearWish(hearing, hearing.found.map(asOffer)));
  if (change) return change;
  if (hearing.appointment) return afterBooking(hearing, hearing.appointment);
  return beforeHold(hearing);
}

const questions = {
  day: 'Which day would you like to come in?',
  otherTime: 'Which other day or time would suit you?',
  cutOff: 'It seems we were cut off. May I have your name, please?',
  book: 'What name shall I book it under?',
  whatElse: 'What else can I do for you?',
  anythingElse: 'Is there anything else I can do for you?',
};

const sentences = {
  emergency: 'This sounds like an emergency. Please hang up now and call the emergency number.',
  transfer: 'Of course. I will put you through.',
  callBack: 'I cannot put you through right now, but someone from the clinic will call you back.',
  machine: 'I am the clinic’s automated assistant.',
  goodbye: 'Thank you for calling. Goodbye.',
};

function beforeHold(hearing: Hearing): RehearsedAnswer {
  const { words, earlierWords } = hearing;
  // Requests are repeated and superseded, so offers can stand in the state before anybody heard them. Those made for
  // the caller's very first words cannot have been heard yet.
  const offers = earlierWords.length > 0 ? hearing.offers : [];
  const choice = chooseOffer(words, offers, null);
  if (choice.slot) return reserve(hearing, choice.slot);
  const wish = hearWish(hearing, offers);
  // Words that fit several offers ("with Doctor Lee") narrow the choice; only another time has to be looked up.
  if (choice.among.length > 0 && !wish?.time) return { say: whichOf(choice.among) };
  if (wish) return call(hearing, 'check_availability', { ...wish });
  if (means('goodbye', words)) return goodbye(hearing);
  if (means('no', words)) return { say: offers.length > 0 ? questions.otherTime : questions.day };
  return { say: nextQuestion({ ...hearing, offers }) };
}

/** The caller rings again: whoever gives the name on the hold hears what it is about. */
function cutOff(hearing: Hearing): RehearsedAnswer {
  const details = hearDetails(hearing.words, hearing.earlierWords);
  return details.name ? book(hearing, details) : { say: questions.cutOff };
}

function withHold(hearing: Hearing, hold: NonNullable<CallState['hold']>): RehearsedAnswer {
  const { words, offers } = hearing;
  const yes = means('yes', words) && !means('no', words);
  const choice = chooseOffer(words, offers, hold.slotId);
  // Naming the held slot without having heard it is held repeats the words that held it; asking again for the same
  // slot changes nothing and lets our code ask for the name once more.
  const heardOfHold = /\bh[eo]ld|name|book/i.test(hearing.assistantWords);
  if (choice.slot && !(choice.slot.slotId === hold.slotId && yes && heardOfHold)) {
    return reserve(hearing, choice.slot);
  }
  const details = hearDetails(words, hearing.earlierWords);
  if (yes || (details.namedNow && !means('no', words))) return book(hearing, details);
  const wish = hearWish(hearing, [{ ...hold, practitioner: '' }]);
  // "No, it's Anne Miller" turns down the name, not the time.
  if (!wish && details.correctedNow && details.name)
    return { say: `Thank you, ${details.name}. Shall I book it?` };
  if (wish) return call(hearing, 'check_availability', { ...wish });
  if (means('no', words)) return { say: questions.otherTime };
  if (means('goodbye', words)) return goodbye(hearing);
  return { say: nextQuestion(hearing) };
}

function afterBooking(hearing: Hearing, appointment: NonNullable<CallState['appointment']>): RehearsedAnswer {
  const { words } = hearing;
  const details = hearDetails(words, hearing.earlierWords);
  if (details.correctedNow) return book(hearing, details);
  if (means('repeat', words))
    return { say: `You are booked for ${appointment.spoken}. ${questions.anythingElse}` };
  const wish = hearWish(hearing, hearing.offers);
  if (wish) return call(hearing, 'check_availability', { ...wish });
  if (means('goodbye', words) || means('no', words)) return goodbye(hearing);
  return { say: means('yes', words) ? questions.whatElse : questions.anythingElse };
}

function reserve(hearing: Hearing, { slotId }: ToldOffer): RehearsedAnswer {
  const { name } = hearDetails(hearing.words, hearing.earlierWords);
  return call(hearing, 'reserve_slot', { slotId, ...(name && { patientName: name }) });
}

function book(
  hearing: Hearing,
  { name, phone, reason, email }: ReturnType<typeof hearDetails>,
): RehearsedAnswer {
  const patientName = correctedName(hearing.patient.name, name);
  return call(hearing, 'send_sms_reminder', {
    ...(phone && { phone }),
    appointmentDetails: {
      ...(patientName && { patientName }),
      ...(reason && { reason }),
      ...(email && { email }),
    },
  });
}

/** A day, time or practitioner to look for, in the caller's own words; days and times left out are those last told. */
function hearWish(hearing: Hearing, told: ToldOffer[]): Wish | undefined {
  const { words, earlierWords } = hearing;
  // Until something was offered, what the caller said on the way still counts ("Doctor Lee, please." "Which day?").
  const context = told.length > 0 ? [words] : [words, ...earlierWords.toReversed()];
  const practitioner = firstHeard(context, (said) => hearPractitioner(said, hearing.offers));
  const time = firstHeard(context, hearTime) ?? relativeTime(words, told);
  const day = hearDay(words, told.length) ?? (means('anotherDay', words) ? dayAfter(told[0]) : undefined);
  const date = day ?? ((time ?? practitioner) ? told[0]?.startsAt.slice(0, 10) : undefined);
  return date ? { date, ...(time && { time }), ...(practitioner && { practitioner }) } : undefined;
}

function firstHeard(context: string[], hear: (words: string) => string | undefined): string | undefined {
  for (const words of context) {
    const heard = hear(words);
    if (heard) return heard;
  }
  return undefined;
}

function relativeTime(words: string, told: ToldOffer[]): string | undefined {
  const starts = told.map((offer) => offer.startsAt).toSorted();
  const [first, last] = [starts[0], starts.at(-1)];
  // "After four" may mean four itself, which was offered already.
  if (means('later', words) && last) return `after ${minuteAfter(clockOf(last))}`;
  if (means('earlier', words) && first) return `before ${clockOf(first)}`;
  return undefined;
}

function minuteAfter(clock: string): string {
  const [hour = '', minute = ''] = clock.split(':');
  return `${hour}:${String(Math.min(Number(minute) + 1, 59)).padStart(2, '0')}`;
}

function dayAfter(offer: ToldOffer | undefined): string | undefined {
  const date = new Date(`${offer?.startsAt.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return undefined;
  date.setUTCDate(date.getUTCDate() + 1);
  return date.toISOString().slice(0, 10);
}

function nextQuestion({ hold, appointment, offers }: Hearing): string {
  if (hold) return `I am holding ${hold.spoken} for you. ${questions.book}`;
  if (appointment) return questions.anythingElse;
  return offers.length > 0 ? whichOf(offers) : questions.day;
}

function whichOf(offers: ToldOffer[]): string {
  // A day they share is said once.
  const [day = ''] = /^.* at (?=\S)/.exec(offers[0]?.spoken ?? '') ?? [];
  const shared = offers.length > 1 && day !== '' && offers.every(({ spoken }) => spoken.startsWith(day));
  const times = shared ? offers.map(({ spoken }) => ({ spoken: spoken.slice(day.length) })) : offers;
  return `I have ${shared ? day.replace(/ at $/, ': ') : ''}${listOf(times)}. Which would you like?`;
}

function toHuman(hearing: Hearing): RehearsedAnswer {
  const transfer = hearing.tools.find((tool) => tool.function.name === 'transferCall');
  if (!transfer) return { say: sentences.callBack };
  // Vapi accepts only a destination it was configured with, and lists those in the tool's own schema.
  const [destination] =
    JSON.stringify(transfer.function.parameters ?? {}).match(/(?<=")\+\d{7,15}(?=")/) ?? [];
  return {
    say: sentences.transfer,
    call: { name: 'transferCall', arguments: destination ? { destination } : {} },
  };
}

function goodbye(hearing: Hearing): RehearsedAnswer {
  const canEnd = hearing.tools.some((tool) => tool.function.name === 'endCall');
  return { say: sentences.goodbye, ...(canEnd && { call: { name: 'endCall', arguments: {} } }) };
}

function call(hearing: Hearing, name: string, args: Record<string, unknown>): RehearsedAnswer {
  const offered = hearing.tools.some((tool) => tool.function.name === name);
  return offered ? { call: { name, arguments: args } } : { say: sentences.callBack };
}
