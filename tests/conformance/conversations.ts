import type { CallerLine } from '#commands/call/caller.ts';

/** What a caller says in one call, line by line, whatever is answered; a line without words hangs up. */
export interface Conversation {
  name: string;
  /** E.164, or `null` when withheld. */
  number?: string | null;
  lines: CallerLine[];
  /** The same caller rings again afterwards. */
  again?: CallerLine[];
  /** Something that is heard in it, or the platform is asked to do: the conversation is the one its name says. */
  hears: RegExp;
  /** The step its last call ends at. */
  ends: string;
  /** A person callers can be connected to; none otherwise. */
  human?: string;
}

const say = (...words: string[]): CallerLine[] => words.map((one) => ({ say: one }));
const bye = say('No, that is all. Thank you, bye.');

/** Twelve ways a call goes; between them they meet every tool, every refusal a caller can bring about, and every cut. */
export const conversations: Conversation[] = [
  {
    name: 'books the first time offered and says goodbye',
    hears: /You are booked.* → endCall/,
    ends: 'booked',
    lines: [
      ...say(
        'Hi, I would like an appointment next Tuesday after lunch.',
        'The first one, please.',
        'Yes please. This is Ann Miller.',
      ),
      ...bye,
    ],
  },
  {
    name: 'asks for a Sunday, when the clinic is closed, and takes another day',
    hears: /closed.*Sunday/,
    ends: 'booked',
    lines: [
      ...say(
        'Hi, can I come in on Sunday?',
        'Then next Monday, please.',
        'The second one.',
        'Yes, I am Sam Rivera.',
      ),
      ...bye,
    ],
  },
  {
    name: 'talks over the offer, and wants another day after all',
    hears: /Wednesday the .* Thursday the /,
    ends: 'booked',
    lines: [
      {
        say: 'Do you have anything next Monday morning?',
        interrupt: { afterWords: 4, say: 'Next Wednesday, I mean, as late as you have.' },
      },
      ...say(
        'The last one, please.',
        'No, sorry, can we do next Thursday instead?',
        'The first one.',
        'Yes, this is Lee Chen.',
      ),
      ...bye,
    ],
  },
  {
    name: 'goes on talking before a word of the answer is heard',
    hears: /^ .*Tuesday/,
    ends: 'booked',
    lines: [
      { say: 'Next Tuesday', interrupt: { afterWords: 0, say: 'in the afternoon, please.' } },
      ...say('The first one, please.', 'Yes please, my name is Ann Miller.'),
      ...bye,
    ],
  },
  {
    name: 'hangs up as soon as the time is being held',
    hears: / {2}over by the caller/,
    ends: 'reserve',
    lines: [...say('Next Thursday in the morning, please.'), { say: 'The first one, please.', hangUp: true }],
  },
  {
    name: 'is cut off while the time is held, and rings again',
    hears: /over by the caller I am holding/,
    ends: 'booked',
    lines: [...say('Next Thursday in the morning, please.', 'The first one, please.'), {}],
    again: [...say('Hello, it is Ann Miller, we were cut off.', 'Yes please, book it.'), ...bye],
  },
  {
    name: 'corrects the name after the booking',
    hears: /Anne Miller/,
    ends: 'booked',
    lines: [
      ...say(
        'Next Friday, please.',
        'The first one.',
        'Yes, this is Ann Miller.',
        'Actually, it is Anne Miller with an E.',
      ),
      ...bye,
    ],
  },
  {
    name: 'says yes twice, and is booked once',
    hears: /booked.* else/,
    ends: 'booked',
    lines: [
      ...say(
        'Next Friday, please.',
        'The first one.',
        'Yes, this is Ann Miller.',
        'Yes, please book it.',
        'Yes.',
      ),
      ...bye,
    ],
  },
  {
    name: 'wants a person, and the clinic has one',
    hears: /→ transferCall/,
    ends: 'greeting',
    human: '+15550100001',
    lines: say('Hello.', 'I want to talk to a person, please.'),
  },
  {
    name: 'wants a person, and the clinic has none',
    hears: /will call you back/,
    ends: 'check_avail',
    lines: [...say('Hello.', 'I want to talk to a person, please.', 'Next Tuesday, then.'), {}],
  },
  {
    name: 'withholds the number, and tells one to be texted at',
    hears: /corrected that/,
    ends: 'booked',
    number: null,
    lines: [
      ...say(
        'Next Tuesday, please.',
        'The first one.',
        'Yes, this is Ann Miller.',
        'My number is 212 555 0142.',
      ),
      ...bye,
    ],
  },
  {
    name: 'names no day, a day long past, one too far away, and a time nobody offered',
    hears: /booked/,
    ends: 'booked',
    lines: [
      ...say(
        'I would like an appointment.',
        'Some day soon.',
        'On the first of January 2020, please.',
        'In two years.',
        'At three in the night.',
        'Next Tuesday with Doctor Lee.',
        'Do you have anything later?',
        'The last one.',
        'Yes, this is Ann Miller.',
        'Could you repeat that?',
      ),
      ...bye,
    ],
  },
];
