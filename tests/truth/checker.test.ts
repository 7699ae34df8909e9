import { describe, expect, test } from 'vitest';
import { shippedLanguages } from '#language/shipped-languages.ts';
import type { Utterance } from '#model/careless/claim.ts';
import { type TruthDoorName, truthDoors } from './doors.ts';
import { isHeard } from './heard.ts';
import { runTruth } from './run.ts';

const usual = {
  seed: 3,
  languages: shippedLanguages.map(({ tag }) => tag),
  doors: truthDoors as readonly TruthDoorName[],
  progress: () => {},
};
const limits = { timeout: 3 * 60_000 };

describe('the checker', () => {
  test('hears false statements of every kind when they are only watched', limits, async () => {
    const { wrongs, sentences } = await runTruth({ ...usual, turns: 250, truth: 'watch' });
    for (const kind of ['status', 'openness', 'values', 'hours', 'promises', 'facts', 'others']) {
      expect(wrongs[kind] ?? 0, kind).toBeGreaterThan(0);
    }
    // What nobody withholds is heard: whatever the checker missed of it, it would miss of what is let through.
    expect(sentences.withheld).toBe(0);
    expect(sentences.heardTrue).toBeGreaterThan(10);
  });

  test(
    'sees what is done against the caller’s word when arguments are not compared with it',
    limits,
    async () => {
      const { wrongs, calls } = await runTruth({
        ...{ ...usual, turns: 60, truth: 'enforce' as const },
        ...{ manner: 'choices' as const, without: 'comparison' as const },
      });
      expect(calls.turnsByKind['no to the offers']).toBeGreaterThan(0);
      expect(wrongs['deeds'] ?? 0).toBeGreaterThan(0);
    },
  );

  test(
    'sees a time held for an id that names none when ids are matched by their digits',
    limits,
    async () => {
      const { wrongs, calls } = await runTruth({
        ...{ ...usual, turns: 60, truth: 'enforce' as const },
        ...{ manner: 'ids' as const, without: 'whole ids' as const },
      });
      expect(calls.turnsByKind['an id that is none']).toBeGreaterThan(0);
      expect(wrongs['deeds'] ?? 0).toBeGreaterThan(0);
    },
  );
});

describe('a sentence is heard', () => {
  const said = (text: string, words = text, around = [words]): Utterance => ({
    ...{ text, words, around, claims: [], language: 'en', slip: '' },
  });

  test('when it is there, whatever its marks and accents', () => {
    expect(
      isHeard(said('¡Quedó agendada para el miércoles!'), 'bueno quedo agendada para el Miercoles, sí'),
    ).toBe(true);
    expect(isHeard(said('Done.'), 'Done. Is there anything else?')).toBe(true);
    expect(isHeard(said('Sí, claro.'), 'Sí, claro.')).toBe(true);
  });

  test('when the words that carry its claim are there, without the rest', () => {
    const sentence = said(
      'Great news, Mei, you are all set for Monday at noon!',
      'you are all set for Monday at noon',
    );
    expect(isHeard(sentence, 'You are all set for Monday at noon! Anything else?')).toBe(true);
    expect(isHeard(sentence, 'Great news, Mei, I am holding Monday at noon for you.')).toBe(false);
  });

  test('when its values are said in another way', () => {
    const sentence = said('I have 12/7 at 9:30 AM open for you', undefined, [
      'I have ',
      ' at ',
      ' open for you',
    ]);
    expect(isHeard(sentence, 'I have Monday the seventh at half past nine open for you.')).toBe(true);
  });

  test('not when only a common word of it is', () => {
    expect(isHeard(said('Yes.'), 'Yesterday was better.')).toBe(false);
    expect(isHeard(said('It is.'), 'It is under which name?')).toBe(false);
    expect(isHeard(said('We take Medicaid.'), 'I do not know whether we take that.')).toBe(false);
  });
});
