import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type CallDoor, type DoorName, doorNames } from '#commands/call/call-door.ts';
import type { Caller, CallerLine } from '#commands/call/caller.ts';
import { playCall } from '#commands/call/conversation.ts';
import { openDoor } from '#commands/call/open-door.ts';
import type { VapiCall } from '#commands/call/vapi-request.ts';
import { callRecord } from '#console/call-record.ts';
import { inTenant } from '#storage/postgres.ts';
import { demoKey, type RunningApp, startApp, vapiSecret } from '../running-app.ts';
import { type Conversation, conversations } from './conversations.ts';

/** What was heard and done, and the calls of it. */
interface Played {
  heard: string[];
  calls: string[];
}

const patience = { timeout: 10_000, interval: 20 };

/** A ledger for each door: equal ones, as long as the doors do the same. */
const apps = new Map<DoorName, RunningApp>();
beforeAll(async () => {
  for (const name of doorNames) apps.set(name, await startApp());
});
afterAll(async () => {
  for (const app of apps.values()) await app[Symbol.asyncDispose]();
});

describe('the same conversation through every door', () => {
  test('is had twelve times', () => expect(conversations).toHaveLength(12));

  test.each(conversations)('$name', async (conversation) => {
    const played = new Map<DoorName, Played>();
    await Promise.all(doorNames.map(async (name) => played.set(name, await play(name, conversation))));
    const vapi = played.get('vapi');
    expect(vapi?.heard.length).toBeGreaterThan(1);
    expect(vapi?.heard.join(' '), JSON.stringify(vapi?.heard)).toMatch(conversation.hears);
    for (const name of doorNames) {
      expect(played.get(name)?.heard, `what was heard at ${name}, against vapi`).toEqual(vapi?.heard);
    }
    // What is written behind the speech may be a moment late; a difference that stays is one.
    await vi.waitFor(async () => {
      const expected = await ledgersOf('vapi', played.get('vapi'));
      expect(expected.at(-1)).toMatchObject({ state: { step: conversation.ends } });
      for (const name of doorNames) {
        const ledgers = await ledgersOf(name, played.get(name));
        expect(ledgers, `the ledger behind ${name}, against vapi`).toEqual(expected);
      }
    }, patience);
  });
});

function ledgersOf(name: DoorName, played: Played | undefined): Promise<unknown[]> {
  return Promise.all((played?.calls ?? []).map((callSid) => ledgerOf(appOf(name), callSid)));
}

function appOf(name: DoorName): RunningApp {
  const app = apps.get(name);
  if (app === undefined) throw new Error('the app is missing');
  return app;
}

async function play(name: DoorName, { number, human, lines, again, name: title }: Conversation) {
  const app = appOf(name);
  await connectTo(app, human ?? null);
  // Every conversation has a caller of its own: nobody takes up another one's hold.
  const own = `+1212555${String(1_000 + conversations.findIndex((one) => one.name === title))}`;
  const played: Played = { heard: [], calls: [] };
  for (const said of again === undefined ? [lines] : [lines, again]) {
    const call: VapiCall = {
      id: `call-${randomUUID()}`,
      customerNumber: number === undefined ? own : number,
      humanNumber: human ?? null,
      startedAt: new Date(),
    };
    played.heard.push(...(await converse(app, name, call, said)));
    played.calls.push(call.id);
    // Nobody rings again before the line is free.
    await vi.waitFor(() => ledgerOf(app, call.id), patience);
  }
  return played;
}

/** @returns what was heard after the greeting, and what the platform was asked to do */
async function converse(
  app: RunningApp,
  name: DoorName,
  call: VapiCall,
  lines: CallerLine[],
): Promise<string[]> {
  const key = name === 'vapi' ? vapiSecret : demoKey;
  await using door = await openDoor(name, { url: app.url, key }, call);
  using caller = linesOf(lines);
  const heard: string[] = [];
  const told = name === 'vapi' ? telling(door, app, call) : door;
  for await (const event of playCall({ door: told, caller, firstMessage: 'Hello.' })) {
    if (event.type === 'assistant' && event.turn !== undefined) heard.push(event.text);
    if (event.type === 'tool-call') heard.push(`→ ${event.name}`);
    if (event.type === 'violation') heard.push(`✗ ${event.problem}`);
    if (event.type === 'over') heard.push(`over by the ${event.by}`);
  }
  return heard;
}

function linesOf(lines: CallerLine[]): Caller {
  const left = [...lines];
  return { answer: async () => left.shift() ?? {}, [Symbol.dispose]() {} };
}

/** Vapi says by server messages when a call starts and ends; a socket says it by itself. */
function telling(door: CallDoor, app: RunningApp, call: VapiCall): CallDoor {
  const tell = async (status: string) => {
    const about = { id: call.id, assistantId: 'demo-clinic', type: 'inboundPhoneCall' };
    const customer = call.customerNumber === null ? {} : { customer: { number: call.customerNumber } };
    await fetch(`${app.url}/vapi/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${vapiSecret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ message: { type: 'status-update', status, call: about, ...customer } }),
    });
  };
  return {
    async connect() {
      await tell('in-progress');
      return door.connect();
    },
    ask: (history, line) => door.ask(history, line),
    async hangUp() {
      await door.hangUp();
      await tell('ended');
    },
    [Symbol.asyncDispose]: () => door[Symbol.asyncDispose](),
  };
}

/** The ledger's rows of a call, without ids and clocks. */
async function ledgerOf({ sql, organization }: RunningApp, callSid: string): Promise<unknown> {
  const { state, history, appointments, texts, turns } = await callRecord(sql, organization.id, callSid);
  expect(state?.endedAt, 'the call has ended').toBeInstanceOf(Date);
  return {
    state: { step: state?.step, slotId: state?.slotId, held: state?.expiresAt !== null },
    history: history.map(({ fromStep, toStep, slotId, cause }) => ({ fromStep, toStep, slotId, cause })),
    appointments: appointments.map(({ slotId, status, patient }) => ({ slotId, status, patient })),
    texts: texts.map(({ number, wording, status }) => ({ number, wording, status })),
    turns: turns.map(({ number, tools }) => ({ number, tools })),
  };
}

/** Sets whom callers can be connected to, and waits until the doors know. */
async function connectTo(app: RunningApp, number: string | null): Promise<void> {
  const { id } = app.organization;
  await inTenant(app.sql, id, (tx) => tx`update organizations set human_number = ${number} where id = ${id}`);
  const about = { type: 'transfer-destination-request', call: { id: 'x', assistantId: 'demo-clinic' } };
  await vi.waitFor(async () => {
    const response = await fetch(`${app.url}/vapi/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${vapiSecret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ message: about }),
    });
    const answer = (await response.json()) as { destination?: { number?: string } };
    expect(answer.destination?.number ?? null).toBe(number);
  }, patience);
}
