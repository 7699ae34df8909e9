import { german } from './de/german.ts';
import { english } from './en/english.ts';
import { spanish } from './es/spanish.ts';
import type { Language } from './language.ts';

/**
 * Every language Holdline is shipped with. A further one is a line here, a value of its own, and its templates in
 * `prompts/speech` and `prompts/sms`.
 */
export const shippedLanguages: readonly Language[] = [english, spanish, german];
