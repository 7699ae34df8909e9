import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOpenSlots } from '#availability/open-slots.ts';
import { fillSlots } from '#availability/slot-upkeep.ts';
import { beginTurn } from '#booking/calls.ts';
import { createPromptParts, inOneMessage } from '#conversation/prompt.ts';
import { createLanguages } from '#language/languages.ts';
import { shippedLanguages } from '#language/shipped-languages.ts';
import type { LanguageModel, ModelDelta, ModelRequest } from '#model/language-model.ts';
import { openDirectory } from '#organization/directory.ts';
import { openPrompts } from '#prompts/templates.ts';
import { inTenant } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { createToolbox } from '#tools/toolbox.ts';
import { openClinic } from '../../clinic.ts';
import { Caller, startApp } from '../../running-app.ts';
import { copyTemplates, type TemplatesFolder } from '../../templates-folder.ts';
import { openTextClinic, publicUrl } from '../../text-clinic.ts';
import { openTwilioDoors, replyForm, sentText } from '../../twilio-doors.ts';
import { toyLanguage } from './toy-language.ts';

/** The file beside this one, this line, and templates: all there is of it. */
const languages = createLanguages([...shippedLanguages, toyLanguage]);
let templates: TemplatesFolder;

const log = createLog({ level: 'silent', pretty: false });
/** A Tuesday, ten in the morning in New York. */
const now = new Date('2030-01-08T15:00:00Z');

beforeAll(async () => {
  templates = await copyTemplates();
  await cp(join(import.meta.dirname, 'toy-templates'), templates.folder, { recursive: true });
});

afterAll(() => templates?.[Symbol.asyncDispose]());

