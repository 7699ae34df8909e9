import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scriptedCaller } from '#commands/call/caller.ts';
import { type CallEvent, playCall } from '#commands/call/conversation.ts';
import { openDoor } from '#commands/call/open-door.ts';
import { readScenario, scenarioNames } from '#commands/call/scenario.ts';
import { judge, missingFrom } from '#commands/call/verdict.ts';
import { callRecord } from '#console/call-record.ts';
import { openPrompts, type Prompts } from '#prompts/templates.ts';
import { createLog } from '#telemetry/log.ts';
import { promptsFolder } from '../../src/config.ts';
import { type RecordingModel, recordingModel } from '../recording-model.ts';
import { type RunningApp, startApp, vapiSecret } from '../running-app.ts';

let app: RunningApp;
let model: RecordingModel;
let prompts: Prompts;

beforeAll(async () => {
  model = recordingModel();
  app = await startApp({ model });
  prompts = await openPrompts({ folder: promptsFolder, log: createLog({ level: 'silent', pretty: false }) });
});

afterAll(async () => {
  await app?.[Symbol.asyncDispose]();
  await prompts?.[Symbol.asyncDispose]();
});

test.each(await scenarioNames())(
  '%s: ends as its file says, with the same stable part on every turn',
  async (name) => {
    const scenario = await readScenario(name);
    model.asked.length = 0;
    const id = randomUUID();
    const events: CallEvent[] = [];
    const call = { id, customerNumber: `+1555${String(Date.now()).slice(-7)}`, startedAt: new Date() };
    using caller = scriptedCaller(scenario);
    await using door = await openDoor('vapi', { url: app.url, key: vapiSecret }, call);
    for await (const event of playCall({ door, caller, firstMessage: scenario.firstMessage })) {
      events.push(event);
    }
    const heard = events.flatMap((event) => (event.type === 'assistant' ? [event.text] : []));
    const said = events
      .map((event) => ('text' in event ? `${event.type}: ${event.text}` : event.type))
      .join('\n');
    const faults = events.filter((event) => event.type === 'violation').length;
    const record = await callRecord(app.sql, app.organization.id, id);
    const verdict = judge(record, {
      expected: scenario.expect,
      missing: missingFrom(scenario, record, heard),
      faults,
      now: new Date(),
    });
    expect(verdict.met, `${verdict.text}\n${said}`).toBe(true);
    expect(events.at(-1), said).not.toEqual({ type: 'over', by: 'limit' });

    const told = model.prompts();
    expect(told.length).toBeGreaterThan(1);
    const stable = stablePart(told[0] ?? '');
    for (const message of told)
      expect(message.startsWith(`${stable}\n\n# What the clinic adds\n`)).toBe(true);
    // What changes is behind it, also where a call has offers, a hold, an appointment.
    if (scenario.expect !== 'nothing-booked') expect(new Set(told).size).toBeGreaterThan(1);
    // Tools stand in front of the message in a provider's cache.
    expect(new Set(model.asked.map(({ tools }) => JSON.stringify(tools))).size).toBe(1);
  },
);

/** The part in front of what was written at Vapi; it is all of the system template, and nothing else. */
function stablePart(message: string): string {
  const part = message.slice(0, message.indexOf('\n\n# What the clinic adds\n'));
  const words = (text: string) =>
    text
      .replace(/\{[{%].*?[%}]\}/gs, ' ')
      .split(/\s+/)
      .filter((word) => /^[a-z]{6,}$/.test(word));
  const expected = words(prompts.shipped.get('system')?.text ?? '');
  expect(expected.length).toBeGreaterThan(50);
  expect(words(part).length).toBeGreaterThan(expected.length * 0.8);
  return part;
}
