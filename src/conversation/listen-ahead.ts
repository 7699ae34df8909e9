import type { OpenSlots } from '#availability/open-slots.ts';
import type { Languages } from '#language/languages.ts';
import { defaultLanguage, type Organization } from '#organization/organization.ts';
import { resolveDate } from '#tools/resolve-date.ts';

/** Hears what a caller is saying before they have finished, and fetches what their turn will need. */
export type ListenAhead = (about: { organization: Organization; words: string; now: Date }) => void;

/** Fewer words name no day. */
const wordsMin = 2;
/** A day that was just fetched is in the cache. */
const againAfterMs = 30_000;
const daysMax = 1_000;

/** Fetches the open slots of a day as soon as it is named. Nothing is concluded from it, and nobody waits for it. */
export function createListenAhead(openSlots: OpenSlots, languages: Languages): ListenAhead {
  const fetched = new Map<string, number>();
  return ({ organization, words, now }) => {
    if (words.trim().split(/\s+/).length < wordsMin) return;
    const language = defaultLanguage(organization);
    const day = resolveDate({ date: words, language, languages, now, organization });
    if (!day.ok) return;
    const key = `${organization.id} ${day.date}`;
    if (performance.now() - (fetched.get(key) ?? Number.NEGATIVE_INFINITY) < againAfterMs) return;
    if (fetched.size >= daysMax) fetched.clear();
    fetched.set(key, performance.now());
    // The turn fetches it itself when this fails.
    openSlots.onDay(organization, day.date, now).catch(() => {});
  };
}
