import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { asTheyAre, type Spoken } from '#conversation/speech.ts';
import { type LanguageModel, ModelError } from '#model/language-model.ts';
import { createRehearsalModel } from '#model/rehearsal/rehearsal.ts';
import { inTenant } from '#storage/postgres.ts';
import {
  Caller,
  demoKey,
  frames,
  type RunningApp,
  spoken,
  startApp,
  twilioAccount,
  vapiSecret,
} from '../../running-app.ts';
import { type CallControlStandIn, startCallControl } from '../../stand-ins/call-control.ts';
import { RelayCaller, twilioSignature } from '../../stand-ins/relay.ts';
import { RetellCaller } from '../../stand-ins/retell.ts';

/** Stands in front of whatever passed the one place; a platform that hears something without it heard what went round. */
const mark = '§';
const marking: Spoken = (words, from) => asTheyAre(words === '' ? '' : `${mark}${words}`, from);

/** Says and calls what a real model would, or does not answer at all. */
let fault: Error | undefined;
const rehearsal = createRehearsalModel();
const model: LanguageModel = {
  name: 'rehearsal, or none',
  async *stream(request, signal) {
    if (fault !== undefined) throw fault;
    yield* rehearsal.stream(request, signal);
  },
};

/** Whatever today is, neither today nor tomorrow, in no zone. */
const weekday = new Date().getUTCDay() < 3 ? 'Friday' : 'Monday';
const dayWanted = `Next ${weekday}, please.`;
const publicUrl = 'https://holdline.example';
const patience = { timeout: 10_000, interval: 20 };
let isRoom = true;
let app: RunningApp;
let vapi: CallControlStandIn;

beforeAll(async () => {
  vapi = await startCallControl();
  const admission = {
    open: true,
    take: () => isRoom,
    turn: () => ({ waited() {}, [Symbol.dispose]() {} }),
    [Symbol.dispose]() {},
  };
  app = await startApp({ model, admission, spoken: marking, twilio: twilioAccount });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await vapi[Symbol.asyncDispose]();
});

/** Each piece was written by itself, and passed once. */
function expectMarked(pieces: unknown[]): void {
  const heard = pieces.filter((piece) => piece !== '');
  expect(heard.length, JSON.stringify(pieces)).toBeGreaterThan(0);
  for (const piece of heard) expect(piece).toMatch(/^§[^§]+$/);
}

async function setOrganization(fields: Record<string, string | null>): Promise<void> {
  const { id } = app.organization;
  await inTenant(app.sql, id, (tx) => tx`update organizations set ${tx(fields)} where id = ${id}`);
  await app.directory.refresh();
}

/** A caller whose call can be spoken to between its turns. */
class ReachableCaller extends Caller {
  override body(): object {
    const body = super.body() as { call: object };
    return { ...body, call: { ...body.call, monitor: { controlUrl: `${vapi.controlUrl}?${this.callSid}` } } };
  }
}

/** What Vapi is to speak of one turn, piece by piece, and the tools it is handed. */
async function turn(caller: Caller, words?: string): Promise<{ pieces: string[]; tools: string[] }> {
  if (words !== undefined) caller.history.push({ role: 'user', content: words });
  const sse = await (await caller.post()).text();
  caller.history.push({ role: 'assistant', content: spoken(sse).replaceAll(mark, '') });
  const deltas = frames(sse).flatMap(({ choices }) => choices.map(({ delta }) => delta));
  return {
    pieces: deltas.flatMap(({ content }) => (content === undefined ? [] : [content])),
    tools: deltas.flatMap(({ tool_calls = [] }) => tool_calls.map((call) => call.function.name)),
  };
}

/** The hold's last minute is about to begin. */
async function shorten(callSid: string): Promise<void> {
  await inTenant(
    app.sql,
    app.organization.id,
    (tx) => tx`update available_slots set expires_at = ledger_now() + interval '60.8 seconds'
      where reserved_by = ${callSid}`,
  );
}

