import { createLanguages } from '#language/languages.ts';
import { shippedLanguages } from '#language/shipped-languages.ts';

/** What a server speaks and understands. */
export const languages = createLanguages(shippedLanguages);
