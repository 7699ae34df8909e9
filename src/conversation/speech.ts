import { fallbackTag } from '#language/language.ts';
import { defaultLanguage, type Organization } from '#organization/organization.ts';
import type { WordlessOutcome } from '#prompts/template-variables.ts';
import type { Prompts } from '#prompts/templates.ts';

declare const passed: unique symbol;

/** Words that a caller may hear. Only {@link Spoken} makes them, so that no door can say anything that went round it. */
export type SpokenWords = string & { readonly [passed]: true };

/** Who chose the words: a language model, or a template that was filled with what the ledger answered. */
export type WordsFrom = 'model' | 'template';

/** The one place that every word a caller hears passes, whoever made it and through whichever door it leaves. */
export type Spoken = (words: string, from: WordsFrom) => SpokenWords;

/** Lets all words through as they are. */
export const asTheyAre: Spoken = (words) => words as SpokenWords;

/** A sentence for where there is no turn: in the organization's language, or in English where none is known. */
export type SpeakWithoutTurn = (outcome: WordlessOutcome, organization?: Organization) => SpokenWords;

export function createSpeakWithoutTurn(prompts: Prompts, spoken: Spoken): SpeakWithoutTurn {
  return (outcome, organization) => {
    const language = organization === undefined ? fallbackTag : defaultLanguage(organization);
    return spoken(prompts.speak(outcome, { organization: organization ?? null, language }, {}), 'template');
  };
}