/** A clinic on a ledger that speaks it, with what answers a caller. */
async function openToyClinic() {
  await using opening = new AsyncDisposableStack();
  const day = [{ from: '09:00', to: '17:00' }];
  const weekly = { monday: day, tuesday: day, wednesday: day, thursday: day, friday: day };
  const clinic = opening.use(
    await openClinic({
      schedule: { weekly, horizonDays: 14 },
      settings: { zone: 'America/New_York', languages: ['qlu', 'en'] },
    }),
  );
  const { sql, store } = clinic;
  const directory = opening.use(await openDirectory({ sql, log }));
  const organization = directory.named('clinic') ?? clinic.organization;
  await fillSlots(sql, organization, now);
  const prompts = opening.use(await openPrompts({ folder: templates.folder, log }));
  const openSlots = opening.use(createOpenSlots({ sql, store }));
  const toolbox = createToolbox({ sql, openSlots, prompts, texting: false });
  const promptParts = createPromptParts(prompts, languages);
  const call = await clinic.call();
  const turn = { caller: null, userTurns: 1, requestedAt: null };
  const facts = await beginTurn(sql, call, turn);
  if (facts === undefined) throw new Error('the turn did not begin');
  const context = {
    organization,
    call,
    facts,
    now,
    language: 'qlu',
    languages,
    userTurns: 1,
    turn: facts.turn,
  };
  const opened = opening.move();
  return {
    async check(args: object) {
      const { result, speech, settled } = await toolbox.run('check_availability', args, context);
      await settled;
      const slots = (result['slots'] ?? result['nearest']) as { startsAt: string }[];
      return { result, speech, starts: slots.map(({ startsAt }) => startsAt.slice(0, 16)) };
    },
    told: () => inOneMessage(promptParts({ ...context, dashboardPrompt: null })),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

test('a day and a time said in it are looked up in the ledger, and offered in it', async () => {
  await using clinic = await openToyClinic();
  const noon = await clinic.check({ date: 'veni martor', time: 'klo dika bela' });
  expect(noon.result).toMatchObject({ success: true, date: '2030-01-15' });
  expect(noon.starts).toContain('2030-01-15T12:00');
  expect(noon.speech).toBe(
    'Mi havu martor dika pelato: klo dika ula matinu, klo dika ula e tiladika, klo dika bela vesperu au klo dika bela e tiladika. Kiu plaku?',
  );
  // A date, the time beside it, and a stretch of time.
  const late = await clinic.check({ date: 'lo dika kolato janlu pos klo tila vesperu' });
  expect(late.result).toMatchObject({ success: true, date: '2030-01-14' });
  expect(late.starts.every((start) => start >= '2030-01-14T15:00')).toBe(true);
  // A weekday that is not the date's is asked about, both days in its words.
  const mismatch = await clinic.check({ date: 'martor dika kolato' });
  expect(mismatch.speech).toBe(
    'lo dika kolato janlu estu lunor, ne martor. Vi volu lunor dika kolato au martor dika pelato?',
  );
});

test('a caller who says it while another language is spoken is understood, and one who goes on in English as well', async () => {
  await using clinic = await openToyClinic();
  expect((await clinic.check({ date: 'sur', language: 'en' })).result).toMatchObject({ date: '2030-01-09' });
  expect((await clinic.check({ date: 'next Tuesday', language: 'qlu' })).result).toMatchObject({
    date: '2030-01-15',
  });
});

test('a model is told the clinic’s days in it', async () => {
  await using clinic = await openToyClinic();
  const told = clinic.told();
  expect(told).toContain('Today is martor 8 janlu 2030 (2030-01-08). The time is 10:00');
  expect(told).toContain('Opening hours: lunor gis venor 9:00 gis 17:00, fermu sabor kaj domor.');
  expect(told).toContain('- merkor 2030-01-09: 9:00 gis 17:00\n');
  expect(told).toContain('- sabor 2030-01-12: fermu\n');
});

test('a text is written in it, and a word of it answers one', async () => {
  const settings = { languages: ['qlu'] };
  await using place = await openTextClinic(settings, {
    languages,
    folder: templates.folder,
    language: 'qlu',
  });
  await using doors = await openTwilioDoors(place, { languages, folder: templates.folder, publicUrl });
  const { number, appointmentId } = await sentText(place, '+12125556001');
  const written = place.twilio.accepted.filter((one) => one.to === number).map(({ body }) => body);
  const confirmation = /^the clinic: vi venu klo \d\d:\d\d \(Dr\. \w+\)\. Skribu NULO po fini\.$/;
  expect(written).toContainEqual(expect.stringMatching(confirmation));
  const answer = async (word: string) => (await doors.post('/twilio/messages', replyForm(number, word))).body;
  expect(await answer('aidu')).toContain('skribu NULO po fini, VOKU po vokado');
  expect(await answer('Nulo.')).toContain('<Response></Response>');
  const [made] = await place.owner`select status from appointments where id = ${appointmentId}`;
  expect(made).toEqual({ status: 'cancelled' });
});

/** A model that passes the caller's own words on, as models do. */
function passingOn(): LanguageModel & { asked: ModelRequest[] } {
  const asked: ModelRequest[] = [];
  const calls = [
    { name: 'check_availability', arguments: { date: 'veni merkor', time: 'matinu' } },
    { name: 'reserve_slot', arguments: { slotId: 'slot_1' } },
    { name: 'send_sms_reminder', arguments: { appointmentDetails: { patientName: 'Zela Ola' } } },
  ];
  return {
    name: 'passing on',
    asked,
    async *stream(request): AsyncGenerator<ModelDelta> {
      const call = calls[asked.length];
      asked.push(request);
      if (call !== undefined) yield { type: 'tool-call', id: `call_${asked.length}`, ...call };
      yield { type: 'finish', reason: 'tool_calls' };
    },
  };
}

test('a whole server books in it, from the first words to the text', async () => {
  const model = passingOn();
  await using app = await startApp({ model, languages, folder: templates.folder });
  await inTenant(app.sql, app.organization.id, (tx) => tx`update organizations set languages = '{qlu}'`);
  await app.directory.refresh();
  const caller = new Caller(app);
  const day = '(?:sur, )?merkor (?:[a-z]+ ?){1,2}to';
  expect(await caller.say('Veni merkor, matinu.')).toMatch(
    new RegExp(`^Mi havu ${day}: klo .* matinu.* Kiu plaku\\?$`),
  );
  expect(await caller.say('La ulato.')).toMatch(
    new RegExp(`^Mi gardu ${day} klo .* matinu kun Doctor \\w+\\. Kiu nomu\\?$`),
  );
  expect(await caller.say('Zela Ola.')).toMatch(new RegExp(`^Danku, Zela Ola\\. Vi venu ${day} klo `));
  const [, , third] = model.asked.map(({ messages }) => String(messages[0]?.content));
  expect(third).toMatch(new RegExp(`"spoken":"${day} klo [^"]* matinu`));
  expect(third).toMatch(/- merkor \d{4}-\d\d-\d\d: 9:00 gis 18:00/);
  const [text] = await inTenant(app.sql, app.organization.id, (tx) => tx`select language from text_messages`);
  expect(text).toEqual({ language: 'qlu' });
});
