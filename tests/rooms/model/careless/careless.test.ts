import { describe, expect, test } from 'vitest';
import { shippedLanguages } from '#language/shipped-languages.ts';
import { type CarelessPass, createCarelessModel } from '#model/careless/careless.ts';
import { createDice } from '#model/careless/dice.ts';
import { filled, type Values } from '#model/careless/filled.ts';
import { ownPhrasings, type Phrasing, placesIn, readPhrasings } from '#model/careless/phrasing.ts';
import { valueSpeech } from '#model/careless/spoken-values.ts';
import type { ModelDelta, ModelRequest } from '#model/language-model.ts';

const languages = shippedLanguages.map(({ tag }) => tag);

describe.each(languages)('the sentences it has in %s', (language) => {
  const phrasings = readPhrasings(ownPhrasings, language);

  test('are many, and each step has every kind that can be said there', () => {
    expect(phrasings.length).toBeGreaterThanOrEqual(150);
    for (const step of ['greeting', 'offered', 'held', 'booked'] as const) {
      const slips = new Set(phrasings.filter((one) => one.step === step).map(({ slip }) => slip));
      for (const slip of ['false status', 'offer', 'hours', 'fact', 'promise', 'somebody else'])
        expect(slips, `${slip} at ${step}`).toContain(slip);
    }
  });

  test('claim something each, by values that they hold', () => {
    for (const { says, words, claims } of phrasings) {
      expect(claims.length, says).toBeGreaterThan(0);
      expect(says, says).toContain(words ?? says);
      for (const { values } of claims) expect(placesIn(says), says).toEqual(expect.arrayContaining(values));
    }
  });
});

test('a sentence’s claim has the values that are said', () => {
  const [phrasing] = readPhrasings(ownPhrasings, 'en').filter(({ says }) => says.includes('{clock}'));
  const { utterance } = filled(phrasing as Phrasing, {
    ...{ values, language: 'en', figures: false, dice: createDice('1') },
  });
  expect(utterance.text).not.toMatch(/[{}]/);
  expect(utterance.claims[0]).toMatchObject({ is: 'booked', date: '2026-12-07', minutes: [870] });
});

test('an answer that names nothing claims what it was asked about', () => {
  const asked = { slip: '', step: 'greeting' as const, caller: 'Is {clock} free on {day}?', says: 'Yes.' };
  const phrasing = { ...asked, claims: [{ is: 'open' as const, values: [] }] };
  const { utterance } = filled(phrasing, { values, language: 'en', figures: false, dice: createDice('1') });
  expect(utterance.claims).toEqual([{ is: 'open', date: '2026-12-07', minutes: [870] }]);
});

test('days and times are said as people say them', () => {
  const ways = (language: string, figures: boolean) =>
    Array.from({ length: 40 }, (_, seed) => {
      const speech = valueSpeech(language, createDice(String(seed)), figures);
      return `${speech.day('2026-12-07')} ${speech.clock(870)}`;
    });
  expect(ways('en', false)).toContain('Monday the seventh half past two in the afternoon');
  expect(ways('es', false)).toContain('el lunes siete las dos y media de la tarde');
  expect(ways('de', false)).toContain('Montag, den siebten halb drei');
  for (const language of languages) expect(ways(language, true).every((way) => /\d/.test(way))).toBe(true);
});

test('the same words in give the same words out, and another seed others', async () => {
  const answers = async (seed: number) => {
    const said: string[] = [];
    for (const words of callerWords) said.push(JSON.stringify(await answerTo(words, seed)));
    return said;
  };
  expect(await answers(1)).toEqual(await answers(1));
  expect(await answers(2)).not.toEqual(await answers(1));
});

test('nobody who left hears the rest', async () => {
  const passes: CarelessPass[] = [];
  const model = createCarelessModel({ seed: 1, onPass: (pass) => passes.push(pass) });
  const leaving = new AbortController();
  const reading = async () => {
    for await (const _ of model.stream(requestOf('Hello.'), leaving.signal)) leaving.abort();
  };
  await expect(reading()).rejects.toThrow();
  expect(passes.map(({ taken }) => taken)).toEqual([false]);
});

test('it does what a careful model would do often enough to get anywhere', async () => {
  const deltas = await Promise.all(
    Array.from({ length: 60 }, (_, seed) => answerTo('Next Tuesday, please.', seed)),
  );
  const called = deltas
    .flat()
    .filter((delta) => delta.type === 'tool-call')
    .map(({ name }) => name.trim());
  expect(called.filter((name) => name === 'check_availability').length).toBeGreaterThan(20);
});

const values: Values = {
  ...{ day: '2026-12-07', clock: 870, clock2: 600, practitioner: 'Doctor Lee' },
  ...{ name: 'Ann Miller', phone: '+12125550142', from: 540, to: 1020 },
};

const callerWords = [
  'Hello.',
  'Next Tuesday, please.',
  '¿Tiene algo el lunes?',
  'Haben Sie am Montag etwas frei?',
];

function requestOf(words: string): ModelRequest {
  const system =
    'You book, move and cancel appointments with Doctor Lee, Doctor Patel.\n- Monday 2026-12-07: 9:00 to 17:00\n';
  const names = ['check_availability', 'reserve_slot', 'send_sms_reminder', 'endCall'];
  return {
    messages: [
      { role: 'system', content: system },
      { role: 'user', content: words },
    ],
    tools: names.map((name) => ({ type: 'function', function: { name } })),
  };
}

async function answerTo(words: string, seed: number): Promise<ModelDelta[]> {
  const deltas: ModelDelta[] = [];
  const model = createCarelessModel({ seed });
  for await (const delta of model.stream(requestOf(words), new AbortController().signal)) deltas.push(delta);
  return deltas;
}