/** The caller says nothing for most of a minute: nobody gives them two more. */
async function fallSilent(callSid: string): Promise<void> {
  await inTenant(
    app.sql,
    app.organization.id,
    (tx) => tx`update call_states set turn_began_at = ledger_now() - interval '50 seconds'
      where call_sid = ${callSid}`,
  );
}

describe('what Vapi speaks of a turn', () => {
  test('of a model, of tools, and of a warning between the turns', async () => {
    const caller = new ReachableCaller(app);
    for (const words of [undefined, 'Hello there.', dayWanted, 'The first one, please.'])
      expectMarked((await turn(caller, words)).pieces);
    await shorten(caller.callSid);
    expectMarked((await turn(caller, 'Hm.')).pieces);
    await fallSilent(caller.callSid);
    const warnings = () => vapi.received.filter(({ type }) => type === 'say').map(({ content }) => content);
    await vi.waitFor(() => expect(warnings()).toHaveLength(1), patience);
    expectMarked(warnings());
    expectMarked((await turn(caller, 'Yes, please. My name is Ann Miller.')).pieces);
  });

  test('as one JSON object', async () => {
    const caller = new Caller(app);
    caller.history.push({ role: 'user', content: dayWanted });
    const response = await fetch(`${app.url}/vapi/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${vapiSecret}` },
      body: JSON.stringify({ ...caller.body(), stream: false }),
    });
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
    expectMarked((choices[0]?.message.content ?? '').split(/(?=§)/));
  });

  test('without a model, step by step up to a human', async () => {
    await setOrganization({ human_number: '+15550100001' });
    const caller = new Caller(app);
    caller.tools = ['transferCall'];
    fault = new ModelError('late', 'as the test said');
    const turns = [];
    for (const words of ['Hello?', 'Hello?', 'Hello?']) turns.push(await turn(caller, words));
    fault = undefined;
    for (const { pieces } of turns) expectMarked(pieces);
    expect(turns.at(-1)?.tools).toEqual(['transferCall']);
    await setOrganization({ human_number: null });
  });

  test('of a fault, of full lines, and of a clinic that nobody knows', async () => {
    fault = new Error('as the test said');
    expectMarked((await turn(new Caller(app), 'Hello?')).pieces);
    fault = undefined;
    isRoom = false;
    expectMarked((await turn(new Caller(app), 'Hello?')).pieces);
    isRoom = true;
    const stranger = new Caller(app);
    stranger.body = () => ({ messages: [{ role: 'user', content: 'Hello?' }], call: { assistantId: 'x' } });
    expectMarked((await turn(stranger)).pieces);
  });
});

