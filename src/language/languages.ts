import { fallbackTag, type Language, type TextAnswer } from './language.ts';

/** The languages of this process. It is made where the process is put together and passed to whoever reads or speaks. */
export interface Languages {
  readonly all: readonly Language[];
  /** What models pass on in any conversation; what has no words of its own is said in it. */
  readonly fallback: Language;
  /** The words of a language, `es-MX` being Spanish; the fallback's where there are none. */
  of(tag: string): Language;
  /** What a word means that somebody answered to a text, in any of the languages. */
  answer(word: string): TextAnswer | undefined;
}

/** @throws when two languages have one tag, or the fallback is not among them */
export function createLanguages(all: readonly Language[]): Languages {
  const byTag = new Map(all.map((language) => [language.tag, language]));
  const fallback = byTag.get(fallbackTag);
  if (fallback === undefined) throw new Error(`${fallbackTag} is not among the languages`);
  if (byTag.size < all.length) throw new Error('two languages have the same tag');
  const answers = new Map<string, TextAnswer>(
    // Of two languages that mean different things by one word, the first has it.
    all
      .toReversed()
      .flatMap(({ texts }) =>
        (Object.keys(texts.answers) as TextAnswer[]).flatMap((answer) =>
          texts.answers[answer].map((word) => [word, answer] as const),
        ),
      ),
  );
  return {
    all,
    fallback,
    of: (tag) => byTag.get(subtags(tag).language) ?? fallback,
    answer: (word) => answers.get(word.toUpperCase()),
  };
}

/** "es-MX" and "es_mx" are the language `es` and the region `mx`; empty where there is none. */
export function subtags(tag: string): { language: string; region: string } {
  const [language = '', region = ''] = tag.toLowerCase().split(/[-_]/);
  return { language, region };
}
