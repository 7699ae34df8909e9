import type { ToldOffer } from './call-state.ts';
import { hearClocks, hearDay, hearPractitioner, means, withoutDay, withoutDenied } from './words.ts';

/**
 * Which offer the caller's words pick: by place ("the second one"), time, practitioner or day, or by a plain yes when
 * there is one. `among` are the offers still meant when the words choose but do not decide.
 */
export function chooseOffer(
  words: string,
  offers: ToldOffer[],
  heldSlotId: string | null,
): { slot?: ToldOffer; among: ToldOffer[] } {
  const said = withoutDenied(words);
  if (heldSlotId && /\bthe other (?:one|time)\b/.test(said))
    return decided(offers.filter((o) => o.slotId !== heldSlotId));
  if (offers.length === 0 || asksForMore.test(said)) return { among: [] };

  const day = hearDay(said, offers.length);
  const onDay = day ? offers.filter((offer) => isOn(day, offer)) : offers;
  if (onDay.length === 0) return { among: [] };

  const byPlace = placeOf(said, onDay);
  if (byPlace) return { slot: byPlace, among: [] };
  const byTime = atSaidTime(withoutDay(said), onDay);
  if (byTime) return decided(byTime, withPractitioner(said, byTime));
  const practitioner = hearPractitioner(said, offers);
  if (practitioner) return decided(withPractitioner(said, onDay));
  // A day alone chooses only where it tells offers apart; otherwise it may just be the wish that led to them.
  if (day) return onDay.length < offers.length ? decided(onDay) : { among: [] };
  if (heldSlotId) return { among: [] };
  if (means('anyOffer', said)) return decided(offers.slice(0, 1));
  return means('yes', said) && !means('no', said) ? decided(offers) : { among: [] };
}

const asksForMore = /\b(?:anything|something|another|any other|other times?|else|different)\b/;

/** The narrowest list that is not empty decides when one offer is left in it. */
function decided(...narrowing: ToldOffer[][]): { slot?: ToldOffer; among: ToldOffer[] } {
  const among = narrowing.findLast((offers) => offers.length > 0) ?? [];
  const [slot] = among;
  // Offers that start together differ only in the practitioner, and the caller asked for the time.
  const sameStart = among.every((offer) => offer.startsAt === slot?.startsAt);
  return slot && (sameStart || among.length === 1) ? { slot, among: [] } : { among };
}

const places: [RegExp, (offers: ToldOffer[]) => ToldOffer | undefined][] = [
  [/\b(?:first|1st|earliest|earlier|soonest) (?:one|slot|time|option|available)\b/, (offers) => offers[0]],
  [
    /\b(?:the |number |option )(?:first|1st|earliest|soonest)\b(?! (?:of|thing))|\b(?:number|option) (?:one|1)\b/,
    (offers) => offers[0],
  ],
  [
    /\b(?:second|2nd) (?:one|slot|time|option)\b|\bthe (?:second|2nd)\b(?! of)|\b(?:number|option) (?:two|2)\b/,
    (offers) => offers[1],
  ],
  [
    /\b(?:third|3rd) (?:one|slot|time|option)\b|\bthe (?:third|3rd)\b(?! of)|\b(?:number|option) (?:three|3)\b/,
    (offers) => offers[2],
  ],
  [
    /\b(?:fourth|4th) (?:one|slot|time|option)\b|\bthe (?:fourth|4th)\b(?! of)|\b(?:number|option) (?:four|4)\b/,
    (offers) => offers[3],
  ],
  [
    /\b(?:fifth|5th) (?:one|slot|time|option)\b|\bthe (?:fifth|5th)\b(?! of)|\b(?:number|option) (?:five|5)\b/,
    (offers) => offers[4],
  ],
  [
    /\b(?:the )?(?:last|latest|later) (?:one|slot|time|option)\b|\bthe (?:last|latest)\b/,
    (offers) => offers.at(-1),
  ],
];

function placeOf(said: string, offers: ToldOffer[]): ToldOffer | undefined {
  return places.find(([pattern]) => pattern.test(said))?.[1](offers);
}

function atSaidTime(said: string, offers: ToldOffer[]): ToldOffer[] | undefined {
  for (const clock of hearClocks(said)) {
    const at = offers.filter(({ startsAt }) => {
      const [hour, minute] = [Number(startsAt.slice(11, 13)), Number(startsAt.slice(14, 16))];
      const half = hour < 12 ? 'am' : 'pm';
      return hour % 12 === clock.hour % 12 && minute === clock.minute && (clock.half ?? half) === half;
    });
    if (at.length > 0) return at;
  }
  return undefined;
}

function withPractitioner(said: string, offers: ToldOffer[]): ToldOffer[] {
  const name = hearPractitioner(said, offers)?.split(' ').at(-1)?.toLowerCase();
  return name ? offers.filter((offer) => offer.practitioner.toLowerCase().includes(name)) : [];
}

const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/** Whether an offer is on the day said; only weekdays, ISO dates and days of the month can be told without a clock. */
function isOn(day: string, { startsAt }: ToldOffer): boolean {
  const date = startsAt.slice(0, 10);
  if (day === date) return true;
  if (/\b(?:following|after|in)\b/.test(day)) return false;
  const dayOfMonth = /\b(\d{1,2})(?:st|nd|rd|th)\b/.exec(day)?.[1];
  if (dayOfMonth) return Number(dayOfMonth) === Number(date.slice(8));
  const weekday = weekdays[new Date(`${date}T00:00:00Z`).getUTCDay()];
  return weekday !== undefined && day.includes(weekday);
}