describe('what Vapi speaks by itself', () => {
  async function send(message: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${app.url}/vapi/events`, {
      method: 'POST',
      headers: { 'x-vapi-secret': vapiSecret },
      body: JSON.stringify({ message }),
    });
    return (await response.json()) as Record<string, unknown>;
  }
  const about = (assistantId = 'demo-clinic') => ({ id: randomUUID(), assistantId });

  test('behind the tools of a model of its own', async () => {
    await setOrganization({ model: 'platform' });
    const call = about();
    const run = async (name: string, given: object) => {
      const toolCallList = [{ id: '1', name, arguments: given }];
      const { results } = await send({ type: 'tool-calls', call, toolCallList });
      return (results as { message?: { content: string } }[]).map(({ message }) => message?.content);
    };
    expectMarked(await run('check_availability', { date: `next ${weekday}` }));
    expectMarked(await run('reserve_slot', { slotId: 'slot_99' }));
    await setOrganization({ model: 'holdline' });
  });

  test('of an assistant made for a call: greeting and transfer', async () => {
    const { id } = app.organization;
    await setOrganization({ human_number: '+15550100001' });
    await inTenant(app.sql, id, (tx) => tx`delete from organization_addresses where kind = 'assistant'`);
    await app.directory.refresh();
    const made = await send({
      type: 'assistant-request',
      call: { id: randomUUID() },
      phoneNumber: { number: '+15550100000' },
    });
    await inTenant(
      app.sql,
      id,
      (tx) => tx`insert into organization_addresses (tenant_id, kind, value)
        values (${id}, 'assistant', 'demo-clinic')`,
    );
    await app.directory.refresh();
    const spokenIn = [...JSON.stringify(made).matchAll(/"(?:content|firstMessage)":"([^"]+)"/g)];
    expect(spokenIn.length).toBeGreaterThan(1);
    expectMarked(spokenIn.map(([, words]) => words));
    const transfer = await send({ type: 'transfer-destination-request', call: about() });
    expectMarked([(transfer['message'] as { content: string }).content]);
    await setOrganization({ human_number: null });
    expectMarked([(await send({ type: 'transfer-destination-request', call: about() }))['error']]);
    expectMarked([(await send({ type: 'assistant-request', call: about('x') }))['error']]);
  });
});

test('what Retell speaks: greeting, turns, a reminder, a warning', async () => {
  await using caller = new RetellCaller(app, { key: demoKey });
  expectMarked([await caller.connect()]);
  const ask = async (words: string) => {
    caller.transcript.push({ role: 'user', content: words });
    const id = caller.ask('response_required');
    await caller.answer(id);
    expectMarked(caller.wordsOf(id));
  };
  await ask(dayWanted);
  await ask('The first one, please.');
  await shorten(caller.callSid);
  const reminder = caller.ask('reminder_required');
  await caller.answer(reminder);
  expectMarked(caller.wordsOf(reminder));
  await fallSilent(caller.callSid);
  const warning = await caller.line.next(({ response_type }) => response_type === 'agent_interrupt');
  expectMarked([warning['content']]);
});

describe('what Twilio speaks', () => {
  const headers = {
    'x-twilio-signature': twilioSignature(twilioAccount.authToken, 'wss://holdline.example/twilio/relay'),
  };
  const tokensOf = ({ line }: RelayCaller, from = 0) =>
    line.received.slice(from).flatMap(({ type, token }) => (type === 'text' ? [token] : []));

  test('of a relay session: greeting, turns, a warning', async () => {
    await using caller = new RelayCaller(app, { headers });
    await caller.connect();
    await caller.say(dayWanted);
    await caller.say('The first one, please.');
    await shorten(caller.callSid);
    await caller.say('Hm.');
    await fallSilent(caller.callSid);
    await caller.line.next(({ preemptible }) => preemptible === true);
    expectMarked(tokensOf(caller));
  });

  test('to whoever dialled a number that nobody knows', async () => {
    await using stranger = new RelayCaller(app, { headers, dialled: '+15550109999' });
    await stranger.connect();
    expectMarked(tokensOf(stranger));
  });

  test('of the TwiML around it', async () => {
    const post = async (path: string, fields: Record<string, string>) => {
      const signature = twilioSignature(twilioAccount.authToken, `${publicUrl}${path}`, fields);
      const response = await fetch(`${app.url}${path}`, {
        method: 'POST',
        headers: { 'x-twilio-signature': signature },
        body: new URLSearchParams(fields),
      });
      return response.text();
    };
    const call = { CallSid: 'CA1', From: '+12125550142', To: '+15550100000', Direction: 'inbound' };
    const spokenIn = [
      await post('/twilio/voice', call),
      await post('/twilio/voice', { ...call, To: '+15550109999' }),
      await post('/twilio/after', { ...call, HandoffData: '{"reasonCode":"live-agent-handoff"}' }),
    ].map((twiml) => /(?:welcomeGreeting="|<Say>)([^"<]+)/.exec(twiml)?.[1]);
    expectMarked(spokenIn);
  });
});
