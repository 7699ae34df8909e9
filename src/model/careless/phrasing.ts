import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** A sentence that cheap models say, with places for values, and what would have to be so for it to be true. */
export type Phrasing = z.output<typeof phrasing>;
export type PhrasingStep = Phrasing['step'];
export type ClaimKind = z.output<typeof claimKind>;
export type ValuePlace = z.output<typeof valuePlace>;

/** What the model brings along. */
export const ownPhrasings = fileURLToPath(new URL('phrasings', import.meta.url));

/**
 * Reads `careless.<language>.jsonl` of a folder: one JSON object a line. A folder without the language's file has none.
 *
 * @throws naming the file and the line that is no phrasing
 */
export function readPhrasings(folder: string, language: string): Phrasing[] {
  const file = join(folder, `careless.${language}.jsonl`);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      return [phrasing.parse(JSON.parse(line))];
    } catch (error) {
      throw new Error(`${file}, line ${index + 1} is no phrasing`, { cause: error });
    }
  });
}

/** The places a text has, in order; one that is there twice is given twice. */
export function placesIn(text: string): ValuePlace[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => valuePlace.parse(name));
}

const valuePlace = z.enum(['day', 'clock', 'clock2', 'practitioner', 'name', 'phone', 'from', 'to']);

const claimKind = z.enum([
  ...(['booked', 'held', 'moved', 'cancelled', 'corrected'] as const),
  ...(['noted', 'call_back', 'person_told', 'text_sent', 'email_sent'] as const),
  ...(['waitlist', 'recurring', 'reminder', 'look'] as const),
  ...(['open', 'taken', 'last_of_day', 'first_of_day', 'only_of_day'] as const),
  ...(['none_that_day', 'none_earlier', 'none_later'] as const),
  ...(['closed_day', 'open_day', 'hours'] as const),
  ...(['fact', 'others', 'unspeakable'] as const),
]);

const weekdayName = z.enum(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']);

const phrasing = z.strictObject({
  slip: z.string(),
  step: z.enum(['greeting', 'offered', 'held', 'booked']),
  caller: z.string(),
  says: z.string(),
  /** The part of `says` that carries the claims, where it is not the whole. */
  words: z.string().optional(),
  claims: z.array(
    z.strictObject({
      is: claimKind,
      values: z.array(valuePlace),
      /** The weekday the words name, where no value does. */
      weekday: weekdayName.optional(),
      /** A fact the clinic's own text has. */
      true: z.boolean().optional(),
    }),
  ),
});
