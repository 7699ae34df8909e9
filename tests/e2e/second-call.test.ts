import { describe, expect, test } from 'vitest';
import { endCall } from '#booking/calls.ts';
import { callRecord } from '#console/call-record.ts';
import { createOpenAiModel } from '#model/openai.ts';
import { createLog } from '#telemetry/log.ts';
import { Caller, type RunningApp, startApp } from '../running-app.ts';
import { type ModelStandIn, startModelStandIn, toolCalls } from '../stand-ins/language-model.ts';

interface Line extends AsyncDisposable {
  app: RunningApp;
  /** Says something in a call; the model calls this tool then. */
  say(caller: Caller, words: string, tool: string, args: object): Promise<string>;
}

async function openLine(): Promise<Line> {
  await using opening = new AsyncDisposableStack();
  const model: ModelStandIn = opening.use(await startModelStandIn());
  const log = createLog({ level: 'silent', pretty: false });
  const app = opening.use(
    await startApp({
      model: createOpenAiModel({ apiKey: 'none', model: 'stand-in', baseUrl: model.baseUrl, log }),
    }),
  );
  const opened = opening.move();
  return {
    app,
    async say(caller, words, tool, args) {
      model.answer(toolCalls([tool, args]));
      return caller.say(words);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function hold({ say }: Line, caller: Caller): Promise<void> {
  await say(caller, 'Next Tuesday?', 'check_availability', { date: 'next Tuesday' });
  expect(await say(caller, 'The first.', 'reserve_slot', { slotId: 'slot_1' })).toMatch(/holding/i);
}

const yes = (name?: string) => ({ appointmentDetails: name === undefined ? {} : { patientName: name } });

async function book(line: Line): Promise<Caller> {
  const caller = new Caller(line.app);
  await hold(line, caller);
  expect(await line.say(caller, 'Yes.', 'send_sms_reminder', yes('Ann Miller'))).toMatch(/booked/i);
  return caller;
}

function appointmentsOf({ app }: Line, caller: Caller) {
  return callRecord(app.sql, app.organization.id, caller.callSid).then((record) => record.appointments);
}

describe('a caller who rings again about an appointment', () => {
  test('cancels it after name and number agreed and it was read out', async () => {
    await using line = await openLine();
    const first = await book(line);
    const again = new Caller(line.app);
    const find = (name: string) =>
      line.say(again, `I am ${name}.`, 'find_appointments', { patientName: name });
    const early = await line.say(again, 'Cancel it.', 'cancel_appointment', {
      appointmentId: 'appointment_1',
    });
    expect(early).toMatch(/find|name/i);
    expect(await find('Ben Otto')).not.toMatch(/tuesday/i);
    expect(await find('Ann Miller')).toMatch(/tuesday/i);
    const cancelled = await line.say(again, 'Yes, cancel.', 'cancel_appointment', {
      appointmentId: 'appointment_1',
    });
    expect(cancelled).toMatch(/cancel/i);
    expect(await appointmentsOf(line, first)).toMatchObject([{ status: 'cancelled' }]);
  });

  test('moves it to a time that was offered, and the old time is open', async () => {
    await using line = await openLine();
    const first = await book(line);
    const again = new Caller(line.app);
    await line.say(again, 'I am Ann Miller.', 'find_appointments', { patientName: 'Ann Miller' });
    await line.say(again, 'Wednesday?', 'check_availability', { date: 'next Wednesday' });
    const moved = await line.say(again, 'The second.', 'move_appointment', {
      appointmentId: 'appointment_1',
      slotId: 'slot_2',
    });
    expect(moved).toMatch(/wednesday/i);
    expect(await appointmentsOf(line, first)).toMatchObject([{ status: 'moved' }]);
    expect(await appointmentsOf(line, again)).toMatchObject([{ status: 'booked' }]);
  });

  test('from a withheld number finds nothing, whatever the name', async () => {
    await using line = await openLine();
    await book(line);
    const withheld = new Caller(line.app, '');
    const heard = await line.say(withheld, 'I am Ann Miller.', 'find_appointments', {
      patientName: 'Ann Miller',
    });
    expect(heard).not.toMatch(/tuesday/i);
  });
});

describe('a caller who was cut off after the hold', () => {
  test('hears of it only after giving a name, and books it with a yes after that', async () => {
    await using line = await openLine();
    const first = new Caller(line.app);
    await hold(line, first);
    await endCall(
      line.app.sql,
      { tenantId: line.app.organization.id, callSid: first.callSid },
      { releaseHold: false, fault: null },
    );

    const again = new Caller(line.app);
    const nameless = await line.say(again, 'We were cut off.', 'send_sms_reminder', yes());
    expect(nameless).toMatch(/name/i);
    expect(nameless).not.toMatch(/tuesday/i);
    const named = await line.say(again, 'Ann Miller.', 'send_sms_reminder', yes('Ann Miller'));
    expect(named).toMatch(/tuesday/i);
    expect(await appointmentsOf(line, again)).toEqual([]);
    expect(await line.say(again, 'Yes.', 'send_sms_reminder', yes('Ann Miller'))).toMatch(/booked/i);
    expect(await appointmentsOf(line, again)).toMatchObject([{ status: 'booked' }]);
  });
});
