/** What a caller says about the patient. The `…Now` flags speak of the last words only, the rest of the whole call. */
export interface Details {
  name: string | undefined;
  phone: string | undefined;
  email: string | undefined;
  reason: string | undefined;
  namedNow: boolean;
  correctedNow: boolean;
}

/** Reads name, phone number, e-mail address and reason; what was said last counts. `earlier` is oldest first. */
export function hearDetails(words: string, earlier: string[]): Details {
  const context = [words, ...earlier.toReversed()];
  const introduced = nameIntroduced(words);
  const name = wholeName(words, introduced) ?? bareName(words);
  return {
    // A first name said again, with the whole name said before, corrects only its part of it.
    name: correctedName(lastHeard(earlier.toReversed(), nameIntroduced), name),
    phone: lastHeard(context, phoneSaid),
    email: lastHeard(context, (said) => /[^\s@]+@[^\s@]+\.[a-z]+/i.exec(said)?.[0]),
    reason: lastHeard(context, (said) => reasons.exec(said)?.[0].toLowerCase()),
    namedNow: name !== undefined,
    correctedNow: introduced !== undefined || phoneSaid(words) !== undefined,
  };
}

/** A corrected first name keeps the last name known ("Ann Miller", "it's Anne with an e": Anne Miller). */
export function correctedName(known: string | undefined, said: string | undefined): string | undefined {
  if (!known || !said || said.includes(' ')) return said ?? known;
  const parts = known.split(' ');
  const sameInitial = parts.findIndex(
    (part) => part.charAt(0).toLowerCase() === said.charAt(0).toLowerCase(),
  );
  return parts.with(Math.max(sameInitial, 0), said).join(' ');
}

const reasons =
  /\b(?:check-?up|cleaning|tooth ?ache|consultation|follow-?up|physical|flu shot|vaccination|filling|eye exam)\b/i;
const introduction =
  /\b(?:(?:my|the) name(?:'s| is)|name(?:'s| is)|this is|it'?s|it is|i'?m|i am|under|call me)\s+(?:actually\s+)?(?=[a-z])/gi;
const spelled = /\b(?:[a-z][ .-]{1,2}){2,}[a-z]\b/i;
const notInNames = new Set(
  `a about actually afternoon again all almost also an and any anything as at available bad be because booked but calling
  correct do done don't doing else everything evening fine five for four friday from glad going good great happy having
  here i i'd i'm if in interested is it it's just later like looking lunch maybe me monday morning my nine no noon not
  number of off okay ok on one or out over perfect phone please possible quite ready really right same saturday seven six
  so sorry spelled still sunday sure ten thank thanks that that's the there this three through thursday to today tomorrow
  too trying tuesday two urgent very wednesday what when which who will with wonderful work works would wrong yes you your
  book bye doctor dr first second third last time day slot week next how can could should go ahead hold hello hi hey
  something nothing another none sounds let's lets we they he she um uh`.split(/\s+/),
);
const namePartsMax = 3;

/** A name after words that introduce one: "this is Ann Miller", "it's Anne with an e", "it's spelled A N N E". */
function nameIntroduced(words: string): string | undefined {
  const letters = /\b(?:spell|spelled|spelling|it'?s)\b/i.test(words) ? spelled.exec(words)?.[0] : undefined;
  if (letters) return asName([letters.replace(/[^a-z]/gi, '')]);
  const text = words.replaceAll('’', "'");
  for (const match of text.matchAll(introduction)) {
    const name = leadingName(text.slice(match.index + match[0].length));
    if (name) return name;
  }
  return undefined;
}

/** "It's Anne, with an E. Anne Miller.": a sentence that is the name with more to it. */
function wholeName(words: string, introduced: string | undefined): string | undefined {
  const sentences = introduced === undefined ? [] : words.split(/[.!?]+/);
  return sentences.map(bareName).find((name) => name?.startsWith(`${introduced} `)) ?? introduced;
}

/** Two or three words that could be a name and nothing else, with or without a yes before them. */
function bareName(words: string): string | undefined {
  const rest = words
    .replaceAll('’', "'")
    .replace(
      /\b(?:yes|yeah|yep|sure|okay|ok|please|book it|go ahead|that'?s (?:fine|right|good|great|perfect)|of course)\b/gi,
      ' ',
    )
    .replace(/[.,!?]/g, ' ')
    .trim();
  const parts = rest.split(/\s+/);
  return parts.length >= 2 && parts.length <= namePartsMax && parts.every(couldBeName)
    ? asName(parts)
    : undefined;
}

function leadingName(text: string): string | undefined {
  const [phrase = ''] = /^[a-z'-]+(?: [a-z'-]+)*/i.exec(text) ?? [];
  const parts = phrase.split(' ').slice(0, namePartsMax);
  const end = parts.findIndex((part) => !couldBeName(part));
  const named = end === -1 ? parts : parts.slice(0, end);
  return named.length > 0 ? asName(named) : undefined;
}

function couldBeName(part: string): boolean {
  return /^[a-z][a-z'-]+$/i.test(part) && !notInNames.has(part.toLowerCase());
}

function asName(parts: string[]): string {
  return parts
    .map((part) => part.toLowerCase().replace(/(?:^|[-'])[a-z]/g, (letter) => letter.toUpperCase()))
    .join(' ');
}

const digits = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];

/** A telephone number of at least seven digits, in figures or spoken digit by digit; a leading plus is kept. */
function phoneSaid(words: string): string | undefined {
  const figures = words.replace(/\b(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)\b/gi, (word) => {
    const digit = digits.indexOf(word.toLowerCase());
    return String(Math.max(digit, 0));
  });
  const [number] = /\+?\d(?:[ ().,-]{0,2}\d){6,14}/.exec(figures) ?? [];
  // A date is no telephone number.
  return number && !/^\d{4}-\d{2}-\d{2}$/.test(number) ? number.replace(/[^+\d]/g, '') : undefined;
}

function lastHeard(context: string[], hear: (words: string) => string | undefined): string | undefined {
  for (const words of context) {
    const heard = hear(words);
    if (heard) return heard;
  }
  return undefined;
}
