import { afterAll, beforeAll, expect, test } from 'vitest';
import { callRecord } from '#console/call-record.ts';
import type { Organization } from '#organization/organization.ts';
import { type ConsoleClient, secondClinic, signedIn } from '../../console-client.ts';
import { Caller, type RunningApp, startApp } from '../../running-app.ts';

const at = '/organizations/demo-clinic';
const caller = '+12125550142';

let app: RunningApp;
let client: ConsoleClient;
let other: Organization;
let stranger: ConsoleClient;

beforeAll(async () => {
  app = await startApp();
  const second = await secondClinic(app);
  other = second.other;
  client = await signedIn(app, second.keys.demoEdit);
  stranger = await signedIn(app, second.keys.otherEdit);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
});

type Event = { type: string } & Record<string, unknown>;

/** The events of a stream as they come, until it ends or `enough` says so. */
async function eventsOf(
  response: Response,
  enough: (event: Event) => boolean = () => false,
): Promise<Event[]> {
  const events: Event[] = [];
  let rest = '';
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const parts = (rest + text).split('\n\n');
    rest = parts.pop() ?? '';
    events.push(...parts.map((part) => JSON.parse(part.slice('data: '.length)) as Event));
    if (events.some(enough)) break;
  }
  return events;
}

async function start(): Promise<string> {
  const response = await client.ask('POST', `${at}/line/calls`, { body: { caller } });
  return ((await response.json()) as { callSid: string }).callSid;
}

async function turn(
  callSid: string,
  history: { role: string; content: string }[],
  drafts: Record<string, string> = {},
): Promise<Event[]> {
  const body = { callSid, caller, history, drafts };
  return eventsOf(await client.ask('POST', `${at}/line/turns`, { body }));
}

const wordsIn = (events: Event[]) =>
  events
    .filter((event) => event.type === 'words')
    .map((event) => event['text'])
    .join('');

test('a tried call goes by the platform’s doors, and shows its tools with arguments and results', async () => {
  const callSid = await start();
  const events = await turn(callSid, [{ role: 'user', content: 'Next Tuesday after lunch, please.' }]);
  expect(wordsIn(events)).toMatch(/Tuesday/);
  expect(events).toContainEqual(
    expect.objectContaining({
      type: 'tool-started',
      name: 'check_availability',
      arguments: expect.objectContaining({ date: expect.any(String) }),
    }),
  );
  const finished = events.find((event) => event.type === 'tool-finished');
  expect(finished).toMatchObject({ result: { success: true, slots: expect.any(Array) } });
  expect(events.find((event) => event.type === 'first-word')?.['afterMs']).toBeGreaterThan(0);
  // Offers are committed behind the words.
  await expect
    .poll(async () => (await callRecord(app.sql, app.organization.id, callSid)).state?.step)
    .toBe('check_avail');
  await client.ask('POST', `${at}/line/calls/${callSid}/end`);
  expect((await callRecord(app.sql, app.organization.id, callSid)).state?.endedAt).not.toBeNull();
});

test('an unsaved text is heard in the call that tries it, and by nobody else, not even at the same time', async () => {
  const drafts = { 'speech/en/opening': 'A draft for {{ clinic }}.' };
  const [mine, own, theirs] = await Promise.all([
    turn(await start(), [], drafts),
    turn(await start(), []),
    new Caller(app).say('Hello?'),
  ]);
  expect(wordsIn(mine)).toBe('A draft for the demo clinic.');
  expect(wordsIn(own)).not.toContain('draft');
  expect(theirs).not.toContain('draft');
  const unfit = await client.ask('POST', `${at}/line/turns`, {
    body: {
      callSid: await start(),
      caller,
      history: [],
      drafts: { 'speech/en/opening': 'Hello\n{{ nobody }}' },
    },
  });
  expect(unfit.status).toBe(422);
  expect(await unfit.text()).toContain('line 2');
});

test('the prompt of a tried call is made from the unsaved text, too', async () => {
  // What the model reads changes nothing the rehearsal model says; that it renders is what counts here.
  const events = await turn(await start(), [{ role: 'user', content: 'Hello' }], {
    system: 'You are {{ receptionist }}, and this is a draft.',
  });
  expect(wordsIn(events)).not.toBe('');
});

test('the live feed tells an organization what happens there, masked, and nothing of another', async () => {
  const [own, foreign] = [new AbortController(), new AbortController()];
  const watch = async (who: ConsoleClient, key: string, stop: AbortController) => {
    const seen: Event[] = [];
    const response = await who.ask('GET', `/organizations/${key}/live`);
    const reading = (async () => {
      for await (const text of response.body?.pipeThrough(new TextDecoderStream(), { signal: stop.signal }) ??
        [])
        for (const part of text.split('\n\n'))
          if (part.startsWith('data: ')) seen.push(JSON.parse(part.slice(6)) as Event);
    })().catch(() => {});
    return { seen, reading };
  };
  const mine = await watch(client, 'demo-clinic', own);
  const theirs = await watch(stranger, other.key, foreign);
  await expect.poll(() => mine.seen.length > 0 && theirs.seen.length > 0).toBe(true);
  const someone = new Caller(app);
  await someone.say('Next Thursday in the morning, please.');
  await someone.say('The first one.');
  await someone.say('Yes. This is Carla Grey.');
  await expect.poll(() => mine.seen.some((event) => event.type === 'appointment-booked')).toBe(true);
  expect(JSON.stringify(mine.seen)).not.toMatch(/Carla|2125550142/);
  expect(theirs.seen.map((event) => event.type)).toEqual(['watching']);
  own.abort();
  foreign.abort();
  await Promise.all([mine.reading, theirs.reading]);
});

test('a failed job is its organization’s to see and to try again', async () => {
  const enqueue = (tenantId: string, key: string) =>
    app.sql`select enqueue_job('no-such-task', ${app.sql.json({ tenantId })}, ${key}, ledger_now() + interval '1 day')`;
  await enqueue(app.organization.id, 'ours');
  await enqueue(other.id, 'theirs');
  const mine = await client.get<{ jobs: { id: number; task: string }[] }>(`${at}/jobs?state=waiting`);
  const own = mine.jobs.filter((job) => job.task === 'no-such-task');
  expect(own).toHaveLength(1);
  const foreign = await stranger.get<{ jobs: { id: number; task: string }[] }>(
    `/organizations/${other.key}/jobs?state=waiting`,
  );
  const [theirs] = foreign.jobs.filter((job) => job.task === 'no-such-task');
  expect(theirs?.id).not.toBe(own[0]?.id);
  expect((await client.ask('POST', `${at}/jobs/${theirs?.id}/retry`)).status).toBe(404);
  expect((await client.ask('POST', `${at}/jobs/${own[0]?.id}/retry`)).status).toBe(200);
  expect(JSON.stringify(mine)).not.toContain(app.organization.id);
  const { actions } = await client.get<{ actions: { action: string; who: string }[] }>(`${at}/record`);
  expect(actions[0]).toMatchObject({ action: 'job tried again', who: 'may edit' });
});

test('talking over the receptionist ends the turn, as on the telephone', async () => {
  const callSid = await start();
  const history = [{ role: 'user', content: 'Next Tuesday after lunch, please.' }];
  const response = await client.ask('POST', `${at}/line/turns`, { body: { callSid, caller, history } });
  // The page goes away in the middle; what began is committed, and the next turn finds it.
  await response.body?.cancel();
  const events = await turn(callSid, [...history, { role: 'user', content: 'Wednesday is better.' }]);
  expect(wordsIn(events)).toMatch(/Wednesday/);
});
