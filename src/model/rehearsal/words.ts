/**
 * What English words mean to the rehearsal model: tables of patterns and the functions that read them. Days and times
 * are handed on in the caller's own words; our code, not the model, turns them into dates.
 */
export type Meaning = keyof typeof meanings;

export function means(meaning: Meaning, words: string): boolean {
  return meanings[meaning].test(plain(words));
}

const meanings = {
  emergency:
    /\bchest pains?\b|\bcan'?t breathe\b|\bcannot breathe\b|\b(?:heart attack|stroke|unconscious|overdose|suicid\w+|kill myself|ambulance)\b|\bbleeding (?:badly|heavily|a lot)\b|\bwon'?t stop bleeding\b/,
  human:
    /\b(?:(?:real|actual|live) (?:person|human)|human(?: being)?|receptionist|operator|front desk)\b|\b(?:talk|speak) (?:to|with) (?:a |an |some)(?:person|body|one|human)|\btransfer me\b/,
  cancel: /\bcancel\b/,
  move: /\b(?:move|reschedule|postpone|push back|bring forward)\b|\bchange (?:my|the|that|it|to)\b/,
  machine:
    /\b(?:are you|is this|am i (?:talking|speaking) (?:to|with)) (?:a |an )?(?:real |actual |live )?(?:person|human(?: being)?|robot|bot|machine|computer|recording|ai)\b/,
  yes: /\b(?:yes|yeah|yep|yup|sure|okay|ok|correct|absolutely|definitely|perfect|please do|go ahead|book it|do it|do that|of course|works(?: for me)?|sounds (?:good|great|fine)|that(?:'s| is| one(?:'s| is)?| would be| will be)? (?:right|fine|good|great|perfect|ok|okay)|that one|i'?ll take (?:it|that)|that will do|confirm)\b/,
  no: /^(?:well |um |uh |oh |sorry )*no\b(?! problem| worries)|\b(?:nope|nah|none|neither|not really|don'?t (?:book|want|think)|(?:can'?t|cannot) (?:make|do)|(?:doesn'?t|don'?t|won'?t|not going to) (?:work|suit)|not (?:that|those|these|it|good|yet)|rather not|nothing|no thank(?:s| you))\b/,
  anyOffer:
    /\b(?:any of (?:them|those|these)|any one|either(?: one)?|whichever|you (?:choose|pick)|doesn'?t matter|don'?t (?:mind|care)|first available)\b/,
  later: /\b(?:later|after that|too early)\b/,
  earlier: /\b(?:earlier|before that|too late)\b/,
  anotherDay:
    /\b(?:another|a different|some other|any other|other) day\b|\bthe (?:next|following) day\b|\bday after\b|\blater (?:in the|that|this) week\b/,
  repeat: /\bwhen (?:is|was)\b|\bwhat (?:time|day)\b|\bsay (?:that|it) again\b|\brepeat\b|\bremind me\b/,
  goodbye:
    /\b(?:bye|goodbye|good bye|thanks|thank you|that'?s (?:all|it|everything)|have a (?:good|nice|great)|hang up|call (?:you )?(?:back|again)|think about it|nothing else|all set)\b/,
} satisfies Record<string, RegExp>;

const weekday = '(?:mon|tues|wednes|thurs|fri|satur|sun)day';
const month = '(?:january|february|march|april|may|june|july|august|september|october|november|december)';
const units = 'first|second|third|fourth|fifth|sixth|seventh|eighth|ninth';
const ordinal = `(?:\\d{1,2}(?:st|nd|rd|th)|(?:twenty|thirty)[- ](?:${units})|tenth|eleventh|twelfth|(?:thir|four|fif|six|seven|eigh|nine)teenth|twentieth|thirtieth|${units})`;
const count = '(?:an?|one|two|three|\\d{1,2})';

const dayPhrases = [
  String.raw`\d{4}-\d{2}-\d{2}`,
  '(?:the )?day after tomorrow',
  'today|tonight|tomorrow',
  `(?:(?:a|the) week (?:from|after) )?(?:(?:this|next|coming|following) )*${weekday}(?:,? (?:the )?${ordinal}(?: of ${month})?|,? ${month} (?:the )?(?:${ordinal}|\\d{1,2}))?(?: (?:week|after next))?`,
  `${month} (?:the )?(?:${ordinal}|\\d{1,2})`,
  `(?:the )?(?:${ordinal}|\\d{1,2}) (?:of )?${month}`,
  `in ${count} (?:days?|weeks?)`,
  `${count} weeks? from (?:today|tomorrow|now)`,
  '(?:next|this) week',
  String.raw`\d{1,2}\/\d{1,2}`,
];
const day = new RegExp(`\\b(?:${dayPhrases.join('|')})\\b`, 'g');
const dayOfMonth = new RegExp(
  `\\b(?:on )?the ${ordinal}(?! (?:one|slot|time|option|thing|available|opening))\\b`,
  'g',
);
const soonest =
  /\b(?:as soon as possible|asap|right away|(?:the )?(?:soonest|sooner|first available|next available|earliest)|any ?day|whenever)\b/;
const correcting = /\b(?:no|actually|sorry|rather|make (?:it|that)|i mean|wait)\b/;

/**
 * The day a caller wishes for, in the caller's words, e.g. `next tuesday` or `the 3rd`. Of several the first counts,
 * or the last when the caller corrects himself. `offerCount`: with that many offers "the second" may mean an offer.
 */
export function hearDay(words: string, offerCount = 0): string | undefined {
  const said = withoutDenied(words);
  const named = said.match(day) ?? [];
  const [bare] = said.match(dayOfMonth) ?? [];
  const heard = (correcting.test(said) ? named.at(-1) : named[0]) ?? (offerCount === 0 ? bare : undefined);
  if (heard) return heard.replace(/^on /, '');
  // "As soon as possible" is today at the earliest; our code names the nearest open times when that is too soon.
  return offerCount === 0 && soonest.test(said) ? 'today' : undefined;
}

/** The words with every day taken out, so that "november 3" is not heard as three o'clock. */
export function withoutDay(words: string): string {
  return plain(words).replace(day, ' ');
}

/** The words without what they turn down: "not monday", "instead of the first one". */
export function withoutDenied(words: string): string {
  return plain(words).replace(denied, ' ');
}

const denied = new RegExp(
  `\\b(?:not|instead of|rather than|except|but not|can'?t (?:do|make)|cannot (?:do|make))(?: it)?(?: on| at)? (?:the )?(?:(?:this |next )?${weekday}|today|tomorrow|${ordinal})(?: one)?\\b`,
  'g',
);

const hours = [
  'twelve',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
];
const minutes: Record<string, number> = {
  fifteen: 15,
  twenty: 20,
  thirty: 30,
  forty: 40,
  'forty-five': 45,
  'forty five': 45,
};
const shifts: Record<string, number> = { 'half past ': 30, 'quarter past ': 15, 'quarter to ': -15 };

const clock = String.raw`(?<shift>half past |quarter past |quarter to )?\b(?<hour>1[0-9]|2[0-3]|0?[1-9]|${hours.join('|')})\b(?::(?<digits>[0-5]\d)\b| (?<minuteWord>forty[- ]five|fifteen|twenty|thirty|forty)\b)?(?<oclock> ?o'? ?clock)?(?: ?(?<half>[ap])\.? ?m\b\.?| (?:in the )?(?<part>morning|afternoon|evening)\b)?`;
const noon = /\b(?:noon|midday)\b/;
const partOfDay =
  '(?:(?:early|late|mid|first thing)[- ](?:in the )?|in the |this )?(?:morning|afternoon|evening)|(?:after|before|around|at|over) (?:lunch(?: ?time)?|work|school|noon|midday)|noon|midday|lunch ?time|first thing|end of the day';
const lead = '(?:after|before|around|about|at|by|past|from|until)';

export interface HeardClock {
  hour: number;
  minute: number;
  half: 'am' | 'pm' | undefined;
}

/** Every time of day said, e.g. "half past two", "2:30 pm", "ten"; "one" only where it cannot mean a thing. */
export function hearClocks(words: string): HeardClock[] {
  const said = plain(words);
  const heard = [...said.matchAll(new RegExp(clock, 'g'))].flatMap((match) => {
    const part = match.groups ?? {};
    const certain =
      part['shift'] ?? part['digits'] ?? part['minuteWord'] ?? part['oclock'] ?? part['half'] ?? part['part'];
    const before = said.slice(0, match.index);
    if (!certain && part['hour'] === 'one' && !new RegExp(`\\b${lead} $`).test(before)) return [];
    return [toClock(part)];
  });
  return noon.test(said) ? [...heard, { hour: 12, minute: 0, half: 'pm' }] : heard;
}

function toClock(part: Record<string, string | undefined>): HeardClock {
  const word = part['hour'] ?? '';
  const hour = hours.includes(word) ? hours.indexOf(word) : Number(word);
  const minute =
    Number(part['digits'] ?? minutes[part['minuteWord'] ?? ''] ?? 0) + (shifts[part['shift'] ?? ''] ?? 0);
  const said = part['half'] ? `${part['half']}m` : part['part'] && (part['part'] === 'morning' ? 'am' : 'pm');
  const half = said === 'am' || said === 'pm' ? said : hour > 12 ? 'pm' : undefined;
  return minute < 0 ? { hour: hour + 11, minute: minute + 60, half } : { hour, minute, half };
}

const timePhrase = new RegExp(`(?<lead>\\b${lead} )?(?:${clock})|\\b(?:${partOfDay})\\b`, 'g');

/** The time a caller wishes for, in the caller's words, e.g. `after lunch`, `around ten`; a lone number is none. */
export function hearTime(words: string): string | undefined {
  const phrases = [...withoutDay(withoutDenied(words)).matchAll(timePhrase)].flatMap(
    ({ 0: phrase, groups = {} }) => {
      const certain = Object.entries(groups).some(([name, value]) => name !== 'hour' && value !== undefined);
      return groups['hour'] !== undefined && !certain ? [] : [phrase.trim()];
    },
  );
  return phrases.length > 0 ? phrases.join(' ') : undefined;
}

const notNames =
  /^(?:please|is|are|was|available|on|at|in|who|that|for|or|and|the|an?|appointments?|today|tomorrow|next|this|visit|there|free|to|can|could|would|if|works?|mon|tues|wednes|thurs|fri|satur|sun)(?:day)?$/;

/** The practitioner named: with a title ("doctor lee"), or by the last name of somebody on the offers. */
export function hearPractitioner(words: string, offers: { practitioner: string }[]): string | undefined {
  const said = plain(words);
  const onOffer = offers.find(({ practitioner }) => {
    const lastName = practitioner.split(' ').at(-1)?.toLowerCase();
    return lastName && said.split(/[^a-z'-]+/).includes(lastName);
  });
  if (onOffer) return onOffer.practitioner;
  const [, name] = /\b(?:dr\.?|doctor) ([a-z][a-z'-]+)/.exec(said) ?? [];
  return name && !notNames.test(name) ? `Dr. ${name.charAt(0).toUpperCase()}${name.slice(1)}` : undefined;
}

/** `15:30` out of `2026-11-24T15:30:00-05:00`. */
export function clockOf(startsAt: string): string {
  return startsAt.slice(11, 16);
}

/** Lower case, straight quotes, single spaces, no punctuation that only a transcriber hears. */
function plain(words: string): string {
  return words
    .toLowerCase()
    .replaceAll('’', "'")
    .replace(/[,;!?]|\.(?=\s|$)/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
