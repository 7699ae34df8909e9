import { randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOpenSlots } from '#availability/open-slots.ts';
import { beginTurn, type CallKey, type CallSnapshot, endCall } from '#booking/calls.ts';
import { openPrompts } from '#prompts/templates.ts';
import { createLog } from '#telemetry/log.ts';
import type { ToolContext } from '#tools/tool.ts';
import { createToolbox, type Toolbox } from '#tools/toolbox.ts';
import { promptsFolder } from '../../../src/config.ts';
import { type Clinic, openClinic } from '../../clinic.ts';
import { languages } from '../../languages.ts';

const stack = new AsyncDisposableStack();
const caller = '+12125550177';
let clinic: Clinic;
let toolbox: Toolbox;

beforeAll(async () => {
  clinic = stack.use(await openClinic({ practitioners: ['lee', 'patel'] }));
  const { sql, store } = clinic;
  const log = createLog({ level: 'silent', pretty: false });
  const prompts = stack.use(await openPrompts({ folder: promptsFolder, log }));
  const openSlots = stack.use(createOpenSlots({ sql, store }));
  toolbox = createToolbox({ sql, openSlots, prompts, texting: true });
});

afterAll(() => stack.disposeAsync());

/** The voice rules rest without a history, so that one turn may do everything. */
async function begin(call: CallKey): Promise<CallSnapshot> {
  const facts = await beginTurn(clinic.sql, call, { caller, userTurns: null, requestedAt: null });
  if (facts === undefined) throw new Error('the turn did not begin');
  return facts;
}

async function contextOf(call: CallKey): Promise<ToolContext> {
  const { organization } = clinic;
  const turn = { now: new Date(), language: 'en', languages, userTurns: null, turn: null };
  return { organization, call, facts: await begin(call), ...turn };
}

function aboutTheCall({ turn: _turn, now: _now, userTurns: _userTurns, ...facts }: CallSnapshot) {
  return facts;
}

test('after every tool the turn knows exactly what the next turn begins with', async () => {
  const call = { tenantId: clinic.organization.id, callSid: randomUUID() };
  const context = await contextOf(call);
  const { turn, now } = context.facts;

  async function run(name: string, args: object, success = true): Promise<Record<string, unknown>> {
    const { result, settled } = await toolbox.run(name, args, context);
    await settled;
    expect(result, `${name} ${JSON.stringify(args)}`).toMatchObject({ success });
    expect(aboutTheCall(context.facts), name).toEqual(aboutTheCall(await begin(call)));
    // A hold's watch and the call's news count from the beginning of this turn.
    expect(context.facts).toMatchObject({ turn, now });
    return result;
  }

  await run('check_availability', { date: 'tomorrow' });
  expect(context.facts.offers.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  await run('send_sms_reminder', { appointmentDetails: { patientName: 'Ann Miller' } }, false);
  await run('reserve_slot', { slotId: 'slot_2' });
  await run('reserve_slot', { slotId: 'slot_2' });
  await run('reserve_slot', { slotId: 'slot_9' }, false);
  await run('reserve_slot', { slotId: 'slot_1' });
  expect(context.facts.hold).toMatchObject({ slotId: context.facts.offers[0]?.slotId });
  await run('send_sms_reminder', { appointmentDetails: { patientName: 'Ann Miller' } });
  expect(context.facts).toMatchObject({ hold: null, step: 'booked', patient: { name: 'Ann Miller' } });
  await run('send_sms_reminder', { phone: '+12125550178', appointmentDetails: { reason: 'a cleaning' } });
  expect(context.facts.patient).toEqual({ name: 'Ann Miller', phone: '+12125550178', reason: 'a cleaning' });
  await run('find_appointments', { patientName: 'Ann Miller' }, false);
  await run('send_sms_reminder', { phone: caller });
  await run('find_appointments', { patientName: 'Ann Miller' });
  expect(context.facts.found).toHaveLength(1);
  await run('reserve_slot', { slotId: 'slot_1' });
  await run('check_availability', { date: 'tomorrow', time: 'noon' });
  const target = context.facts.offers.at(-1);
  await run('move_appointment', { appointmentId: 'appointment_1', slotId: `slot_${target?.number}` });
  expect(context.facts.appointment).toMatchObject({ slotId: target?.slotId });
  await run('move_appointment', { appointmentId: 'appointment_1', slotId: 'slot_1' }, false);
  await run('find_appointments', { patientName: 'Miller' });
  await run('cancel_appointment', { appointmentId: 'appointment_1' });
  expect(context.facts).toMatchObject({ appointment: null, found: [] });
});

test('a hold taken over from the call before is known as the next turn finds it', async () => {
  const first = { tenantId: clinic.organization.id, callSid: randomUUID() };
  const earlier = await contextOf(first);
  await (await toolbox.run('check_availability', { date: 'tomorrow' }, earlier)).settled;
  const held = await toolbox.run('reserve_slot', { slotId: 'slot_1' }, earlier);
  expect(held.result.success).toBe(true);
  await endCall(clinic.sql, first, { releaseHold: false, fault: null });

  const call = { ...first, callSid: randomUUID() };
  const context = await contextOf(call);
  expect(context.facts.hold?.fromEarlierCall).toBe(true);
  const details = { appointmentDetails: { patientName: 'Bo Lind' } };
  const { result } = await toolbox.run('send_sms_reminder', details, context);
  expect(result).toMatchObject({ success: false, reason: 'unconfirmed' });
  expect(context.facts).toMatchObject({ hold: { fromEarlierCall: false }, patient: { name: 'Bo Lind' } });
  expect(aboutTheCall(context.facts)).toEqual(aboutTheCall(await begin(call)));
});

test('no tool writes facts of its own: learn replaces them, and nobody takes a slot’s id apart', () => {
  const folder = join(import.meta.dirname, '../../../src');
  const lines = globSync('**/*.ts', { cwd: folder }).flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .map((line) => ({ file, line: line.trim() })),
  );
  const writes =
    /\bfacts\b[\w.?!['"\]]*\s*(=(?![=>])|[+|&?]{1,2}=)|Object\.assign\([\w.]*facts|\bfacts\.\w+\.(push|splice|pop|shift)\(/;
  expect(lines.filter(({ file, line }) => file.startsWith('tools/') && writes.test(line))).toEqual([
    { file: 'tools/tool.ts', line: 'context.facts = { ...facts, turn, now, userTurns };' },
  ]);
  expect(lines.filter(({ line }) => line.includes('slotId.endsWith('))).toEqual([]);
  for (const line of [
    'facts.hold = null;',
    "facts.patient['name'] = name;",
    'Object.assign(context.facts.hold, {',
    'facts.offers.push(one)',
  ]) {
    expect(writes.test(line), line).toBe(true);
  }
});
