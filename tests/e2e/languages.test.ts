import { expect, test } from 'vitest';
import type { LanguageModel, ModelDelta, ModelRequest } from '#model/language-model.ts';
import { inTenant } from '#storage/postgres.ts';
import { comingDay } from '../coming-day.ts';
import { Caller, startApp } from '../running-app.ts';

/** A model that calls what the test says, one tool a turn. */
function scripted(calls: { name: string; arguments: Record<string, unknown> }[]) {
  const asked: ModelRequest[] = [];
  const model: LanguageModel = {
    name: 'scripted',
    async *stream(request): AsyncGenerator<ModelDelta> {
      const call = calls[asked.length];
      asked.push(request);
      if (call === undefined) yield { type: 'text', text: 'Adiós.' };
      else yield { type: 'tool-call', id: `call_${asked.length}`, ...call };
      yield { type: 'finish', reason: call === undefined ? 'stop' : 'tool_calls' };
    },
  };
  return { model, asked };
}

test('a caller who speaks another of the clinic’s languages is answered, and texted, in it from the first tool on', async () => {
  const { date, weekday } = comingDay();
  const day = new Date(date).toLocaleDateString('es', { weekday: 'long', timeZone: 'UTC' });
  const { model, asked } = scripted([
    { name: 'check_availability', arguments: { date: `next ${weekday}`, language: 'es' } },
    { name: 'reserve_slot', arguments: { slotId: 'slot_1' } },
    {
      name: 'send_sms_reminder',
      arguments: { appointmentDetails: { patientName: 'Ana Ruiz' }, language: 'fr' },
    },
  ]);
  await using app = await startApp({ model });
  await inTenant(app.sql, app.organization.id, (tx) => tx`update organizations set languages = '{en,es}'`);
  await app.directory.refresh();
  const caller = new Caller(app);
  expect(await caller.say(`Hola, ¿tiene hora el ${day}?`)).toMatch(
    /^(Tengo libre|Puedo darle cita) .*¿Cuál prefiere\?$/,
  );
  // The language stays for the whole call, and one the clinic does not speak changes nothing.
  expect(await caller.say('La primera.')).toMatch(/^Le guardo un momento .*¿A nombre de quién/);
  expect((await caller.say('Ana Ruiz.')).startsWith(`Listo, Ana Ruiz. Tiene su cita el ${day} `)).toBe(true);
  const [told] = asked.slice(1);
  expect(String(told?.messages[0]?.content)).toMatch(
    new RegExp(`"language":"es".*"spoken":"[^"]*el ${day} [^"]* a las `),
  );
  // The first part stays as it was: nothing a provider has cached is lost.
  const stable = asked.map(
    ({ messages }) => String(messages[0]?.content).split('\n\n# What the clinic adds')[0],
  );
  expect(new Set(stable).size).toBe(1);
  const [text] = await inTenant(app.sql, app.organization.id, (tx) => tx`select language from text_messages`);
  expect(text).toEqual({ language: 'es' });
});

test('a clinic of one language does not pay for others', async () => {
  const { model, asked } = scripted([]);
  await using app = await startApp({ model });
  await new Caller(app).say('Hello.');
  expect(JSON.stringify(asked[0]?.tools)).not.toContain('"language"');
});
